// plot weights: a layer's weights as pictures.

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runtime/plot/tiles.h"
#include "runtime/verbs/plot.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr int kMostTiles = 256;

// Height and width of a dense layer's row as a picture: the model's input where
// that is an image of one channel and as many pixels, a square where the length
// is one, or else a strip.
std::pair<int64_t, int64_t> PictureShape(const Manifest& manifest,
                                         int64_t length) {
  for (const InputSpec& input : manifest.inputs) {
    if (input.shape.size() == 3 && input.shape[0] == 1 &&
        ElementCount(input.shape) == length) {
      return {input.shape[1], input.shape[2]};
    }
  }
  const auto side = static_cast<int64_t>(std::lround(std::sqrt(length)));
  if (side * side == length) return {side, side};
  return {1, length};
}

absl::StatusOr<Tiles> TilesOf(const Manifest& manifest,
                              const ParameterSpec& spec,
                              absl::Span<const float> weight) {
  const std::vector<int64_t>& shape = spec.shape;
  if (shape.size() != 2 && shape.size() != 4) {
    return absl::InvalidArgumentError(
        absl::StrCat(spec.name,
                     " is neither a dense layer's nor a "
                     "convolution's weight"));
  }
  // A tile an output; a convolution's several input channels stand abreast.
  const int64_t channels = shape.size() == 4 ? shape[1] : 1;
  auto [height, width] = shape.size() == 4 ? std::pair(shape[2], shape[3])
                                           : PictureShape(manifest, shape[1]);
  const int64_t count = shape[0] * channels;
  if (count > kMostTiles || height * width > 65536 || width > 64 * height) {
    return absl::InvalidArgumentError(absl::StrCat(
        spec.name, " makes ", count, " pictures of ", height, "x", width,
        "; at most ", kMostTiles, " of at most 256x256 can be seen"));
  }
  Tiles tiles;
  tiles.height = static_cast<int>(height);
  tiles.width = static_cast<int>(width);
  tiles.colour_label = "weight";
  tiles.columns = static_cast<int>(
      channels > 1 ? channels : ColumnsFor(static_cast<int>(count)));
  for (int64_t i = 0; i < count; ++i) {
    const auto pixels = weight.subspan(i * height * width, height * width);
    tiles.tiles.push_back(
        {channels > 1 ? "" : absl::StrCat(i), {pixels.begin(), pixels.end()}});
  }
  if (channels > 1) {
    for (int64_t k = 0; k < shape[0]; ++k) {
      tiles.row_labels.push_back(absl::StrCat("out ", k));
    }
    for (int64_t c = 0; c < channels; ++c) {
      tiles.column_labels.push_back(
          absl::StrCat(channels > 12 ? "" : "in ", c));
    }
  }
  return tiles;
}

}  // namespace

absl::Status PlotWeights(const VerbContext& context) {
  std::string load, layer;
  PlotOutput output;
  FlagSet flags;
  flags.Add("load", &load, "FILE", "weights, safetensors; required");
  flags.Add("layer", &layer, "NAME", "a layer with weights; else the first");
  output.AddFlags(flags);
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();

  absl::StatusOr<int> weight = WeightOf(context.manifest, layer);
  if (!weight.ok()) return weight.status();
  absl::Status status = output.Check();
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<Model>> model = LoadedModel(context, load);
  if (!model.ok()) return model.status();

  const ParameterSpec& spec = context.manifest.parameters[*weight];
  absl::StatusOr<Tiles> tiles =
      TilesOf(context.manifest, spec, (*model)->parameter(*weight));
  if (!tiles.ok()) return tiles.status();
  tiles->title =
      output.TitleOr(absl::StrCat(context.manifest.model, ": weights of ",
                                  absl::StripSuffix(spec.name, ".weight")));
  return output.Write(TilesPicture(*tiles));
}

}  // namespace runtime
}  // namespace kiln
