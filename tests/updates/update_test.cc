// The emitted update pipelines against the formulas of torch.optim, in double
// precision.
#include <algorithm>
#include <array>
#include <cmath>

#include "HalideBuffer.h"
#include "gtest/gtest.h"
#include "kiln_update_adam.h"
#include "kiln_update_momentum.h"
#include "kiln_update_nesterov.h"
#include "kiln_update_rmsprop.h"
#include "kiln_update_sgd.h"
#include "kiln_update_sum.h"

namespace kiln {
namespace {

using Floats = Halide::Runtime::Buffer<float, 1>;

constexpr float kLearningRate = 0.1f;
constexpr float kMomentum = 0.9f;
constexpr float kWeightDecay = 0.01f;
// Around every vector size: a tail that ran twice or past the end would show.
constexpr int kMaxSize = 70;
constexpr float kUntouched = 12345.0f;

// An aligned array whose first `size` values are distinct, without a pattern
// that repeats at a vector's length; those past them must survive.
struct Values {
  Values(int size, float phase) : size(size) {
    data.fill(kUntouched);
    for (int i = 0; i < size; ++i) data[i] = std::sin(phase + 0.7f * i);
  }
  Floats Buffer() { return Floats(data.data(), size); }
  float operator[](int i) const { return data[i]; }
  bool EndIsUntouched() const {
    return std::all_of(data.begin() + size, data.end(),
                       [](float v) { return v == kUntouched; });
  }

