// eval: saved weights on the test part of a data set.

#include <cstdio>
#include <memory>
#include <string>

#include "runtime/parallel.h"
#include "runtime/verbs/verb.h"

namespace kiln {
inline namespace runtime {

absl::Status RunEval(const VerbContext& context) {
  std::string load;
  DataOptions data = DefaultDataOptions(context.manifest);
  int64_t threads = 0;
  FlagSet flags;
  flags.Add("load", &load, "FILE",
            "weights to evaluate, safetensors; required");
  AddDataFlags(flags, data);
  AddThreadsFlag(flags, threads);
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();
  absl::StatusOr<int> thread_count = ThreadCount(threads);
  if (!thread_count.ok()) return thread_count.status();

  absl::StatusOr<std::unique_ptr<Model>> model = LoadedModel(context, load);
  if (!model.ok()) return model.status();
  absl::Status status = (*model)->SetThreads(*thread_count);
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<BoundData>> bound =
      BoundData::Load(context.manifest, data);
  if (!bound.ok()) return bound.status();
  // Data without a test part are judged whole: the test set's own file.
  const bool has_test = (*bound)->test() != nullptr;

  Totals totals;
  status = (*model)->Evaluate(has_test ? *(*bound)->test() : (*bound)->train(),
                              totals);
  if (!status.ok()) return status;
  std::printf(
      "%s\n%s\n", MeansText(context.manifest, totals).c_str(),
      ResultLine(context.manifest, has_test ? "test" : "data", totals).c_str());
  return absl::OkStatus();
}

}  // namespace runtime
}  // namespace kiln
