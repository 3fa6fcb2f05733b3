// Cross-entropies of logits of +-1e4, all combinations of signs: values and
// gradients of the interpreter and of emitted code against closed forms.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "dsl/model.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/interpreter.h"
#include "tests/support/jit.h"
#include "tests/support/report.h"

namespace kiln {
namespace {

using Vector = std::vector<double>;

constexpr double kLarge = 1e4;

// Samples of logits; sample n is one-hot, so that column n of the one weight is
// its logits and column n of the gradient is their adjoint.
struct Extremes {
  Graph graph, training;
  GraphValues values;
  Vector losses;     // by closed form
  Vector gradients;  // of the weight, {outputs, samples}
};

template <typename Finish>
Extremes MakeExtremes(const std::vector<Vector>& logits, Finish finish) {
  const size_t samples = logits.size(), outputs = logits[0].size();
  ModelBuilder m;
  const Value x = m.Input("sample", {static_cast<int64_t>(samples)});
  const Value z =
      m.Dense("fc", x, {.out = static_cast<int64_t>(outputs), .bias = false});
  const Value loss = finish(m, z);
  m.Output("losses", loss);
  m.Loss(loss);
  Extremes e;
  e.graph = m.Build().value().graph;
  e.training = BuildTrainingGraph(e.graph).value();
  Vector one_hot(samples * samples), weight(outputs * samples);
  for (size_t n = 0; n < samples; ++n) {
    one_hot[n * samples + n] = 1;
    for (size_t k = 0; k < outputs; ++k) weight[k * samples + n] = logits[n][k];
  }
  e.values = {.batch = static_cast<int64_t>(samples),
              .tensors = {{"sample", one_hot}, {"fc.weight", weight}}};
  e.gradients.resize(weight.size());
  return e;
}

Vector Signs(int64_t bits, int64_t count) {
  Vector logits(count);
  for (int64_t k = 0; k < count; ++k)
    logits[k] = bits >> k & 1 ? kLarge : -kLarge;
  return logits;
}

// With c of the logits at the largest, all others are e^-2e4 = 0 beside them:
// loss = log c, + 2e4 where the label's is not among them.
Extremes Softmax(int64_t classes) {
  std::vector<Vector> logits;
  Vector labels;
  for (int64_t bits = 0; bits < 1 << classes; ++bits) {
    for (int64_t label = 0; label < classes; ++label) {
      logits.push_back(Signs(bits, classes));
      labels.push_back(static_cast<double>(label));
    }
  }
  Extremes e = MakeExtremes(logits, [&](ModelBuilder& m, Value z) {
    return m.SoftmaxCrossEntropy(z, m.Labels("label", classes));
  });
  e.values.tensors["label"] = labels;
  for (size_t n = 0; n < logits.size(); ++n) {
    const bool all_low = n < static_cast<size_t>(classes);
    const double largest = all_low ? -kLarge : kLarge;
    double ties = 0;
    for (double z : logits[n]) ties += z == largest;
    const auto label = static_cast<size_t>(labels[n]);
    e.losses.push_back(std::log(ties) + largest - logits[n][label]);
    for (size_t k = 0; k < logits[n].size(); ++k) {
      e.gradients[k * logits.size() + n] =
          (logits[n][k] == largest ? 1 / ties : 0) - (k == label ? 1 : 0);
    }
  }
  return e;
}

// The mean over the outputs of z (1 - t), or -z t of a negative z; gradient
// [z > 0] - t.
Extremes SigmoidCrossEntropy(int64_t outputs) {
  std::vector<Vector> logits;
  Vector targets;
  const double kinds[] = {0, 1, 0.25};
  for (int64_t bits = 0; bits < 1 << outputs; ++bits) {
    for (int64_t shift = 0; shift < 3; ++shift) {
      logits.push_back(Signs(bits, outputs));
      for (int64_t k = 0; k < outputs; ++k)
        targets.push_back(kinds[(k + shift) % 3]);
    }
  }
  Extremes e = MakeExtremes(logits, [&](ModelBuilder& m, Value z) {
    return m.SigmoidCrossEntropy(z, m.Target("target", {outputs}));
  });
  e.values.tensors["target"] = targets;
  for (size_t n = 0; n < logits.size(); ++n) {
    double loss = 0;
    for (int64_t k = 0; k < outputs; ++k) {
      const double z = logits[n][k], t = targets[n * outputs + k];
      loss += z > 0 ? z * (1 - t) : -z * t;
      e.gradients[k * logits.size() + n] =
          ((z > 0 ? 1 : 0) - t) / static_cast<double>(outputs);
    }
    e.losses.push_back(loss / static_cast<double>(outputs));
  }
  return e;
}

int64_t ExpectClose(const std::string& what, const Vector& actual,
                    const Vector& expected, double relative) {
  EXPECT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], relative * (1 + std::abs(expected[i])))
        << what << " " << i;
  }
  return static_cast<int64_t>(actual.size());
}

void Check(const std::string& name, const Extremes& e) {
  const NodeValues nodes = Interpret(e.graph, e.values).value();
  // A difference of logits is rounded to 2^-53 of 1e4.
  ExpectClose("interpreted loss", nodes[e.graph.Loss()], e.losses, 1e-12);
  ExpectClose("interpreted gradient",
              InterpretGradients(e.training, e.values)->at("fc.weight"),
              e.gradients, 1e-12);
  double total = 0;
  for (double loss : e.losses) total += loss;
  int64_t comparisons = 0;
  for (const Schedule schedule : {Schedule::kNaive, Schedule::kFast}) {
    for (const int block : {1, 8, 16}) {
      SCOPED_TRACE((schedule == Schedule::kFast ? "fast " : "naive ") +
                   std::to_string(block));
      const auto infer = RunJit(
          e.graph, {PipelineKind::kInfer, block, schedule, ""}, e.values);
      ASSERT_TRUE(infer.ok()) << infer.status();
      // Few float32 operations: two units in the last place.
      comparisons +=
          ExpectClose("loss", infer->heads.at("losses"), e.losses, 0x1p-22);
      const auto grad = RunJit(
          e.training, {PipelineKind::kGrad, block, schedule, ""}, e.values);
      ASSERT_TRUE(grad.ok()) << grad.status();
      comparisons += ExpectClose("gradient", grad->gradients.at("fc.weight"),
                                 e.gradients, 0x1p-22);
      ExpectClose("total loss", {grad->loss}, {total}, 1e-6);
    }
  }
  ReportLine(name + " of logits of +-1e4: " + std::to_string(e.losses.size()) +
             " samples, " + std::to_string(comparisons) + " comparisons");
}

TEST(ExtremeLogitsTest, SoftmaxOfTwo) { Check("softmax", Softmax(2)); }
TEST(ExtremeLogitsTest, SoftmaxOfThree) { Check("softmax", Softmax(3)); }
TEST(ExtremeLogitsTest, SoftmaxOfOne) { Check("softmax", Softmax(1)); }
TEST(ExtremeLogitsTest, SigmoidOfOne) {
  Check("sigmoid", SigmoidCrossEntropy(1));
}
TEST(ExtremeLogitsTest, SigmoidOfThree) {
  Check("sigmoid", SigmoidCrossEntropy(3));
}

}  // namespace
}  // namespace kiln
