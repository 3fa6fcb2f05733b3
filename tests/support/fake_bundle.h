// A bundle that no compiler made: softmax regression in plain C++ behind the
// pipelines' calling convention. It lets the runtime be tested without a
// generator, and against arithmetic that is easy to redo by hand.
//
//   logits[k] = gain * sum_j weight[k][j] x[j] / 255 + bias[k]
//   loss = -log softmax(logits)[label], metric "accuracy"
//
// Parameters fc.weight [3,4], fc.bias [3] (lr_multiplier 2,
// weight_decay_multiplier 0.5) and gain [1] (frozen, 1.5). Blocks: infer and
// grad 1, 4, 8; eval 8; step 4, 8 for sgd and momentum; loss64 8. Every
// pipeline checks its arguments' types and extents.

#ifndef KILN_TESTS_SUPPORT_FAKE_BUNDLE_H_
#define KILN_TESTS_SUPPORT_FAKE_BUNDLE_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/bundle.h"

namespace kiln {

inline constexpr int kFakeInputs = 4;
inline constexpr int kFakeClasses = 3;
inline constexpr int kFakeWeights = kFakeInputs * kFakeClasses;

// The manifest as JSON, for tests that break it.
nlohmann::json FakeManifest();

// The bundle with that manifest, and one with another manifest. The text must
// outlive the bundle.
const Bundle& FakeBundle();
Bundle FakeBundleWith(const std::string& manifest_json);

// What the fake pipelines do wrong, or count. Reset between tests.
struct FakeBehaviour {
  double gradient_factor = 1;  // of fc.weight's gradient
  int wrong_calls = 1 << 30;   // the first so many have it, the others 1
  bool zero_bias_gradient = false;
  bool nan_gradient = false;      // in one element of fc.weight
  bool allocate_in_grad = false;  // calls malloc, as a careless pipeline would
  int fail_with = 0;              // every pipeline returns this
  int grad_calls = 0, step_calls = 0, eval_calls = 0;
  std::vector<int32_t> trained_rows;  // in order, when `record` is set
  std::vector<int32_t> idle_rows;     // of lanes of weight 0, likewise
  bool record = false;
};
FakeBehaviour& Fake();

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_FAKE_BUNDLE_H_
