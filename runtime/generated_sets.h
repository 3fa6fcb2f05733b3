// Data sets that need no file: points and truth tables here, pictures in
// generated_images.h and digits.h. docs/data.md defines and shows them all.
//
// A set is a function of its seed, the same bits on every machine
// (runtime/random.h). Training and test samples come from distinct streams;
// where a set is small and judged by its training samples, both parts are the
// same.

#ifndef KILN_RUNTIME_GENERATED_SETS_H_
#define KILN_RUNTIME_GENERATED_SETS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "runtime/dataset.h"

namespace kiln {
inline namespace runtime {

inline constexpr int kXorCloudTrainSamples = 400;
inline constexpr int kXorCloudTestSamples = 200;
inline constexpr int kPlaneTrainSamples = 800;
inline constexpr int kPlaneTestSamples = 200;
inline constexpr int kRegressionTrainSamples = 100;
inline constexpr int kRegressionTestSamples = 101;

// The generated set of that name, or nothing if there is none.
std::optional<DataPair> MakeGeneratedSet(absl::string_view name, uint64_t seed);
bool IsGeneratedSet(absl::string_view name);

// Their names, for help and messages: "digits, .. or regression".
std::string GeneratedSetNames();

// The four rows of a boolean function of two variables, the same for training
// and test: input "x" {2} float32 = (0,0) (0,1) (1,0) (1,1), target "y" {1}
// float32: xor 0 1 1 0, or 0 1 1 1, and 0 0 0 1.
DataPair MakeXor();
DataPair MakeOr();
DataPair MakeAnd();

// Points around those of xor, normally distributed with standard deviation 0.15
// in each coordinate, each with its row's target: columns as in MakeXor, rows
// in turn, so that each has as many samples as the others. About one point in
// a thousand lies nearer to another row than to its own.
DataPair MakeXorCloud(uint64_t seed);

// Two half circles of radius 1 that reach into each other, in turn: input "x"
// {2} float32, target "label", 2 classes. With t uniform in [-1, 1] and
// p = (2 t / (1 + t^2), (1 - t^2) / (1 + t^2)) on the upper half circle, class
// 0 is p - (0.5, 0.25) and class 1 (0.5, 0.25) - p, each coordinate off by 0.05
// times a standard normal number. No straight line tells more than about 85 %
// of the points apart.
DataPair MakePlane(uint64_t seed);

// 100 noisy points of a curve for training: input "x" {1} float32 uniform in
// [-2, 2], target "y" {1} float32 = x (3 - x^2) / 2 plus 0.1 times a standard
// normal number. Between -2 and 2 the curve swings from 1 to -1 to 1 to -1.
// The test part is the curve itself, without noise, at the 101 points
// -2, -1.96, .. 2.
DataPair MakeRegression(uint64_t seed);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_GENERATED_SETS_H_
