// summary: what the model is and what it costs, from the manifest alone; no
// parameter is allocated.

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/text_table.h"
#include "runtime/verbs/verb.h"

namespace kiln {
inline namespace runtime {

namespace {

void PrintLayers(const Manifest& manifest) {
  TextTable table({"layer", "op", "output", ">parameters", ">FLOPs forward"});
  for (const LayerSpec& layer : manifest.layers) {
    table.AddRow({layer.name, layer.op, ShapeText(layer.output_shape),
                  WithCommas(layer.parameters), WithCommas(layer.flops)});
  }
  table.AddRow({"total", "", "", WithCommas(manifest.parameter_count),
                WithCommas(manifest.flops.forward)});
  std::fputs(table.Text().c_str(), stdout);
}

void PrintParameters(const Manifest& manifest) {
  TextTable table({"parameter", "shape", ">size", "training"});
  for (const ParameterSpec& p : manifest.parameters) {
    table.AddRow({p.name, ShapeText(p.shape), WithCommas(p.size),
                  p.frozen ? "frozen"
                  : p.learning_rate_multiplier != 1
                      ? absl::StrCat("lr x ", p.learning_rate_multiplier)
                      : ""});
  }
  std::fputs(table.Text().c_str(), stdout);
}

void PrintPipelines(const Manifest& manifest) {
  if (manifest.count_only) {
    std::printf("no pipelines: this model is only counted\n");
    return;
  }
  TextTable table({"pipeline", "kind", ">block", "schedule", ">workspace bytes",
                   ">lower bound", ">allocations", ">stack bytes"});
  for (const PipelineSpec& p : manifest.pipelines) {
    table.AddRow({p.function, PipelineKindName(p.kind), absl::StrCat(p.block),
                  p.schedule, WithCommas(p.workspace_bytes),
                  WithCommas(p.workspace_lower_bound),
                  absl::StrCat(p.allocations.size()),
                  WithCommas(p.stack_bytes)});
  }
  std::fputs(table.Text().c_str(), stdout);
  std::printf(
      "lower bound: the most bytes that are alive at one time, which no "
      "placement in the\nworkspace can undercut; stack bytes: register tiles "
      "and small stages beside it.\n");
}

void PrintNotes(const Manifest& manifest) {
  if (manifest.notes.empty()) return;
  std::printf("what the compiler did\n");
  for (const std::string& note : manifest.notes)
    std::printf("  %s\n", note.c_str());
  std::printf("\n");
}

}  // namespace

absl::Status RunSummary(const VerbContext& context) {
  FlagSet flags;
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();

  const Manifest& manifest = context.manifest;
  std::printf("%s\n\n", manifest.model.c_str());
  for (const auto& [name, value] : manifest.options) {
    absl::PrintF("option  %s = %s\n", name, value);
  }
  for (const InputSpec& input : manifest.inputs) {
    absl::PrintF("input   %s %s %s, scaled by %g\n", input.name,
                 ShapeText(input.shape), StorageName(input.storage),
                 input.scale);
  }
  for (const TargetSpec& target : manifest.targets) {
    absl::PrintF("target  %s %s\n", target.name,
                 target.classes > 0
                     ? absl::StrCat("one of ", target.classes, " classes")
                     : ShapeText(target.shape));
  }
  for (const OutputSpec& output : manifest.outputs) {
    absl::PrintF("output  %s %s\n", output.name, ShapeText(output.shape));
  }
  std::printf("\n");
  PrintLayers(manifest);

  const FlopCounts& flops = manifest.flops;
  absl::PrintF(
      "\nFLOPs per sample\n"
      "  forward, every op           %14s\n"
      "  forward, useful             %14s\n"
      "  backward, useful            %14s\n"
      "  training step, useful       %14s\n"
      "  inference, every op         %14s\n"
      "  inference, useful           %14s\n"
      "every op: a maximum of n values costs n - 1; useful: 2 per "
      "multiply-add of convolutions\nand dense layers, their weight gradients "
      "and the input gradients that are needed.\n\n",
      WithCommas(flops.forward), WithCommas(flops.useful_forward),
      WithCommas(flops.useful_backward), WithCommas(flops.useful_step()),
      WithCommas(flops.inference), WithCommas(flops.useful_inference));
  PrintNotes(manifest);

  PrintParameters(manifest);
  absl::PrintF("%s parameters, %s bytes in an aligned arena\n\n",
               WithCommas(manifest.parameter_count),
               WithCommas(manifest.arena_floats * int64_t{4}));
  PrintPipelines(manifest);
  return absl::OkStatus();
}

}  // namespace runtime
}  // namespace kiln
