// plot surface: a model of one weight and one bias over both.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/plot/probe.h"
#include "runtime/plot/surface.h"
#include "runtime/verbs/plot.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr int kGrid = 41;

struct SurfaceFlags {
  double input = 1, target = 0.5;
  std::string weight_range = "-5:5", bias_range = "-5:5";
  std::string output_range, loss_range, gradient_range;
};

// The positions of the weight and the bias.
absl::StatusOr<std::pair<int, int>> Parameters(const Manifest& manifest) {
  int weight = -1, bias = -1;
  for (size_t i = 0; i < manifest.parameters.size(); ++i) {
    const ParameterSpec& p = manifest.parameters[i];
    if (p.size != 1) continue;
    (p.shape.size() == 2 ? weight : bias) = static_cast<int>(i);
  }
  if (manifest.parameters.size() != 2 || weight < 0 || bias < 0 ||
      manifest.inputs.size() != 1 ||
      ElementCount(manifest.inputs[0].shape) != 1 ||
      manifest.outputs.size() != 1 ||
      ElementCount(manifest.outputs[0].shape) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a surface needs one neuron: one number in and out, a weight [1,1] and "
        "a bias [1]; ",
        manifest.model, " has ", manifest.parameter_count, " parameters in ",
        manifest.parameters.size(), " tensors"));
  }
  return std::pair(weight, bias);
}

// Values of the model's own pipelines with the parameters at each grid point.
absl::Status Fill(Model& model, const Probe& probe, int weight, int bias,
                  Surface& surface) {
  std::vector<std::vector<float>> outputs;
  for (int ib = 0; ib < kGrid; ++ib) {
    for (int iw = 0; iw < kGrid; ++iw) {
      const auto along = [](const Range& r, int i) {
        return static_cast<float>(r.low + (r.high - r.low) * i / (kGrid - 1));
      };
      const float w = along(surface.weight, iw), b = along(surface.bias, ib);
      model.SetParameter(weight, {&w, 1});
      model.SetParameter(bias, {&b, 1});
      Totals totals;
      absl::Status status = model.Infer(probe.data(), probe.rows(), outputs);
      if (status.ok()) {
        status = model.Gradient(probe.data(), probe.rows(), totals);
      }
      if (!status.ok()) return status;
      surface.layers[0].values.push_back(outputs[0][0]);
      surface.layers[1].values.push_back(totals.MeanLoss());
      surface.layers[2].values.push_back(
          model.gradient()[model.manifest().parameters[weight].offset]);
    }
  }
  return absl::OkStatus();
}

absl::Status ParseRanges(const SurfaceFlags& f, Surface& surface) {
  surface.layers.resize(3);
  for (const auto& [flag, text, range] :
       {std::tuple("weight_range", &f.weight_range, &surface.weight),
        {"bias_range", &f.bias_range, &surface.bias},
        {"output_range", &f.output_range, &surface.layers[0].z},
        {"loss_range", &f.loss_range, &surface.layers[1].z},
        {"gradient_range", &f.gradient_range, &surface.layers[2].z}}) {
    absl::StatusOr<Range> parsed = RangeOf(flag, *text);
    if (!parsed.ok()) return parsed.status();
    *range = *parsed;
  }
  if (surface.weight.empty() || surface.bias.empty()) {
    return absl::InvalidArgumentError(
        "--weight_range and --bias_range must be ranges low:high");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PlotSurface(const VerbContext& context) {
  const Manifest& manifest = context.manifest;
  SurfaceFlags f;
  PlotOutput output;
  FlagSet flags;
  flags.Add("input", &f.input, "X", "the neuron's input");
  flags.Add("target", &f.target, "Y", "what its output should be");
  flags.Add("weight_range", &f.weight_range, "LO:HI", "of the weight");
  flags.Add("bias_range", &f.bias_range, "LO:HI", "of the bias");
  flags.Add(
      "output_range", &f.output_range, "LO:HI",
      "of the output's axis; else as its values say, as for the next two");
  flags.Add("loss_range", &f.loss_range, "LO:HI", "of the loss's axis");
  flags.Add("gradient_range", &f.gradient_range, "LO:HI",
            "of the gradient's axis");
  output.AddFlags(flags);
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();

  absl::StatusOr<std::pair<int, int>> parameters = Parameters(manifest);
  if (!parameters.ok()) return parameters.status();
  Surface surface;
  surface.grid = kGrid;
  absl::Status status = ParseRanges(f, surface);
  if (status.ok()) status = output.Check();
  if (!status.ok()) return status;
  // A weighted loss is no longer what its name says.
  const bool plain =
      manifest.losses.size() == 1 && manifest.losses[0].weight == 1;
  const std::string loss = plain ? Readable(manifest.losses[0].name) : "loss";
  surface.layers[0].name = "output";
  surface.layers[1].name = loss;
  surface.layers[2].name = absl::StrCat("d ", loss, " / d weight");

  absl::StatusOr<std::unique_ptr<Model>> model = Model::Create(context.bundle);
  if (!model.ok()) return model.status();
  const auto input = static_cast<float>(f.input / manifest.inputs[0].scale);
  absl::StatusOr<std::unique_ptr<Probe>> probe =
      Probe::Create(manifest, {&input, 1}, f.target);
  if (!probe.ok()) return probe.status();
  status =
      Fill(**model, **probe, parameters->first, parameters->second, surface);
  if (!status.ok()) return status;
  surface.title = output.TitleOr(absl::StrFormat(
      "%s: input %g, target %g", manifest.model, f.input, f.target));
  return output.Write(SurfacePicture(surface));
}

}  // namespace runtime
}  // namespace kiln
