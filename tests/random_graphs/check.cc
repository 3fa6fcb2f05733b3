#include "tests/random_graphs/check.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dsl/differentiate.h"
#include "dsl/graph.h"
#include "dsl/passes.h"
#include "tests/random_graphs/failures.h"
#include "tests/random_graphs/kinks.h"
#include "tests/random_graphs/reordered_sums.h"
#include "tests/random_graphs/same_outputs.h"
#include "tests/support/emitted_check.h"
#include "tests/support/gradient_check.h"
#include "tests/support/interpreter.h"
#include "tests/support/random_graph.h"
#include "tests/support/random_values.h"
#include "tests/support/rounding_bounds.h"
#include "tests/support/vectors.h"

namespace kiln {
namespace {

// Draws of values for one graph. About one in three is refused, so that this
// many in a row are not bad luck.
constexpr int kMostDraws = 100;

// Comparisons (of a maximum, a selection, a metric) are decided by at least
// this much, relative to their operands where these are larger than 0.1. For
// compiled graphs clearer than float32 makes of them: 14 layers of sums of 20
// terms, each off by 2^-24, come to 2e-5 if all roundings are the worst. For
// the others it is enough that finite differences show a kink: those of steps h
// and h/2 are d / 2h of it apart when it is at a distance d < h/2, and d is not
// much smaller than h.
constexpr double kCompiledMargin = 2e-5;
constexpr double kInterpretedMargin = 5e-6;

// Extrapolated differences of step h are off by h^4 / 480 times the fifth
// derivative: for the smallest step, less than 1e-8 of the first unless that is
// 1e14 times smaller. What the loss's own rounding does is allowed on top by
// the check; where it hides a small gradient, larger steps are tried, and for
// the largest the factor is 2e4.
constexpr double kStep = 1e-5;
constexpr double kDifferenceTolerance = 1e-8;

class RandomGraphCheck {
 public:
  RandomGraphCheck(uint64_t seed, RandomGraphCounts* counts)
      // The generator has a stream of its own.
      : seed_(seed), random_(seed ^ 0x9e3779b97f4a7c15), counts_(counts) {}

  absl::Status Run(bool compile) {
    absl::StatusOr<RandomGraph> made = MakeRandomGraph(seed_);
    if (!made.ok()) return Named("Build", made.status());
    forward_ = std::move(made->model.graph);
    if (absl::Status status = Differentiated(); !status.ok()) return status;
    if (absl::Status status = DrawValues(compile); !status.ok()) return status;
    if (absl::Status status = CheckPasses(); !status.ok()) return status;
    ++counts_->graphs;
    if (!compile) return absl::OkStatus();
    return CheckCompiled();
  }

 private:
  absl::Status Differentiated() {
    if (absl::Status status = Verify(forward_); !status.ok()) {
      return Named("Verify", status);
    }
    absl::StatusOr<Graph> plain = Differentiate(forward_);
    if (!plain.ok()) return Named("Differentiate", plain.status());
    plain_ = *std::move(plain);
    if (absl::Status status = Verify(plain_); !status.ok()) {
      return Named("Verify, differentiated", status);
    }
    absl::StatusOr<Graph> training = BuildTrainingGraph(forward_);
    if (!training.ok()) return Named("BuildTrainingGraph", training.status());
    training_ = *std::move(training);
    return Named("Verify, training graph", Verify(training_));
  }

