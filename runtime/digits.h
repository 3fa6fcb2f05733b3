#ifndef KILN_RUNTIME_DIGITS_H_
#define KILN_RUNTIME_DIGITS_H_

#include <cstdint>

#include "absl/types/span.h"
#include "runtime/dataset.h"
#include "runtime/random.h"

namespace kiln {
inline namespace runtime {

inline constexpr int kDigitSize = 28;  // pixels, height and width
inline constexpr int kDigitPixels = kDigitSize * kDigitSize;
inline constexpr int kDigitTrainSamples = 6000;
inline constexpr int kDigitTestSamples = 1000;

// Draws one image of `digit` (0..9) in white (255) on black (0): the digit's
// pen strokes, distorted by random shift, rotation, scale, shear, wobble, pen
// thickness and pressure, anti-aliased, with noise on top.
// REQUIRES: image.size() == kDigitPixels.
void DrawDigit(int digit, Random& random, absl::Span<uint8_t> image);

// A data set like MNIST that needs no file: one input "image" {1, 28, 28} of
// uint8, one target "label" of 10 classes, as many samples of each class as of
// any other (to within one), in shuffled order. The same seed gives the same
// bytes on every machine; training and test samples come from distinct streams.
DataPair MakeDigits(uint64_t seed, int64_t train_samples = kDigitTrainSamples,
                    int64_t test_samples = kDigitTestSamples);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_DIGITS_H_
