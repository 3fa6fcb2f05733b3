// Mutants of every gradient rule are caught: in ops and small models by finite
// differences and by the rounding bounds that emitted code is held to, in large
// models by the bounds.
#include "tests/mutants/mutants.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/gradient_check.h"
#include "tests/support/graph_testing.h"
#include "tests/support/models.h"
#include "tests/support/op_cases.h"
#include "tests/support/random_values.h"
#include "tests/support/report.h"
#include "tests/support/rounding_bounds.h"

namespace kiln {
namespace {

// A forward graph, values for it, and what is right there.
class Subject {
 public:
  Subject(const Graph& forward, const GraphValues& values,
          const GradientCheckOptions& options)
      : forward_(forward), values_(values), options_(options) {
    const absl::StatusOr<Graph> training = BuildTrainingGraph(forward);
    EXPECT_TRUE(training.ok()) << training.status();
    if (!training.ok()) return;
    const auto outputs = InterpretOutputs(*training, values);
    EXPECT_TRUE(outputs.ok()) << outputs.status();
    if (outputs.ok()) right_ = outputs->gradients;
    fit_ = CheckGradients(forward, values, ValuesOf(right_), options).status();
  }

  // What a mutant is caught by must let the right gradient pass.
  const absl::Status& fit() const { return fit_; }

  // What the mutant's gradients are, where it computes any.
  absl::StatusOr<RoundedTensors> GradientsOf(const Mutant& mutant) const {
    const auto outputs = InterpretOutputs(
        KeepOutputs(mutant.graph, {OutputKind::kGradient}), values_);
    if (!outputs.ok()) return outputs.status();
    return outputs->gradients;
  }

  bool Equivalent(const RoundedTensors& gradients) const {
    return AreEquivalent(gradients, right_);
  }

  bool CaughtByDifferences(const RoundedTensors& gradients) const {
    // Where the right gradient is fit, a refusal of any kind is the mutant's: a
    // wrong number at a kink is told as a loss that is not smooth there.
    return !CheckGradients(forward_, values_, ValuesOf(gradients), options_)
                .ok();
  }

  // By how many times the errors that rounding explains, in right and wrong
  // code together, the mutant stands out; beyond 1 the emitted one would be
  // seen, whatever its rounding.
  double StandsOut(const RoundedTensors& gradients) const {
    double most = 0;
    for (const auto& [name, wrong] : gradients) {
      const std::vector<Rounded>& right = right_.at(name);
      const std::vector<double> of_right = BoundCheck::BoundsOf(right),
                                of_wrong = BoundCheck::BoundsOf(wrong);
      for (size_t i = 0; i < wrong.size(); ++i) {
        const double change = std::abs(wrong[i].value() - right[i].value());
        if (std::isnan(change)) return std::numeric_limits<double>::infinity();
        most = std::max(most, change / (of_right[i] + of_wrong[i]));
      }
    }
    return most;
  }

 private:
  static Gradients ValuesOf(const RoundedTensors& tensors) {
    Gradients values;
    for (const auto& [name, tensor] : tensors) {
      for (const Rounded& x : tensor) values[name].push_back(x.value());
    }
    return values;
  }

