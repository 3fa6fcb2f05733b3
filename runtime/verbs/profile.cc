// profile: where the time of a training step goes, stage by stage.

#include "runtime/profile.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/json_access.h"
#include "runtime/text_table.h"
#include "runtime/verbs/verb.h"

namespace kiln {
inline namespace runtime {

namespace {

// The marks of every call are kept.
constexpr int64_t kMostSteps = 100000;

struct Row {
  std::string phase = "", node = "", op = "";
  double us = 0;
  int64_t useful_flops = 0, bytes = 0;  // of a call
};

double Rate(int64_t count, double us) {
  return us > 0 ? static_cast<double>(count) / us * 1e-3 : 0;
}

double Percent(const Row& row, const Row& total) {
  return total.us > 0 ? 100 * row.us / total.us : 0;
}

// "conv1 + tanh1" and "conv2d + pointwise"; a helper goes by its own name.
Row RowOf(const Manifest& manifest, const StageSpec& stage, double us) {
  Row row = {.phase = stage.phase,
             .us = us,
             .useful_flops = stage.useful_flops,
             .bytes = stage.bytes};
  std::vector<std::string> ops;
  for (const std::string& node : stage.nodes)
    ops.push_back(manifest.nodes[manifest.FindNode(node)].op);
  row.node = absl::StrJoin(stage.nodes, " + ");
  row.op = absl::StrJoin(ops, " + ");
  if (stage.nodes.empty()) {
    row.node = stage.name;
    if (!stage.of.empty()) row.op = absl::StrCat("for ", stage.of);
  }
  return row;
}

std::vector<Row> RowsOf(const Manifest& manifest, const Profile& profile) {
  std::vector<Row> rows;
  const PipelineSpec& spec = *profile.pipeline;
  for (size_t s = 0; s < spec.stages.size(); ++s)
    rows.push_back(RowOf(manifest, spec.stages[s], profile.stage_us[s]));
  if (spec.kind == PipelineKind::kGrad) {
    // Parameters and momentum read and written, the gradient read.
    const int64_t arena = manifest.arena_floats * int64_t{4};
    const bool momentum = profile.update_has_momentum;
    rows.push_back({.phase = "update",
                    .node = "all parameters",
                    .op = momentum ? "momentum" : "sgd",
                    .us = profile.update_us,
                    .bytes = arena * (momentum ? 5 : 3)});
  }
  return rows;
}

Row TotalOf(const std::vector<Row>& rows) {
  Row total = {.phase = "total"};
  for (const Row& row : rows) {
    total.us += row.us;
    total.useful_flops += row.useful_flops;
    total.bytes += row.bytes;
  }
  return total;
}

void PrintRows(const std::vector<Row>& rows, const Row& total, double peak) {
  TextTable table({"phase", "node", "op", ">us", ">%", ">useful FLOPs",
                   ">GFLOP/s", ">% of peak", ">bytes", ">GB/s"});
  const auto add = [&](const Row& row) {
    const double gflops = Rate(row.useful_flops, row.us);
    const bool counts = row.useful_flops > 0;
    table.AddRow({row.phase, row.node, row.op,
                  absl::StrFormat("%.*f", total.us < 10 ? 3 : 2, row.us),
                  absl::StrFormat("%.1f", Percent(row, total)),
                  WithCommas(row.useful_flops),
                  counts ? absl::StrFormat("%.1f", gflops) : "",
                  counts ? absl::StrFormat("%.1f", 100 * gflops / peak) : "",
                  WithCommas(row.bytes),
                  absl::StrFormat("%.1f", Rate(row.bytes, row.us))});
  };
  for (const Row& row : rows) add(row);
  add(total);
  std::fputs(table.Text().c_str(), stdout);
}

void PrintJson(const std::vector<Row>& rows, const Row& total,
               const Profile& profile, double whole_us) {
  Json object = {{"pipeline", profile.pipeline->function},
                 {"block", profile.pipeline->block},
                 {"calls", profile.calls},
                 {"total_us", total.us},
                 {"plain_us", whole_us},
                 {"mark_us", profile.mark_us},
                 {"peak_gflops", profile.peak_gflops}};
  for (const Row& row : rows) {
    object["rows"].push_back({{"phase", row.phase},
                              {"node", row.node},
                              {"op", row.op},
                              {"us", row.us},
                              {"percent", Percent(row, total)},
                              {"useful_flops", row.useful_flops},
                              {"share_of_peak", Rate(row.useful_flops, row.us) /
                                                    profile.peak_gflops},
                              {"bytes", row.bytes}});
  }
  std::puts(DumpJson(object).c_str());
}

absl::Status CheckOptions(const ProfileOptions& options,
                          const std::string& sort) {
  if (absl::Status status = CheckAtLeast("steps", options.steps, 1);
      !status.ok())
    return status;
  if (options.steps > kMostSteps) {
    return absl::InvalidArgumentError(
        absl::StrCat("--steps=", options.steps, " is more than ", kMostSteps));
  }
  if (!(options.seconds > 0 && options.seconds <= 3600)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--seconds=", options.seconds, " must be above 0 and at most 3600"));
  }
  if (sort != "program" && sort != "time") {
    return absl::InvalidArgumentError(
        absl::StrCat("--sort=", sort, ": use program or time"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunProfile(const VerbContext& context) {
  ProfileOptions options;
  std::string sort = "program";
  bool json = false;
  FlagSet flags;
  flags.Add("steps", &options.steps, "N",
            "calls, of whose quieter half the means are taken");
  flags.Add("seconds", &options.seconds, "X",
            "begin no call later than this, though it be the first of few");
  flags.Add("sort", &sort, "ORDER",
            "program: as the stages run; time: the longest first");
  flags.Add("json", &json, "", "one JSON object instead of a table");
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();
  if (absl::Status status = CheckOptions(options, sort); !status.ok())
    return status;

  absl::StatusOr<std::unique_ptr<Model>> model =
      ModelWithWeights(context, /*file=*/"", /*seed=*/1);
  if (!model.ok()) return model.status();
  absl::StatusOr<Profile> profile =
      MeasureProfile(context.bundle, **model, options);
  if (!profile.ok()) return profile.status();
  std::vector<Row> rows = RowsOf(context.manifest, *profile);
  const Row total = TotalOf(rows);
  const double whole_us = profile->plain_us + profile->update_us;
  if (sort == "time") {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.us > b.us; });
  }
  if (json) {
    PrintJson(rows, total, *profile, whole_us);
    return absl::OkStatus();
  }
  absl::PrintF(
      "%s, block %d, one thread: means of the quieter half of %d calls; FMA "
      "peak of this core "
      "%.1f GFLOP/s\n\n",
      profile->pipeline->function, profile->pipeline->block, profile->calls,
      profile->peak_gflops);
  PrintRows(rows, total, profile->peak_gflops);
  const double gflops = Rate(total.useful_flops, whole_us);
  absl::PrintF(
      "\nthe step without marks: %.2f us, %.1f GFLOP/s, %.1f %% of peak\n"
      "less the stages' total: %+.2f us, the call itself and what %d marks of "
      "%.3f us (taken off above) hide or hold up\n",
      whole_us, gflops, 100 * gflops / profile->peak_gflops,
      whole_us - total.us, profile->pipeline->stages.size(), profile->mark_us);
  return absl::OkStatus();
}

}  // namespace runtime
}  // namespace kiln
