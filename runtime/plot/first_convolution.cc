#include "runtime/plot/first_convolution.h"

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace kiln {
inline namespace runtime {

namespace {

// "2x3" behind "key=", as y and x.
bool ReadPair(const std::string& attributes, const char* key,
              int64_t (&pair)[2]) {
  for (absl::string_view part : absl::StrSplit(attributes, ' ')) {
    if (!absl::ConsumePrefix(&part, key)) continue;
    const std::vector<std::string> sides = absl::StrSplit(part, 'x');
    return sides.size() == 2 && absl::SimpleAtoi(sides[0], &pair[0]) &&
           absl::SimpleAtoi(sides[1], &pair[1]);
  }
  return false;
}

// The activation that reads the convolution, if it is one of those that
// Activate knows.
std::string ActivationOf(const Manifest& manifest, const std::string& name) {
  for (const NodeSpec& node : manifest.nodes) {
    if (node.op != "pointwise" || node.inputs.size() != 1 ||
        node.inputs[0] != name) {
      continue;
    }
    for (const char* known : {"relu", "tanh", "sigmoid"}) {
      absl::string_view formula = node.attributes;
      if (absl::ConsumePrefix(&formula, known) &&
          absl::ConsumePrefix(&formula, "(")) {
        return known;
      }
    }
  }
  return "";
}

float Activate(const std::string& activation, float x) {
  if (activation == "relu") return x > 0 ? x : 0;
  if (activation == "tanh") return std::tanh(x);
  if (activation == "sigmoid") return 1 / (1 + std::exp(-x));
  return x;
}

}  // namespace

absl::StatusOr<FirstConvolution> FirstConvolution::Find(
    const Manifest& manifest, const std::string& layer) {
  const std::vector<NodeSpec>& nodes = manifest.nodes;
  const auto found =
      std::find_if(nodes.begin(), nodes.end(), [&layer](const NodeSpec& node) {
        return node.op == "conv2d" && (layer.empty() || node.name == layer);
      });
  if (found == nodes.end()) {
    return absl::NotFoundError(
        absl::StrCat(manifest.model, " has no convolution",
                     layer.empty() ? "" : absl::StrCat(" called ", layer)));
  }
  FirstConvolution conv;
  conv.name = found->name;
  conv.activation = ActivationOf(manifest, conv.name);
  bool read = found->inputs.size() >= 2 &&
              ReadPair(found->attributes, "stride=", conv.stride) &&
              ReadPair(found->attributes, "padding=", conv.padding);
  std::string source = found->inputs[0];
  if (const int before = manifest.FindNode(source);
      before >= 0 && nodes[before].op == "pad") {
    int64_t padding[2];
    read = read && ReadPair(nodes[before].attributes, "padding=", padding);
    if (read) {
      conv.padding[0] += padding[0];
      conv.padding[1] += padding[1];
    }
    source = nodes[before].inputs[0];
  }
  conv.input = manifest.FindInput(source);
  if (conv.input < 0) {
    return absl::NotFoundError(absl::StrCat(
        conv.name, " reads ", source,
        "; feature maps are drawn of a convolution of the model's input"));
  }
  conv.weight = read ? manifest.FindParameter(found->inputs[1]) : -1;
  if (found->inputs.size() > 2) {
    conv.bias = manifest.FindParameter(found->inputs[2]);
  }
  conv.input_shape = manifest.inputs[conv.input].shape;
  for (const LayerSpec& spec : manifest.layers) {
    if (spec.name == conv.name) conv.output_shape = spec.output_shape;
  }
  if (conv.weight >= 0) {
    conv.weight_shape = manifest.parameters[conv.weight].shape;
  }
  if (conv.input_shape.size() != 3 || conv.weight_shape.size() != 4 ||
      conv.output_shape.size() != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat(manifest.model, ": the manifest does not say what ",
                     conv.name, " computes; build the model again"));
  }
  return conv;
}

std::vector<float> FirstConvolution::Apply(absl::Span<const float> image,
                                           absl::Span<const float> weight,
                                           absl::Span<const float> bias) const {
  const int64_t channels = input_shape[0], height = input_shape[1],
                width = input_shape[2];
  const int64_t kernel_y = weight_shape[2], kernel_x = weight_shape[3];
  std::vector<float> result;
  result.reserve(ElementCount(output_shape));
  for (int64_t k = 0; k < output_shape[0]; ++k) {
    for (int64_t y = 0; y < output_shape[1]; ++y) {
      for (int64_t x = 0; x < output_shape[2]; ++x) {
        double sum = bias.empty() ? 0 : bias[k];
        for (int64_t r = 0; r < channels * kernel_y * kernel_x; ++r) {
          const int64_t c = r / (kernel_y * kernel_x);
          const int64_t at_y =
              y * stride[0] - padding[0] + r / kernel_x % kernel_y;
          const int64_t at_x = x * stride[1] - padding[1] + r % kernel_x;
          if (at_y < 0 || at_y >= height || at_x < 0 || at_x >= width) continue;
          sum += weight[k * channels * kernel_y * kernel_x + r] *
                 image[(c * height + at_y) * width + at_x];
        }
        result.push_back(Activate(activation, static_cast<float>(sum)));
      }
    }
  }
  return result;
}

}  // namespace runtime
}  // namespace kiln