  const Graph& forward_;
  const GraphValues& values_;
  const GradientCheckOptions& options_;
  RoundedTensors right_;
  absl::Status fit_;
};

// Mutations of ops that change no gradient, whatever the values, and why.
const std::map<std::string, std::string>& Equivalences() {
  static const auto& table = *new std::map<std::string, std::string>{
      {"conv2d d_bias: operand 0 of the next sample", "all samples are summed"},
      {"dense d_bias: operand 0 of the next sample", "all samples are summed"},
      {"conv2d d_bias: operand 0 transposed", "all pixels are summed"},
      {"channel_affine d_scale: operand 0 of the next sample",
       "all samples are summed"},
      {"channel_affine d_scale: operand 0 transposed", "all pixels are summed"},
      {"channel_affine d_scale_terms: operands 0 and 1 exchanged",
       "multiplication commutes"},
      {"channel_affine d_scale_terms: result of the next sample",
       "all samples are summed"},
      {"channel_affine d_scale_terms: result transposed",
       "all pixels are summed"},
      {"channel_affine d_shift: operand 0 of the next sample",
       "all samples are summed"},
      {"channel_affine d_shift: operand 0 transposed", "all pixels are summed"},
      {"conv2d d_input: stride + 1", "types only where one pixel comes out"},
      {"conv2d d_weight: stride + 1", "types only where one pixel comes out"},
      {"batch_norm d_bias: operand 0 of the next sample",
       "all samples are summed"},
      {"batch_norm d_bias: operand 0 transposed", "all pixels are summed"},
      {"batch_norm d_weight: operand 0 of the next sample",
       "all samples are summed"},
      {"batch_norm d_weight: operand 0 transposed", "all pixels are summed"},
      {"batch_norm d_weight_terms: operands 0 and 1 exchanged",
       "multiplication commutes"},
      {"batch_norm d_weight_terms: result of the next sample",
       "all samples are summed"},
      {"batch_norm d_weight_terms: result transposed", "all pixels are summed"},
      {"batch_norm d_mean: operands 0 and 1 exchanged",
       "multiplication commutes"},
      {"batch_norm minus_mean: operands 0 and 1 exchanged", "the same"},
      {"batch_norm d_var: operands 0 and 2 exchanged", "the same"},
      {"batch_mean d_input: result of the next sample",
       "all samples have the same share"},
      {"batch_mean d_input: result transposed", "all pixels have it"},
      {"broadcast d_input: operand 0 read backwards", "all are summed"},
      {"broadcast d_input: operand 0 shifted by one element", "the same"},
      {"broadcast d_input: operand 0 transposed", "the same"},
      {"expand d_input_sum: operand 0 of the next sample",
       "all samples are summed"},
      {"expand d_input_sum: result of the next sample", "the same"},
      {"expand d_input_vector: operand 0 of the next sample", "the same"},
      {"expand d_input_vector: result of the next sample", "the same"},
      {"expand d_input: operand 0 of the next sample", "the same"},
      {"expand d_input_sum: operand 0 read backwards", "all are summed"},
      {"expand d_input_sum: operand 0 shifted by one element", "the same"},
      {"expand d_input_sum: operand 0 transposed", "the same"},
      {"sum d_input: result read backwards", "all are the same number"},
      {"sum d_input: result shifted by one element", "the same"},
      {"sum d_input: result transposed", "the same"},
      {"sum of adjoints: operands 0 and 1 exchanged", "addition commutes"},
      {"sum of adjoints: operands 0 and 2 exchanged", "the same"},
      {"sum of adjoints: operands 1 and 2 exchanged", "the same"},
      {"pointwise dropout d_input: operands 0 and 1 exchanged",
       "multiplication commutes"},
      {"pointwise products d_input: operands 2 and 3 exchanged",
       "multiplication commutes"},
      {"pointwise select d_input: operands 0 and 2 exchanged", "the same"},
      {"pointwise square_root d_input: operands 0 and 2 exchanged", "the same"},
  };
  return table;
}

bool KnownEquivalent(const std::string& what) {
  if (Equivalences().count(what) > 0) return true;
  const size_t became = what.find(" became ");
  if (became == std::string::npos) return false;
  // -0 for 0; and a > -0.4 a says the same of the sign of a as a > 0.4 a.
  const std::string formula = what.substr(became);
  return absl::StrContains(formula, ", -0)") ||
         absl::StrContains(formula, ", -0, ") ||
         absl::StrContains(formula, "greater(a1, -0.4 * a1)");
}

// What became of the mutants of one or more subjects.
class Tally {
 public:
  // Tries the mutants on a subject that is fit and returns those it does not
  // catch. With `differences`, finite differences must catch them as well.
  std::vector<Mutant> Missed(const std::string& name, const Subject& subject,
                             std::vector<Mutant> mutants, bool differences) {
    std::vector<Mutant> missed;
    for (Mutant& mutant : mutants) {
      const std::string what = What(mutant);
      const auto gradients = subject.GradientsOf(mutant);
      EXPECT_TRUE(gradients.ok()) << what << ": " << gradients.status();
      if (!gradients.ok()) continue;
      if (subject.Equivalent(*gradients)) {
        equivalent_.insert(what);
        continue;
      }
      applied_.insert(what);
      const double stands_out = subject.StandsOut(*gradients);
      const bool seen = !differences || subject.CaughtByDifferences(*gradients);
      if (!seen || !(stands_out > 1)) {
        missed.push_back(std::move(mutant));
        continue;
      }
      ++caught_;
      if (stands_out < weakest_) {
        weakest_ = stands_out;
        weakest_mutant_ = absl::StrCat(name, ", ", what);
      }
    }
    return missed;
  }

