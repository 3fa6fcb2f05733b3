#ifndef KILN_RUNTIME_GENERATED_IMAGES_H_
#define KILN_RUNTIME_GENERATED_IMAGES_H_

#include <cstdint>

#include "runtime/dataset.h"

namespace kiln {
inline namespace runtime {

// Each of these sets has as many images, the same for training and test: they
// are to be learned by heart.
inline constexpr int kGeneratedImages = 64;

// Noise with random labels: input "image" {1, 4, 4} float32, each pixel uniform
// in [0, 1); target "label", 2 classes, each as likely.
DataPair MakeRandom4x4(uint64_t seed);

// Lines: input "image" {1, 8, 8} float32, pixels 0 but for one straight line of
// ones, 4 to 8 pixels long, at a random place; target "label", 2 classes: 0
// vertical, 1 horizontal, in turn.
DataPair MakeLines(uint64_t seed);

// Objects of a width: input "image" {1, 8, 8} float32, pixels 0 but for one
// square of ones, 3 to 7 pixels wide, at a random place. Targets "label",
// 2 classes: 0 filled, 1 its outline alone, in turn; then "width" {1} float32,
// 3 to 7, each as often as the others (to within two).
DataPair MakeDetection(uint64_t seed);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_GENERATED_IMAGES_H_
