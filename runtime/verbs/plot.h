// What the verbs `plot curves`, `plot boundary`, ... share.

#ifndef KILN_RUNTIME_VERBS_PLOT_H_
#define KILN_RUNTIME_VERBS_PLOT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/plot/picture.h"
#include "runtime/verbs/verb.h"

namespace kiln {
inline namespace runtime {

absl::Status PlotCurves(const VerbContext& context);
absl::Status PlotBoundary(const VerbContext& context);
absl::Status PlotWeights(const VerbContext& context);
absl::Status PlotFeatures(const VerbContext& context);
absl::Status PlotFunction(const VerbContext& context);
absl::Status PlotSurface(const VerbContext& context);

// --out, --data_out and --title, which every picture has.
struct PlotOutput {
  std::string out, data_out, title;

  void AddFlags(FlagSet& flags);
  // Before the work: --out is given, both files can be made, gnuplot is there.
  absl::Status Check() const;
  // `title`, or else the default.
  std::string TitleOr(const std::string& otherwise) const;
  // Draws, writes, and says so on standard output.
  absl::Status Write(const Picture& picture) const;
};

// "a,b" as {"a", "b"}; nothing for "".
std::vector<std::string> ListOf(const std::string& text);

// A name for each file: those of --names, or else the files' own without
// directory and extension. InvalidArgument where there are fewer or more.
absl::StatusOr<std::vector<std::string>> NamesOf(
    const std::vector<std::string>& files, const std::string& names);

// "lo:hi" with lo < hi; an empty range for "". `flag` is for the message.
absl::StatusOr<Range> RangeOf(const char* flag, const std::string& text);

// The position of a parameter layer.weight. Without a `layer` the first one;
// NotFound names those that there are.
absl::StatusOr<int> WeightOf(const Manifest& manifest,
                             const std::string& layer);

// The part that --part names: "train" or "test".
absl::StatusOr<const DataBinding*> PartOf(const BoundData& data,
                                          const std::string& part);

// Value j of sample `row` of input i, as the model reads it: scaled.
float InputValue(const Manifest& manifest, const DataBinding& data, int i,
                 int64_t row, int64_t j);
// The class of a sample's first target: its label, or 1 where a single value is
// above one half, or the largest of several.
int ClassOf(const Manifest& manifest, const DataBinding& data, int64_t row);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_VERBS_PLOT_H_