  int size;
  alignas(64) std::array<float, kMaxSize + 16> data;
};

TEST(UpdateTest, SumIsElementByElement) {
  for (int size = 1; size <= kMaxSize; ++size) {
    SCOPED_TRACE(size);
    Values gradient(size, 1.0f), sum(size, 2.0f);
    const Values before = sum;
    ASSERT_EQ(kiln_update_sum(gradient.Buffer(), sum.Buffer()), 0);
    for (int i = 0; i < size; ++i) EXPECT_EQ(sum[i], before[i] + gradient[i]);
    EXPECT_TRUE(sum.EndIsUntouched());
    EXPECT_EQ(gradient.data, Values(size, 1.0f).data);
  }
}

TEST(UpdateTest, SgdMatchesFormula) {
  for (int size = 1; size <= kMaxSize; ++size) {
    SCOPED_TRACE(size);
    Values gradient(size, 1.0f), p(size, 2.0f);
    const Values before = p;
    ASSERT_EQ(kiln_update_sgd(gradient.Buffer(), kLearningRate, kWeightDecay,
                              p.Buffer()),
              0);
    for (int i = 0; i < size; ++i) {
      const double g = gradient[i] + double{kWeightDecay} * before[i];
      EXPECT_NEAR(p[i], before[i] - kLearningRate * g, 1e-6) << i;
    }
    EXPECT_TRUE(p.EndIsUntouched());
    EXPECT_EQ(gradient.data, Values(size, 1.0f).data);
  }
}

TEST(UpdateTest, MomentumMatchesFormula) {
  for (int size = 1; size <= kMaxSize; ++size) {
    SCOPED_TRACE(size);
    Values gradient(size, 1.0f), p(size, 2.0f), v(size, 3.0f);
    const Values p_before = p, v_before = v;
    ASSERT_EQ(kiln_update_momentum(gradient.Buffer(), kLearningRate, kMomentum,
                                   kWeightDecay, p.Buffer(), v.Buffer()),
              0);
    for (int i = 0; i < size; ++i) {
      const double g = gradient[i] + double{kWeightDecay} * p_before[i];
      const double next_v = double{kMomentum} * v_before[i] + g;
      EXPECT_NEAR(v[i], next_v, 1e-6) << i;
      EXPECT_NEAR(p[i], p_before[i] - kLearningRate * next_v, 1e-6) << i;
    }
    EXPECT_TRUE(p.EndIsUntouched());
    EXPECT_TRUE(v.EndIsUntouched());
    EXPECT_EQ(gradient.data, Values(size, 1.0f).data);
  }
}

TEST(UpdateTest, NesterovMatchesFormula) {
  for (int size = 1; size <= kMaxSize; ++size) {
    SCOPED_TRACE(size);
    Values gradient(size, 1.0f), p(size, 2.0f), v(size, 3.0f);
    const Values p_before = p, v_before = v;
    ASSERT_EQ(kiln_update_nesterov(gradient.Buffer(), kLearningRate, kMomentum,
                                   kWeightDecay, p.Buffer(), v.Buffer()),
              0);
    for (int i = 0; i < size; ++i) {
      const double g = gradient[i] + double{kWeightDecay} * p_before[i];
      const double next_v = double{kMomentum} * v_before[i] + g;
      EXPECT_NEAR(v[i], next_v, 1e-6) << i;
      EXPECT_NEAR(p[i], p_before[i] - kLearningRate * (g + kMomentum * next_v),
                  1e-6)
          << i;
    }
    EXPECT_TRUE(p.EndIsUntouched());
    EXPECT_TRUE(v.EndIsUntouched());
    EXPECT_EQ(gradient.data, Values(size, 1.0f).data);
  }
}

// Mean squares are never negative.
Values Squares(int size, float phase) {
  Values values(size, phase);
  for (int i = 0; i < size; ++i) values.data[i] *= values.data[i];
  return values;
}

TEST(UpdateTest, AdamMatchesFormula) {
  constexpr float kKeep = 0.75f, kRate1 = 0.1f, kBeta2 = 0.99f, kRate2 = 0.01f,
                  kRoot2 = 0.5f, kEpsilon = 0.01f;
  for (int size = 1; size <= kMaxSize; ++size) {
    SCOPED_TRACE(size);
    Values gradient(size, 1.0f), p(size, 2.0f), m(size, 3.0f);
    Values v = Squares(size, 4.0f);
    const Values p_before = p, m_before = m, v_before = v;
    ASSERT_EQ(kiln_update_adam(gradient.Buffer(), kLearningRate, kWeightDecay,
                               kKeep, kRate1, kBeta2, kRate2, kRoot2, kEpsilon,
                               p.Buffer(), m.Buffer(), v.Buffer()),
              0);
    for (int i = 0; i < size; ++i) {
      const double g = gradient[i] + double{kWeightDecay} * p_before[i];
      const double next_m = (1 - double{kRate1}) * m_before[i] + kRate1 * g;
      const double next_v = double{kBeta2} * v_before[i] + kRate2 * g * g;
      EXPECT_NEAR(m[i], next_m, 1e-6) << i;
      EXPECT_NEAR(v[i], next_v, 1e-6) << i;
      const double step =
          kLearningRate * next_m / (std::sqrt(next_v) / kRoot2 + kEpsilon);
      EXPECT_NEAR(p[i], kKeep * p_before[i] - step, 2e-6) << i;
    }
    EXPECT_TRUE(p.EndIsUntouched());
    EXPECT_TRUE(m.EndIsUntouched());
    EXPECT_TRUE(v.EndIsUntouched());
    EXPECT_EQ(gradient.data, Values(size, 1.0f).data);
  }
}

TEST(UpdateTest, RmspropMatchesFormula) {
  constexpr float kAlpha = 0.9f, kRate = 0.1f, kEpsilon = 0.01f;
  for (int size = 1; size <= kMaxSize; ++size) {
    SCOPED_TRACE(size);
    Values gradient(size, 1.0f), p(size, 2.0f), v = Squares(size, 4.0f);
    const Values p_before = p, v_before = v;
    ASSERT_EQ(
        kiln_update_rmsprop(gradient.Buffer(), kLearningRate, kWeightDecay,
                            kAlpha, kRate, kEpsilon, p.Buffer(), v.Buffer()),
        0);
    for (int i = 0; i < size; ++i) {
      const double g = gradient[i] + double{kWeightDecay} * p_before[i];
      const double next_v = double{kAlpha} * v_before[i] + kRate * g * g;
      EXPECT_NEAR(v[i], next_v, 1e-6) << i;
      EXPECT_NEAR(
          p[i],
          p_before[i] - kLearningRate * g / (std::sqrt(next_v) + kEpsilon),
          1e-6)
          << i;
    }
    EXPECT_TRUE(p.EndIsUntouched());
    EXPECT_TRUE(v.EndIsUntouched());
    EXPECT_EQ(gradient.data, Values(size, 1.0f).data);
  }
}

// The arenas' padding is 0 everywhere and must stay so.
TEST(UpdateTest, ZeroesStayZeroes) {
  Values zero(8, 0.0f);
  zero.data.fill(0);
  Values p = zero, m = zero, v = zero;
  ASSERT_EQ(kiln_update_adam(zero.Buffer(), 0.1f, 0, 1, 0.1f, 0.999f, 0.001f,
                             0.03f, 1e-8f, p.Buffer(), m.Buffer(), v.Buffer()),
            0);
  EXPECT_EQ(p.data, zero.data);
  ASSERT_EQ(kiln_update_rmsprop(zero.Buffer(), 0.1f, 0, 0.99f, 0.01f, 1e-8f,
                                p.Buffer(), v.Buffer()),
            0);
  EXPECT_EQ(p.data, zero.data);
}

TEST(UpdateTest, UnalignedParametersAreRefused) {
  halide_set_error_handler([](void*, const char*) {});
  Values gradient(8, 1.0f), p(8, 2.0f), v(7, 3.0f);
  const Values before = p;
  Floats unaligned(p.data.data() + 1, 7);
  EXPECT_EQ(kiln_update_sgd(gradient.Buffer(), kLearningRate, kWeightDecay,
                            unaligned),
            halide_error_code_unaligned_host_ptr);
  EXPECT_EQ(kiln_update_momentum(gradient.Buffer(), kLearningRate, kMomentum,
                                 kWeightDecay, unaligned, v.Buffer()),
            halide_error_code_unaligned_host_ptr);
  EXPECT_EQ(kiln_update_nesterov(gradient.Buffer(), kLearningRate, kMomentum,
                                 kWeightDecay, unaligned, v.Buffer()),
            halide_error_code_unaligned_host_ptr);
  EXPECT_EQ(
      kiln_update_adam(gradient.Buffer(), kLearningRate, kWeightDecay, 1, 0.1f,
                       0.9f, 0.1f, 1, 1e-8f, v.Buffer(), v.Buffer(), unaligned),
      halide_error_code_unaligned_host_ptr);
  EXPECT_EQ(kiln_update_rmsprop(gradient.Buffer(), kLearningRate, kWeightDecay,
                                0.9f, 0.1f, 1e-8f, unaligned, v.Buffer()),
            halide_error_code_unaligned_host_ptr);
  EXPECT_EQ(p.data, before.data);
}

}  // namespace
}  // namespace kiln
