// What every verb of a model's binary looks like, and what several of them
// share.

#ifndef KILN_RUNTIME_VERBS_VERB_H_
#define KILN_RUNTIME_VERBS_VERB_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/bundle.h"
#include "runtime/data_binding.h"
#include "runtime/data_options.h"
#include "runtime/dataset.h"
#include "runtime/flag_set.h"
#include "runtime/manifest.h"
#include "runtime/model.h"

namespace kiln {
inline namespace runtime {

struct VerbContext;

struct Verb {
  const char* name;
  const char* purpose;  // one line
  // Reads its flags from the context, works, prints to standard output.
  absl::Status (*run)(const VerbContext& context);
};

struct VerbContext {
  const Bundle& bundle;
  const Manifest& manifest;
  const Verb& verb;
  absl::Span<const char* const> arguments;  // behind the verb
};

absl::Status RunSummary(const VerbContext& context);
absl::Status RunTrain(const VerbContext& context);
absl::Status RunEval(const VerbContext& context);
absl::Status RunGradcheck(const VerbContext& context);
absl::Status RunGraph(const VerbContext& context);
absl::Status RunBench(const VerbContext& context);
absl::Status RunProfile(const VerbContext& context);
absl::Status RunMatrix(const VerbContext& context);
absl::Status RunExplain(const VerbContext& context);
absl::Status RunPlot(const VerbContext& context);

// Reads the verb's flags. False when --help was asked for: it has been printed,
// and nothing is left to do.
absl::StatusOr<bool> ParseFlags(const VerbContext& context, FlagSet& flags);

// Adds the flags that choose and read data, --data first, to a verb that calls
// BoundData::Load(manifest, options) after ParseFlags. Their defaults are what
// `options` holds; DefaultDataOptions has the model file's data set there.
void AddDataFlags(FlagSet& flags, DataOptions& options);
DataOptions DefaultDataOptions(const Manifest& manifest);

// The model with the weights of --load, which must be given.
absl::StatusOr<std::unique_ptr<Model>> LoadedModel(const VerbContext& context,
                                                   const std::string& load);

// The model with the weights of a file, or without one (""), with those that
// training starts from.
absl::StatusOr<std::unique_ptr<Model>> ModelWithWeights(
    const VerbContext& context, const std::string& file, uint64_t seed);

// A model's data set, loaded and checked against the manifest.
class BoundData {
 public:
  static absl::StatusOr<std::unique_ptr<BoundData>> Load(
      const Manifest& manifest, const DataOptions& options);

  // The bindings point at pair_.
  BoundData(const BoundData&) = delete;
  BoundData& operator=(const BoundData&) = delete;

  const DataBinding& train() const { return *train_; }
  const DataBinding* test() const { return test_.get(); }  // null: none

 private:
  BoundData() = default;
  DataPair pair_;
  std::unique_ptr<DataBinding> train_, test_;
};

// "loss 0.0561, accuracy 98.51 %": the means of what the model measures.
std::string MeansText(const Manifest& manifest, const Totals& totals);

// "test accuracy 98.51 % (9851/10000)", or "test loss 0.0561" for a model
// without that metric.
std::string ResultLine(const Manifest& manifest, const char* part,
                       const Totals& totals);

// Whether a regular file can be made, or replaced, at `path`. Asked before a
// long run, whose output it is. An empty path is none, and fine.
absl::Status CheckWritable(const std::string& path);

// Adds --threads to a verb that calls
// ThreadCount (parallel.h) after ParseFlags.
void AddThreadsFlag(FlagSet& flags, int64_t& threads);

// InvalidArgument "--name=value must be at least minimum".
absl::Status CheckAtLeast(const char* flag, int64_t value, int64_t minimum);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_VERBS_VERB_H_