  // That these were caught by nothing.
  void AddMissed(const std::string& name, const std::vector<Mutant>& mutants) {
    for (const Mutant& mutant : mutants)
      ADD_FAILURE() << name << ": nothing catches " << What(mutant);
    missed_ += static_cast<int64_t>(mutants.size());
  }

  void Report(const std::string& subject) const {
    EXPECT_GT(caught_, 0);
    ReportMutants(subject, caught_, caught_ + missed_, weakest_);
    std::cout << "weakest: " << weakest_mutant_ << "\n";
  }

  // Mutations that none of the subjects noticed.
  std::vector<std::string> Unnoticed() const {
    std::vector<std::string> unnoticed;
    std::set_difference(equivalent_.begin(), equivalent_.end(),
                        applied_.begin(), applied_.end(),
                        std::back_inserter(unnoticed));
    return unnoticed;
  }

 private:
  static std::string What(const Mutant& mutant) {
    return absl::StrCat(mutant.rule, ": ", mutant.change);
  }

  int64_t caught_ = 0, missed_ = 0;
  double weakest_ = std::numeric_limits<double>::infinity();
  std::string weakest_mutant_;
  std::set<std::string> equivalent_, applied_;
};

class OpMutantsTest : public ::testing::TestWithParam<std::string> {};

TEST_P(OpMutantsTest, AreAllCaught) {
  Tally tally;
  for (const OpCase& c : OpCases(GetParam(), /*batch=*/3)) {
    const Subject subject(c.graph, c.values, c.options);
    EXPECT_TRUE(subject.fit().ok()) << c.name << ": " << subject.fit();
    tally.AddMissed(
        c.name, tally.Missed(c.name, subject, MutantsOf(GetParam(), c.graph),
                             /*differences=*/true));
  }
  tally.Report(GetParam());
  for (const std::string& what : tally.Unnoticed()) {
    EXPECT_TRUE(KnownEquivalent(what))
        << "no case notices this, and no reason is known: " << what;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, OpMutantsTest, ::testing::ValuesIn(OpCaseNames()),
                         [](const auto& info) { return info.param; });

class ModelMutantsTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ModelMutantsTest, AreAllCaught) {
  const auto model = BuildModel(GetParam());
  ASSERT_TRUE(model.ok()) << model.status();
  const Graph& graph = model->graph;
  // In large models the bounds alone, and few ways to be wrong: ops in which
  // all ways are tried have tests of their own.
  const bool large = graph.size() > 20;
  std::vector<Mutant> mutants;
  for (Mutant& mutant : Mutants(graph)) {
    const std::string& change = mutant.change;
    if (!large || change == "sign" || change == "times 1.01" ||
        change == "result transposed" ||
        absl::StrContains(change, "left out") ||
        absl::StrContains(change, "of the next sample")) {
      mutants.push_back(std::move(mutant));
    }
  }
  GradientCheckOptions options{
      .element_limit = 20, .random_elements = 4, .directions = 2};
  if (large) {
    options.step = 1e-6;
    options.tolerance = 3e-7;
  }
  // What some values do not show, a few others may: samples that are alike, a
  // kink within the step, a dead ReLU.
  Tally tally;
  for (uint64_t seed = 3; seed < 9 && !mutants.empty(); ++seed) {
    const GraphValues values = RandomValues(graph, /*batch=*/2, seed);
    const Subject subject(graph, values, options);
    if (!subject.fit().ok()) continue;
    mutants = tally.Missed(GetParam(), subject, std::move(mutants),
                           /*differences=*/!large);
  }
  tally.AddMissed(GetParam(), mutants);
  tally.Report("model " + GetParam());
}

INSTANTIATE_TEST_SUITE_P(Models, ModelMutantsTest,
                         ::testing::ValuesIn(ModelStructures()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace kiln