  // Draws values until the loss is smooth around them and no gradient is all
  // zero, and compares the gradients with finite differences there. What is to
  // be compiled must not cancel so far that rounding explains everything.
  absl::Status DrawValues(bool compile) {
    const double margin = compile ? kCompiledMargin : kInterpretedMargin;
    std::string reason;
    const int64_t first_batch = 1 + random_.Integer(5);
    for (int draw = 0; draw < kMostDraws; ++draw) {
      // Fewer samples have fewer comparisons to be clear about.
      const int64_t batch = std::max<int64_t>(1, first_batch - draw / 10);
      values_ = RandomGraphValues(forward_, batch, seed_ * kMostDraws + draw);
      const absl::StatusOr<NodeValues> nodes = Interpret(plain_, values_);
      if (!nodes.ok()) return nodes.status();
      gradients_.clear();
      for (const Output& output : plain_.outputs()) {
        const std::vector<double>& value = (*nodes)[output.node];
        for (double v : value) {
          if (!std::isfinite(v)) {
            return Wrong(
                absl::StrCat("output ", output.name, " is not finite"));
          }
        }
        if (output.kind == OutputKind::kGradient) {
          gradients_[output.name] = value;
        }
      }
      const absl::StatusOr<std::string> dead = FindDead();
      if (!dead.ok()) return dead.status();
      if (!dead->empty()) {
        reason = absl::StrCat("the gradient of ", *dead, " is all zero");
        ++counts_->redrawn_zero;
        continue;
      }
      if (SmallestMargin(forward_, *nodes, batch) < margin) {
        reason = "a comparison is too close";
        ++counts_->redrawn_kink;
        continue;
      }
      if (compile) {
        const absl::StatusOr<RoundedOutputs> bounds =
            InterpretOutputs(training_, values_);
        if (!bounds.ok()) return bounds.status();
        if (WidestBounds(*bounds) > BoundCheck::kWidest) {
          reason = "values cancel too far";
          ++counts_->redrawn_smooth;
          continue;
        }
      }
      const absl::StatusOr<GradientCheckReport> report =
          CheckGradients(forward_, values_, gradients_,
                         {.step = kStep,
                          .larger_steps = {1e-4, 1e-3, 4e-3},
                          .tolerance = kDifferenceTolerance,
                          .magnitude = LargestValue(*nodes),
                          .element_limit = 10,
                          .random_elements = 5,
                          .directions = 3,
                          .seed = seed_,
                          .zero = zero_});
      if (absl::IsOutOfRange(report.status()) ||
          absl::IsDataLoss(report.status())) {
        reason = report.status().ToString();
        ++counts_->redrawn_smooth;
        continue;
      }
      if (!report.ok()) return Named("finite differences", report.status());
      counts_->differences += report->comparisons;
      counts_->with_no_influence += !zero_.empty();
      counts_->worst_difference =
          std::max(counts_->worst_difference, report->worst);
      return absl::OkStatus();
    }
    return Wrong(absl::StrCat("no values fit after ", kMostDraws,
                              " draws; of the last one: ", reason));
  }

  // The largest value of the forward graph; at least 1, a constant of formulas
  // (log(1 + x) has an error of that much, however small x is).
  double LargestValue(const NodeValues& nodes) const {
    double largest = 1;
    for (NodeId id = 0; id < forward_.size(); ++id) {
      if (forward_.node(id).inputs.empty()) continue;
      largest = std::max(largest, LargestOf(nodes[id]));
    }
    return largest;
  }

  // A parameter whose gradient is all zero with these values, though the loss
  // depends on it; "" if there is none. Fills zero_ with those that the loss
  // does not depend on, whatever they are: all that is read of their layer is
  // its padding.
  absl::StatusOr<std::string> FindDead() {
    zero_.clear();
    for (const auto& [name, gradient] : gradients_) {
      if (!IsAllZero(gradient)) continue;
      const absl::StatusOr<bool> has_influence = HasInfluence(name);
      if (!has_influence.ok()) return has_influence.status();
      if (*has_influence) return name;
      zero_.insert(name);
    }
    return "";
  }

  // Whether any of several quite different values of the parameter changes any
  // bit of the loss.
  absl::StatusOr<bool> HasInfluence(const std::string& parameter) {
    const absl::StatusOr<double> loss = InterpretLoss(forward_, values_);
    if (!loss.ok()) return loss.status();
    GraphValues moved = values_;
    for (int draw = 0; draw < 8; ++draw) {
      for (double& value : moved.tensors.at(parameter)) {
        value = random_.Uniform(-2, 2);
      }
      const absl::StatusOr<double> other = InterpretLoss(forward_, moved);
      if (!other.ok()) return other.status();
      if (*other != *loss) return true;
    }
    return false;
  }

