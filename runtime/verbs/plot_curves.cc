// plot curves: training logs, one over the other.

#include "absl/strings/str_cat.h"
#include "runtime/plot/curves.h"
#include "runtime/verbs/plot.h"

namespace kiln {
inline namespace runtime {

absl::Status PlotCurves(const VerbContext& context) {
  std::string log, names;
  CurvesOptions options;
  PlotOutput output;
  FlagSet flags;
  flags.Add("log", &log, "FILE.jsonl,...",
            "what train --log wrote, of this model or others; required");
  flags.Add("names", &names, "NAME,...", "of the runs; else the files' names");
  flags.Add("log_y", &options.log_y, "", "losses on a logarithmic axis");
  flags.Add("log_x", &options.log_x, "",
            "iterations on a logarithmic axis, for runs of unlike lengths");
  flags.Add("accuracy_from", &options.accuracy_from, "PERCENT",
            "where the axes of accuracies start");
  output.AddFlags(flags);
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();

  const std::vector<std::string> files = ListOf(log);
  if (files.empty()) {
    return absl::InvalidArgumentError(
        "--log=FILE.jsonl is missing; see --help");
  }
  if (!(options.accuracy_from >= 0 && options.accuracy_from < 100)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--accuracy_from=", options.accuracy_from,
                     " is not from 0 to below 100"));
  }
  absl::Status status = output.Check();
  if (!status.ok()) return status;
  absl::StatusOr<std::vector<std::string>> run_names = NamesOf(files, names);
  if (!run_names.ok()) return run_names.status();
  std::vector<RunCurves> runs;
  for (size_t i = 0; i < files.size(); ++i) {
    absl::StatusOr<RunCurves> run = ReadRunCurves(files[i], (*run_names)[i]);
    if (!run.ok()) return run.status();
    runs.push_back(*std::move(run));
  }
  options.title = output.TitleOr("Training");
  return output.Write(CurvesPicture(runs, options));
}

}  // namespace runtime
}  // namespace kiln
