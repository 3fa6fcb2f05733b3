// A convolution of a model's input, computed by plain loops from its weights:
// no pipeline returns what lies between a model's ends.

#ifndef KILN_RUNTIME_PLOT_FIRST_CONVOLUTION_H_
#define KILN_RUNTIME_PLOT_FIRST_CONVOLUTION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/manifest.h"

namespace kiln {
inline namespace runtime {

struct FirstConvolution {
  std::string name;        // "conv1"
  std::string activation;  // "relu", "tanh" or "sigmoid", or "" for any other
  int input = 0;           // positions in the manifest
  int weight = 0;
  int bias = -1;  // -1: none
  std::vector<int64_t> input_shape, weight_shape, output_shape;
  // In y and x; padding is that of a pad layer before it too.
  int64_t stride[2] = {1, 1}, padding[2] = {0, 0};

  // Finds it among the manifest's nodes: the convolution called
  // `layer`, or the first one. NotFound unless it reads an input of the model,
  // directly or padded.
  static absl::StatusOr<FirstConvolution> Find(const Manifest& manifest,
                                               const std::string& layer);

  // Its output, after the activation, channels x height x width, for one image
  // of input_shape. `bias` is empty where there is none.
  std::vector<float> Apply(absl::Span<const float> image,
                           absl::Span<const float> weight,
                           absl::Span<const float> bias) const;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PLOT_FIRST_CONVOLUTION_H_
