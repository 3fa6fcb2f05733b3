// plot boundary: the plane of a model's two inputs.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/plot/boundary.h"
#include "runtime/plot/probe.h"
#include "runtime/verbs/plot.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr int kGrid = 201;  // points a side: 4 pixels each

absl::Status CheckModel(const Manifest& manifest, int output) {
  int64_t inputs = 0;
  for (const InputSpec& input : manifest.inputs) {
    inputs += ElementCount(input.shape);
  }
  if (manifest.inputs.size() != 1 || inputs != 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a boundary needs one input of two numbers; ", manifest.model, " has ",
        manifest.inputs.size(), " input(s) of ", inputs));
  }
  const int64_t scores = ElementCount(manifest.outputs[output].shape);
  if (scores > kSeriesColours || manifest.targets.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a boundary needs targets and at most ", kSeriesColours, " scores; ",
        manifest.model, " has ", manifest.targets.size(), " target(s) and ",
        scores, " scores"));
  }
  return absl::OkStatus();
}

Boundary PointsOf(const Manifest& manifest, const DataBinding& data) {
  Boundary boundary;
  for (int row = 0; row < data.samples(); ++row) {
    const double x = InputValue(manifest, data, 0, row, 0);
    const double y = InputValue(manifest, data, 0, row, 1);
    boundary.points.push_back({x, y, ClassOf(manifest, data, row)});
    boundary.x.Add(x);
    boundary.y.Add(y);
  }
  boundary.x = boundary.x.Padded(0.15);
  boundary.y = boundary.y.Padded(0.15);
  return boundary;
}

absl::Status FillGrid(Model& model, int output, Boundary& boundary) {
  const Manifest& manifest = model.manifest();
  const double scale = manifest.inputs[0].scale;
  std::vector<float> points;
  for (int iy = 0; iy < kGrid; ++iy) {
    for (int ix = 0; ix < kGrid; ++ix) {
      const Range &x = boundary.x, &y = boundary.y;
      const double at_x = x.low + (x.high - x.low) * ix / (kGrid - 1);
      const double at_y = y.low + (y.high - y.low) * iy / (kGrid - 1);
      points.push_back(static_cast<float>(at_x / scale));
      points.push_back(static_cast<float>(at_y / scale));
    }
  }
  absl::StatusOr<std::unique_ptr<Probe>> probe =
      Probe::Create(manifest, points);
  if (!probe.ok()) return probe.status();
  absl::StatusOr<std::vector<float>> values = (*probe)->Infer(model, output);
  if (!values.ok()) return values.status();
  boundary.grid = kGrid;
  boundary.outputs =
      static_cast<int>(ElementCount(manifest.outputs[output].shape));
  boundary.values = *std::move(values);
  // A single score is drawn as the probability that it stands for.
  for (const float value : boundary.values) {
    if (boundary.outputs == 1 && !(value >= 0 && value <= 1)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the only value of ", manifest.outputs[output].name,
                       " must be a probability, and is ", value,
                       " somewhere; choose a head with --output"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PlotBoundary(const VerbContext& context) {
  const Manifest& manifest = context.manifest;
  std::string load, part = "test", head;
  DataOptions data = DefaultDataOptions(manifest);
  PlotOutput output;
  FlagSet flags;
  flags.Add("load", &load, "FILE", "weights, safetensors; required");
  AddDataFlags(flags, data);
  flags.Add("part", &part, "PART", "train or test: whose points are drawn");
  flags.Add("output", &head, "NAME", "the head that is drawn; else the first");
  output.AddFlags(flags);
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();

  const int k = head.empty() ? 0 : manifest.FindOutput(head);
  if (k < 0 || manifest.outputs.empty()) {
    return absl::NotFoundError(
        absl::StrCat("--output=", head, ": there is no such head"));
  }
  absl::Status status = CheckModel(manifest, k);
  if (status.ok()) status = output.Check();
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<Model>> model = LoadedModel(context, load);
  if (!model.ok()) return model.status();
  absl::StatusOr<std::unique_ptr<BoundData>> bound =
      BoundData::Load(manifest, data);
  if (!bound.ok()) return bound.status();
  absl::StatusOr<const DataBinding*> points = PartOf(**bound, part);
  if (!points.ok()) return points.status();

  Boundary boundary = PointsOf(manifest, **points);
  status = FillGrid(**model, k, boundary);
  if (!status.ok()) return status;
  const std::string& input = manifest.inputs[0].name;
  boundary.x_label = absl::StrCat(Readable(input), "[0]");
  boundary.y_label = absl::StrCat(Readable(input), "[1]");
  boundary.title = output.TitleOr(
      absl::StrCat(manifest.model, ": ", manifest.outputs[k].name, " over the ",
                   part, " points of ", data.source));
  return output.Write(BoundaryPicture(boundary));
}

}  // namespace runtime
}  // namespace kiln
