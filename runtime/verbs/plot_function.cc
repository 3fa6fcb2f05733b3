// plot function: what a model of one variable has learned.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/plot/function.h"
#include "runtime/plot/probe.h"
#include "runtime/verbs/plot.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr int kPoints = 401;

absl::Status CheckModel(const Manifest& manifest) {
  if (manifest.inputs.size() == 1 &&
      ElementCount(manifest.inputs[0].shape) == 1 &&
      manifest.outputs.size() == 1 &&
      ElementCount(manifest.outputs[0].shape) == 1 &&
      manifest.targets.size() == 1 && manifest.targets[0].classes == 0 &&
      manifest.targets[0].elements() == 1) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "a function needs one number in, one out and one as the target; ",
      manifest.model, " is another kind of model"));
}

float TargetValue(const DataBinding& data, int64_t row) {
  return reinterpret_cast<const float*>(data.target(0))[row];
}

absl::StatusOr<FunctionPlot::Curve> Learned(const VerbContext& context,
                                            const std::string& load,
                                            const std::string& name,
                                            const Range& x) {
  absl::StatusOr<std::unique_ptr<Model>> model = LoadedModel(context, load);
  if (!model.ok()) return model.status();
  std::vector<double> at;
  std::vector<float> inputs;
  for (int i = 0; i < kPoints; ++i) {
    at.push_back(x.low + (x.high - x.low) * i / (kPoints - 1));
    inputs.push_back(
        static_cast<float>(at.back() / context.manifest.inputs[0].scale));
  }
  absl::StatusOr<std::unique_ptr<Probe>> probe =
      Probe::Create(context.manifest, inputs);
  if (!probe.ok()) return probe.status();
  absl::StatusOr<std::vector<float>> values = (*probe)->Infer(**model, 0);
  if (!values.ok()) return values.status();
  FunctionPlot::Curve curve{.name = name, .points = {}};
  for (int i = 0; i < kPoints; ++i) {
    curve.points.emplace_back(at[i], (*values)[i]);
  }
  return curve;
}

}  // namespace

absl::Status PlotFunction(const VerbContext& context) {
  const Manifest& manifest = context.manifest;
  std::string load, names, overlay, part = "train";
  DataOptions data = DefaultDataOptions(manifest);
  PlotOutput output;
  FlagSet flags;
  flags.Add("load", &load, "FILE,...", "weights, safetensors; required");
  flags.Add("names", &names, "NAME,...",
            "of the curves; else the files' names");
  flags.Add("overlay", &overlay, "FILE.csv,...",
            "curves that plot function --data_out wrote, of other models too");
  AddDataFlags(flags, data);
  flags.Add("part", &part, "PART", "train or test: whose points are drawn");
  output.AddFlags(flags);
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();

  absl::Status status = CheckModel(manifest);
  if (status.ok()) status = output.Check();
  if (!status.ok()) return status;
  const std::vector<std::string> files = ListOf(load);
  if (files.empty()) {
    return absl::InvalidArgumentError("--load=FILE is missing; see --help");
  }
  absl::StatusOr<std::vector<std::string>> curve_names = NamesOf(files, names);
  if (!curve_names.ok()) return curve_names.status();
  absl::StatusOr<std::unique_ptr<BoundData>> bound =
      BoundData::Load(manifest, data);
  if (!bound.ok()) return bound.status();
  absl::StatusOr<const DataBinding*> points = PartOf(**bound, part);
  if (!points.ok()) return points.status();

  FunctionPlot plot;
  Range x;
  for (int row = 0; row < (*points)->samples(); ++row) {
    const double at = InputValue(manifest, **points, 0, row, 0);
    plot.data.emplace_back(at, TargetValue(**points, row));
    x.Add(at);
  }
  x = x.Padded(0.05);
  for (const std::string& file : ListOf(overlay)) {
    absl::StatusOr<std::vector<FunctionPlot::Curve>> curves =
        ReadFunctionCurves(file);
    if (!curves.ok()) return curves.status();
    plot.curves.insert(plot.curves.end(), curves->begin(), curves->end());
  }
  for (size_t i = 0; i < files.size(); ++i) {
    absl::StatusOr<FunctionPlot::Curve> curve =
        Learned(context, files[i], (*curve_names)[i], x);
    if (!curve.ok()) return curve.status();
    plot.curves.push_back(*std::move(curve));
  }
  if (plot.curves.size() > kSeriesColours) {
    return absl::InvalidArgumentError(
        absl::StrCat(plot.curves.size(), " curves: a picture has colours for ",
                     kSeriesColours, " at most"));
  }
  plot.x_label = Readable(manifest.inputs[0].name);
  plot.y_label = Readable(manifest.outputs[0].name);
  plot.title = output.TitleOr(
      absl::StrCat(manifest.model, ": the learned function over the ",
                   part == "train" ? "training" : part, " points"));
  return output.Write(FunctionPicture(plot));
}

}  // namespace runtime
}  // namespace kiln
