#include "runtime/generated_sets.h"

#include <array>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "runtime/digits.h"
#include "runtime/generated_images.h"
#include "runtime/hand_set.h"
#include "runtime/random.h"
#include "runtime/text_table.h"

namespace kiln {
inline namespace runtime {
namespace {

using TruthTable = std::array<float, 4>;  // of 00, 01, 10 and 11
constexpr TruthTable kXor = {0, 1, 1, 0};
constexpr TruthTable kOr = {0, 1, 1, 1};
constexpr TruthTable kAnd = {0, 0, 0, 1};

constexpr float kCloudDeviation = 0.15f;
constexpr float kPlaneDeviation = 0.05f;
constexpr float kRegressionDeviation = 0.1f;

// One input "x" of floats, with its target.
Dataset Points(const char* name, int64_t samples, int64_t dimensions,
               ColumnSpec target) {
  Dataset data{.samples = samples, .inputs = {}, .targets = {}};
  data.inputs = {MakeColumn({.name = "x", .shape = {dimensions}}, samples)};
  data.targets = {MakeColumn(std::move(target), samples)};
  data.inputs[0].origin = data.targets[0].origin = name;
  return data;
}

// `samples` rows of a boolean function in turn, each coordinate off by
// `deviation` times a standard normal number.
Dataset BooleanRows(const char* name, const TruthTable& table, int64_t samples,
                    float deviation, Random random) {
  Dataset data = Points(name, samples, 2, {.name = "y", .shape = {1}});
  const absl::Span<float> x = data.inputs[0].mutable_floats();
  for (int64_t i = 0; i < samples; ++i) {
    x[2 * i] = (i & 2 ? 1 : 0) + deviation * random.Normal();
    x[2 * i + 1] = (i & 1 ? 1 : 0) + deviation * random.Normal();
    data.targets[0].mutable_floats()[i] = table[i % 4];
  }
  return data;
}

DataPair Boolean(const char* name, const TruthTable& table) {
  const Dataset rows = BooleanRows(name, table, 4, 0, Random(0));
  return {.train = rows, .test = rows};
}

Dataset HalfCircles(int64_t samples, Random random) {
  Dataset data = Points(
      "plane", samples, 2,
      {.name = "label", .shape = {}, .storage = Storage::kInt32, .classes = 2});
  const absl::Span<float> x = data.inputs[0].mutable_floats();
  for (int64_t i = 0; i < samples; ++i) {
    // The circle in rational terms: libm's sine differs between machines.
    const float t = random.Uniform(-1, 1);
    const float side = i % 2 == 0 ? 1 : -1;
    const float along = 2 * t / (1 + t * t) - 0.5f;
    const float up = (1 - t * t) / (1 + t * t) - 0.25f;
    x[2 * i] = side * along + kPlaneDeviation * random.Normal();
    x[2 * i + 1] = side * up + kPlaneDeviation * random.Normal();
    data.targets[0].mutable_labels()[i] = static_cast<int32_t>(i % 2);
  }
  return data;
}

float RegressionCurve(float x) { return x * (3 - x * x) / 2; }

struct NamedSet {
  const char* name;
  DataPair (*make)(uint64_t seed);
};

constexpr NamedSet kGeneratedSets[] = {
    {"digits", [](uint64_t seed) { return MakeDigits(seed); }},
    {"xor", [](uint64_t) { return MakeXor(); }},
    {"or", [](uint64_t) { return MakeOr(); }},
    {"and", [](uint64_t) { return MakeAnd(); }},
    {"xor_cloud", MakeXorCloud},
    {"plane", MakePlane},
    {"random4x4", MakeRandom4x4},
    {"lines", MakeLines},
    {"detection", MakeDetection},
    {"regression", MakeRegression},
    {"hand_421", [](uint64_t) { return MakeHand421(); }},
};

const NamedSet* FindSet(absl::string_view name) {
  for (const NamedSet& set : kGeneratedSets) {
    if (name == set.name) return &set;
  }
  return nullptr;
}

}  // namespace

std::optional<DataPair> MakeGeneratedSet(absl::string_view name,
                                         uint64_t seed) {
  const NamedSet* set = FindSet(name);
  if (set == nullptr) return std::nullopt;
  return set->make(seed);
}

bool IsGeneratedSet(absl::string_view name) { return FindSet(name) != nullptr; }

std::string GeneratedSetNames() {
  std::vector<std::string> names;
  for (const NamedSet& set : kGeneratedSets) names.push_back(set.name);
  return Alternatives(names);
}

DataPair MakeXor() { return Boolean("xor", kXor); }
DataPair MakeOr() { return Boolean("or", kOr); }
DataPair MakeAnd() { return Boolean("and", kAnd); }

DataPair MakeXorCloud(uint64_t seed) {
  return {
      .train = BooleanRows("xor_cloud", kXor, kXorCloudTrainSamples,
                           kCloudDeviation, Random(seed, 0)),
      .test = BooleanRows("xor_cloud", kXor, kXorCloudTestSamples,
                          kCloudDeviation, Random(seed, 1)),
  };
}

DataPair MakePlane(uint64_t seed) {
  return {.train = HalfCircles(kPlaneTrainSamples, Random(seed, 0)),
          .test = HalfCircles(kPlaneTestSamples, Random(seed, 1))};
}

DataPair MakeRegression(uint64_t seed) {
  const ColumnSpec target = {.name = "y", .shape = {1}};
  DataPair data = {
      .train = Points("regression", kRegressionTrainSamples, 1, target),
      .test = Points("regression", kRegressionTestSamples, 1, target)};
  Random random(seed);
  for (int i = 0; i < kRegressionTrainSamples; ++i) {
    const float x = random.Uniform(-2, 2);
    data.train.inputs[0].mutable_floats()[i] = x;
    data.train.targets[0].mutable_floats()[i] =
        RegressionCurve(x) + kRegressionDeviation * random.Normal();
  }
  for (int i = 0; i < kRegressionTestSamples; ++i) {
    const float x = static_cast<float>(i - 50) / 25;
    data.test.inputs[0].mutable_floats()[i] = x;
    data.test.targets[0].mutable_floats()[i] = RegressionCurve(x);
  }
  return data;
}

}  // namespace runtime
}  // namespace kiln