  absl::Status CheckPasses() {
    const absl::StatusOr<OutputValues> of_forward =
        OutputsOf(forward_, values_);
    const absl::StatusOr<OutputValues> of_plain = OutputsOf(plain_, values_);
    if (!of_forward.ok()) return of_forward.status();
    if (!of_plain.ok()) return of_plain.status();
    const Graph merged = EliminateCommonSubexpressions(forward_);
    const Graph live = EliminateDeadCode(forward_);
    const bool has_duplicates = merged.size() < forward_.size();
    counts_->with_duplicates += has_duplicates;
    counts_->with_dead_code += live.size() < forward_.size();

    absl::Status status = absl::OkStatus();
    auto expect = [&](absl::string_view name, absl::StatusOr<Graph> graph,
                      const OutputValues& expected,
                      const std::vector<OutputKind>& kinds = {}) {
      if (!status.ok()) return;
      status = graph.ok() ? ExpectSame(*graph, values_, expected, kinds,
                                       &counts_->identical)
                          : graph.status();
      status = Named(name, status);
    };
    constexpr auto kHead = OutputKind::kHead, kLoss = OutputKind::kLoss,
                   kMetric = OutputKind::kMetric,
                   kGradient = OutputKind::kGradient;
    expect("merged", merged, *of_forward);
    expect("without dead code", live, *of_forward);
    expect("optimised", Optimize(forward_), *of_forward);

    expect("differentiated", KeepOutputs(plain_, {kHead, kLoss, kMetric}),
           *of_forward);
    expect("differentiated, merged", EliminateCommonSubexpressions(plain_),
           *of_plain);
    expect("differentiated, without dead code", EliminateDeadCode(plain_),
           *of_plain);
    expect("differentiated, optimised", Optimize(plain_), *of_plain);
    expect("without dead code, differentiated", Differentiate(live), *of_plain);

    // Merging before differentiation sums adjoints before they are multiplied,
    // where each was before: another order of roundings.
    const absl::StatusOr<Graph> merged_plain = Differentiate(merged);
    if (!merged_plain.ok()) return merged_plain.status();
    const absl::StatusOr<OutputValues> of_merged =
        OutputsOf(*merged_plain, values_);
    if (!of_merged.ok()) return of_merged.status();
    expect("merged, differentiated",
           KeepOutputs(*merged_plain, {kHead, kLoss, kMetric}), *of_forward);
    if (!has_duplicates) {
      expect("training graph", training_, *of_plain);
    }
    expect("training graph", training_, *of_merged);
    for (OutputKind kind : {kHead, kLoss, kMetric, kGradient}) {
      expect("KeepOutputs", KeepOutputs(training_, {kind}), *of_merged, {kind});
    }
    expect("KeepOutputs", KeepOutputs(training_, {kLoss, kMetric, kGradient}),
           *of_merged, {kLoss, kMetric, kGradient});
    if (!status.ok()) return status;
    if (status = ExpectClean(training_); !status.ok()) return status;
    if (!has_duplicates) return status;
    const auto errors = RoundingErrors(plain_, forward_.size(), values_);
    const auto merged_errors =
        RoundingErrors(*merged_plain, merged.size(), values_);
    const auto gradients = InterpretGradients(training_, values_);
    if (!errors.ok()) return errors.status();
    if (!merged_errors.ok()) return merged_errors.status();
    if (!gradients.ok()) return gradients.status();
    return Named("training graph",
                 ExpectClose(*gradients, gradients_, *errors, *merged_errors,
                             &counts_->reordered));
  }

  // That nothing is left for the passes to do.
  static absl::Status ExpectClean(const Graph& graph) {
    std::vector<bool> is_output(graph.size());
    for (const Output& output : graph.outputs()) is_output[output.node] = true;
    const std::vector<std::vector<NodeId>> users = graph.Users();
    std::map<std::string, std::string> computed;
    for (NodeId id = 0; id < graph.size(); ++id) {
      const Node& node = graph.node(id);
      if (users[id].empty() && !is_output[id]) {
        return Wrong(node.name + " is dead");
      }
      if (node.inputs.empty()) continue;
      const auto [other, is_new] = computed.emplace(
          absl::StrCat(node.op->name(), "|", node.op->Attributes(), "|",
                       absl::StrJoin(node.inputs, ",")),
          node.name);
      if (!is_new) {
        return Wrong(
            absl::StrCat(node.name, " computes what ", other->second, " does"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckCompiled() {
    const int blocks[] = {1, 2, 4, 8, 16};
    const int block = blocks[random_.Integer(5)];
    const Schedule schedule =
        random_.Integer(3) == 0 ? Schedule::kNaive : Schedule::kFast;
    const absl::StatusOr<EmittedCheckReport> report =
        CheckEmitted(forward_, values_,
                     {.block = block, .schedule = schedule, .zero = zero_});
    if (!report.ok()) {
      return Named(
          absl::StrCat("compiled, block ", block,
                       schedule == Schedule::kNaive ? ", naive" : ", fast"),
          report.status());
    }
    ++counts_->compiled;
    counts_->emitted += report->bounds.values;
    counts_->worst_emitted =
        std::max(counts_->worst_emitted, report->bounds.worst);
    return absl::OkStatus();
  }

  uint64_t seed_;
  Random random_;
  RandomGraphCounts* counts_;
  Graph forward_, plain_, training_;
  GraphValues values_;
  Gradients gradients_;         // of plain_
  std::set<std::string> zero_;  // parameters that the loss does not depend on
};

}  // namespace

absl::Status CheckRandomGraph(uint64_t seed, bool compile,
                              RandomGraphCounts* counts) {
  return RandomGraphCheck(seed, counts).Run(compile);
}

}  // namespace kiln
