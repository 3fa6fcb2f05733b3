// plot features: the first convolution's feature maps, an image of each class.

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/plot/first_convolution.h"
#include "runtime/plot/tiles.h"
#include "runtime/verbs/plot.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr int kMostFilters = 32, kMostClasses = 20;

// The first sample of each class, -1 where there is none.
std::vector<int64_t> FirstOfEach(const Manifest& manifest,
                                 const DataBinding& data) {
  std::vector<int64_t> rows(manifest.targets[0].classes, -1);
  for (int64_t row = data.samples() - 1; row >= 0; --row) {
    rows[ClassOf(manifest, data, row)] = row;
  }
  return rows;
}

// A row a class, a column a filter.
Tiles MapsOf(const Model& model, const FirstConvolution& conv,
             const DataBinding& data) {
  const Manifest& manifest = model.manifest();
  const auto filters = static_cast<int>(conv.output_shape[0]);
  Tiles tiles;
  tiles.height = static_cast<int>(conv.output_shape[1]);
  tiles.width = static_cast<int>(conv.output_shape[2]);
  tiles.columns = filters;
  tiles.colour_label = conv.activation.empty()
                           ? conv.name
                           : absl::StrCat(conv.activation, "(", conv.name, ")");
  for (int k = 0; k < filters; ++k) {
    tiles.column_labels.push_back(
        absl::StrCat(filters > 10 ? "" : "filter ", k));
  }
  const size_t pixels = tiles.height * tiles.width;
  const std::vector<int64_t> rows = FirstOfEach(manifest, data);
  for (size_t label = 0; label < rows.size(); ++label) {
    if (rows[label] < 0) continue;
    std::vector<float> image(ElementCount(conv.input_shape));
    for (size_t j = 0; j < image.size(); ++j) {
      image[j] = InputValue(manifest, data, conv.input, rows[label], j);
    }
    const std::vector<float> maps = conv.Apply(
        image, model.parameter(conv.weight),
        conv.bias < 0 ? absl::Span<const float>() : model.parameter(conv.bias));
    tiles.row_labels.push_back(absl::StrCat("class ", label));
    for (int k = 0; k < filters; ++k) {
      const auto map = absl::MakeSpan(maps).subspan(k * pixels, pixels);
      tiles.tiles.push_back({"", {map.begin(), map.end()}});
    }
  }
  return tiles;
}

}  // namespace

absl::Status PlotFeatures(const VerbContext& context) {
  const Manifest& manifest = context.manifest;
  std::string load, layer, part = "test";
  DataOptions data = DefaultDataOptions(manifest);
  PlotOutput output;
  FlagSet flags;
  flags.Add("load", &load, "FILE", "weights, safetensors; required");
  flags.Add("layer", &layer, "NAME",
            "a convolution of the model's input; else the first");
  AddDataFlags(flags, data);
  flags.Add("part", &part, "PART", "train or test: whose images are taken");
  output.AddFlags(flags);
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();

  absl::StatusOr<FirstConvolution> conv =
      FirstConvolution::Find(manifest, layer);
  if (!conv.ok()) return conv.status();
  if (manifest.targets.empty() || manifest.targets[0].classes < 1 ||
      manifest.targets[0].classes > kMostClasses ||
      conv->output_shape[0] > kMostFilters) {
    return absl::InvalidArgumentError(absl::StrCat(
        "feature maps are drawn of at most ", kMostClasses, " classes and ",
        kMostFilters, " filters; ", manifest.model, " has others"));
  }
  absl::Status status = output.Check();
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<Model>> model = LoadedModel(context, load);
  if (!model.ok()) return model.status();
  absl::StatusOr<std::unique_ptr<BoundData>> bound =
      BoundData::Load(manifest, data);
  if (!bound.ok()) return bound.status();
  absl::StatusOr<const DataBinding*> images = PartOf(**bound, part);
  if (!images.ok()) return images.status();

  Tiles tiles = MapsOf(**model, *conv, **images);
  tiles.title = output.TitleOr(
      absl::StrCat(manifest.model, ": feature maps of ", conv->name));
  return output.Write(TilesPicture(tiles));
}

}  // namespace runtime
}  // namespace kiln
