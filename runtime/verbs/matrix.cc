// matrix: a convolution's weights as the matrix of the dense layer that it
// equals.

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/convolution_matrix.h"
#include "runtime/verbs/verb.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr int64_t kMostColumns = 64;
constexpr int64_t kMostRows = 256;

const LayerSpec* FindConvolution(const Manifest& manifest,
                                 const std::string& name) {
  for (const LayerSpec& layer : manifest.layers) {
    const bool is_asked_for = name.empty() || layer.name == name;
    if (is_asked_for && layer.convolution.has_value()) return &layer;
  }
  return nullptr;
}

std::string ConvolutionNames(const Manifest& manifest) {
  std::string names;
  for (const LayerSpec& layer : manifest.layers) {
    if (layer.convolution.has_value())
      absl::StrAppend(&names, names.empty() ? "" : ", ", layer.name);
  }
  return names;
}

// Every entry, a dot where no weight falls.
void PrintTable(const SparseMatrix& matrix) {
  auto entry = matrix.entries.begin();
  for (int64_t row = 0; row < matrix.rows; ++row) {
    for (int64_t column = 0; column < matrix.columns; ++column) {
      const bool is_here = entry != matrix.entries.end() && entry->row == row &&
                           entry->column == column;
      std::fputs(is_here ? absl::StrFormat("%8.4f", (entry++)->value).c_str()
                         : "       .",
                 stdout);
    }
    std::fputs("\n", stdout);
  }
}

// Matrix Market's coordinate format (math.nist.gov/MatrixMarket/formats.html):
// rows and columns count from 1.
void PrintCoordinates(const SparseMatrix& matrix) {
  absl::PrintF("%%%%MatrixMarket matrix coordinate real general\n%d %d %d\n",
               matrix.rows, matrix.columns,
               static_cast<int64_t>(matrix.entries.size()));
  for (const SparseMatrix::Entry& entry : matrix.entries)
    absl::PrintF("%d %d %.9g\n", entry.row + 1, entry.column + 1, entry.value);
}

}  // namespace

absl::Status RunMatrix(const VerbContext& context) {
  std::string layer_name, load, format = "table";
  uint64_t seed = 1;
  FlagSet flags;
  flags.Add("layer", &layer_name, "NAME",
            "the convolution; the first one when not given");
  flags.Add("load", &load, "FILE",
            "weights, safetensors; initial ones when not given");
  flags.Add("seed", &seed, "N", "seed of the initial weights");
  flags.Add("format", &format, "FORMAT",
            "table, for a small layer, or mtx: Matrix Market's coordinates");
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();
  if (format != "table" && format != "mtx") {
    return absl::InvalidArgumentError(
        absl::StrCat("--format=", format, " is neither table nor mtx"));
  }
  const std::string names = ConvolutionNames(context.manifest);
  const LayerSpec* layer = FindConvolution(context.manifest, layer_name);
  if (names.empty())
    return absl::InvalidArgumentError("the model has no convolution");
  if (layer == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--layer=", layer_name, " is no convolution; there are ", names));
  }

  absl::StatusOr<std::unique_ptr<Model>> model =
      ModelWithWeights(context, load, seed);
  if (!model.ok()) return model.status();
  const ConvolutionSpec& convolution = *layer->convolution;
  const SparseMatrix matrix = ConvolutionMatrix(
      convolution,
      (*model)->parameter(context.manifest.FindParameter(convolution.weight)));
  if (format == "mtx") {
    PrintCoordinates(matrix);
    return absl::OkStatus();
  }
  if (matrix.columns > kMostColumns || matrix.rows > kMostRows) {
    return absl::InvalidArgumentError(absl::StrCat(
        layer->name, " is a matrix of ", matrix.rows, " x ", matrix.columns,
        ", too large for a table; use --format=mtx"));
  }
  absl::PrintF("%s as a matrix: %d x %d, %d entries\n", layer->name,
               matrix.rows, matrix.columns,
               static_cast<int64_t>(matrix.entries.size()));
  PrintTable(matrix);
  return absl::OkStatus();
}

}  // namespace runtime
}  // namespace kiln
