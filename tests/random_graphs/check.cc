#include "tests/random_graphs/check.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "dsl/differentiate.h"
#include "dsl/ops/max_pool.h"
#include "dsl/ops/pointwise.h"
#include "dsl/passes.h"
#include "tests/ops/references.h"
#include "tests/ops/window_loop.h"
#include "tests/support/emitted_check.h"
#include "tests/support/gradient_check.h"
#include "tests/support/random_graph.h"
#include "tests/support/random_values.h"
#include "tests/support/rounding_bounds.h"

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

absl::Status Wrong(const std::string& what) {
  return absl::FailedPreconditionError(what);
}

absl::Status Named(absl::string_view what, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(what, ": ", status.message()));
}

// --- outputs of variants

using OutputKey = std::pair<OutputKind, std::string>;
using OutputValues = std::map<OutputKey, std::vector<double>>;

absl::StatusOr<OutputValues> OutputsOf(const Graph& graph,
                                       const GraphValues& values) {
  const absl::StatusOr<NodeValues> nodes = Interpret(graph, values);
  if (!nodes.ok()) return nodes.status();
  OutputValues outputs;
  for (const Output& output : graph.outputs()) {
    outputs[{output.kind, output.name}] = (*nodes)[output.node];
  }
  return outputs;
}

// That `graph` computes exactly `expected`, bit by bit; of these only the
// kinds listed, if any are.
absl::Status ExpectSame(const Graph& graph, const GraphValues& values,
                        OutputValues expected,
                        const std::vector<OutputKind>& kinds,
                        int64_t* compared) {
  if (absl::Status status = Verify(graph); !status.ok()) return status;
  if (!kinds.empty()) {
    std::erase_if(expected, [&](const auto& entry) {
      return std::find(kinds.begin(), kinds.end(), entry.first.first) ==
             kinds.end();
    });
  }
  const absl::StatusOr<OutputValues> actual = OutputsOf(graph, values);
  if (!actual.ok()) return actual.status();
  if (actual->size() != expected.size()) {
    return Wrong(absl::StrCat("has ", actual->size(), " outputs, not ",
                              expected.size()));
  }
  for (const auto& [key, wanted] : expected) {
    const auto found = actual->find(key);
    if (found == actual->end()) {
      return Wrong(absl::StrCat("lacks the output ", key.second));
    }
    const std::vector<double>& given = found->second;
    if (given.size() != wanted.size()) {
      return Wrong(absl::StrCat("output ", key.second, " has another size"));
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (std::memcmp(&given[i], &wanted[i], sizeof(double)) != 0) {
        return Wrong(absl::StrFormat("output %s[%d] is %.17g, not %.17g",
                                     key.second, i, given[i], wanted[i]));
      }
    }
    *compared += static_cast<int64_t>(wanted.size());
  }
  return absl::OkStatus();
}

// --- gradients summed in another order

void MakePositive(std::vector<double>* values) {
  for (double& value : *values) value = std::abs(value);
}

// A bound on the rounding errors of the gradients of `training`, which extends
// a forward graph of `forward_size` nodes by adjoints.
//
// A gradient is a sum over paths from the loss of products of factors, which
// are forward values. With n roundings on a path, what is computed differs from
// the sum by gamma_n = n u / (1 - n u) times the sum of the products'
// magnitudes. These are summed here: every op among the adjoints is linear in
// those it reads, so with positive adjoints and weights, and the result made
// positive likewise, it adds magnitudes up.
absl::StatusOr<Gradients> RoundingErrors(const Graph& training,
                                         int forward_size,
                                         const GraphValues& values) {
  absl::StatusOr<NodeValues> nodes = Interpret(training, values);
  if (!nodes.ok()) return nodes.status();
  std::vector<double> roundings(training.size(), 0);
  NodeValues magnitudes = *nodes;
  for (NodeId id = forward_size; id < training.size(); ++id) {
    const Node& node = training.node(id);
    if (node.inputs.empty()) MakePositive(&magnitudes[id]);
    const bool is_place = node.type.dtype == DType::kInt32;  // of a maximum
    if (node.inputs.empty() || is_place) continue;
    // Only the adjoints of a formula and of a softmax read forward values that
    // are no factors themselves.
    const auto* pointwise = dynamic_cast<const PointwiseOp*>(node.op.get());
    const bool reads_values =
        pointwise != nullptr || node.op->name() == "softmax_cross_entropy_grad";
    double before = 0, terms = 1;
    NodeValues inputs;
    for (NodeId input : node.inputs) {
      before = std::max(before, roundings[input]);
      terms += static_cast<double>((*nodes)[input].size());
      inputs.push_back(magnitudes[input]);
      if (!reads_values) MakePositive(&inputs.back());
    }
    if (pointwise != nullptr) {
      terms = static_cast<double>(OperationCount(pointwise->value()));
    }
    roundings[id] = before + terms;
    std::fill(magnitudes[id].begin(), magnitudes[id].end(), 0);
    ReferenceCall<double> call{
        node, values, training.InputTypes(node), {}, magnitudes[id].data()};
    for (const std::vector<double>& input : inputs) {
      call.inputs.push_back(input.data());
    }
    FindReference<double>(node.op->name())(call);
    MakePositive(&magnitudes[id]);
  }
  Gradients errors;
  for (const Output& output : training.outputs()) {
    if (output.kind != OutputKind::kGradient) continue;
    const double nu = roundings[output.node] * DBL_EPSILON / 2;
    errors[output.name] = magnitudes[output.node];
    for (double& error : errors[output.name]) error *= nu / (1 - nu);
  }
  return errors;
}

// That the gradients agree to within the sum of both errors.
absl::Status ExpectClose(const Gradients& actual, const Gradients& expected,
                         const Gradients& error_a, const Gradients& error_b,
                         int64_t* compared) {
  if (actual.size() != expected.size()) {
    return Wrong(
        absl::StrCat(actual.size(), " gradients, not ", expected.size()));
  }
  for (const auto& [name, wanted] : expected) {
    const auto found = actual.find(name);
    if (found == actual.end() || found->second.size() != wanted.size()) {
      return Wrong(absl::StrCat("no gradient of ", name, " of its size"));
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      const double error = std::abs(found->second[i] - wanted[i]);
      const double allowed = error_a.at(name)[i] + error_b.at(name)[i];
      if (!(error <= allowed)) {
        return Wrong(absl::StrFormat(
            "the gradient of %s[%d] is %.17g, not %.17g (differs by %.3g, "
            "another order of sums explains %.3g)",
            name, i, found->second[i], wanted[i], error, allowed));
      }
    }
    *compared += static_cast<int64_t>(wanted.size());
  }
  return absl::OkStatus();
}

// --- kinks

// How clearly comparisons are decided, in units of what is compared.
class KinkFinder {
 public:
  // The smallest margin of any comparison in the forward graph. What is exactly
  // equal counts only where `ties`: pooled zeros behind a ReLU, or a value
  // compared with itself, stay equal.
  static double Margin(const Graph& graph, const NodeValues& nodes,
                       int64_t batch) {
    KinkFinder finder;
    for (NodeId id = 0; id < graph.size(); ++id) {
      finder.Visit(graph, graph.node(id), nodes, batch);
    }
    return finder.margin_;
  }

 private:
  void Compare(double a, double b, bool ties = false) {
    if (a == b && !ties) return;
    const double scale = std::max({0.1, std::abs(a), std::abs(b)});
    margin_ = std::min(margin_, std::abs(a - b) / scale);
  }

  void Visit(const Graph& graph, const Node& node, const NodeValues& nodes,
             int64_t batch) {
    if (const auto* op = dynamic_cast<const PointwiseOp*>(node.op.get())) {
      const size_t elements = nodes[node.inputs[0]].size();
      std::vector<double> args(node.inputs.size());
      for (size_t i = 0; i < elements; ++i) {
        for (size_t k = 0; k < args.size(); ++k) {
          args[k] = nodes[node.inputs[k]][i];
        }
        Expression(op->value(), args);
      }
    } else if (const auto* pool =
                   dynamic_cast<const MaxPoolOp*>(node.op.get())) {
      Pool(pool->geometry(), graph.node(node.inputs[0]).type.shape,
           node.type.shape, nodes[node.inputs[0]], batch);
    } else if (node.op->name() == "accuracy") {
      const std::vector<double>& logits = nodes[node.inputs[0]];
      const int64_t classes = static_cast<int64_t>(logits.size()) / batch;
      for (int64_t n = 0; n < batch; ++n) {
        std::vector<double> row(logits.begin() + n * classes,
                                logits.begin() + (n + 1) * classes);
        std::sort(row.begin(), row.end());
        Compare(row[classes - 1], row[classes - 2], true);
      }
    }
  }

  void Expression(const ScalarExpr& e, const std::vector<double>& args) {
    for (const ScalarExpr& x : e.operands()) Expression(x, args);
    if (e.kind() == ScalarKind::kMax || e.kind() == ScalarKind::kMin ||
        e.kind() == ScalarKind::kGreater) {
      Compare(Evaluate(e.operands()[0], args), Evaluate(e.operands()[1], args));
    }
  }

  void Pool(const PoolGeometry& geometry, const Shape& in, const Shape& out,
            const std::vector<double>& image, int64_t batch) {
    const int64_t plane = in[1] * in[2];
    std::vector<std::vector<double>> windows(out[1] * out[2]);
    for (int64_t c = 0; c < batch * in[0]; ++c) {
      for (std::vector<double>& window : windows) window.clear();
      ForEachTap(geometry, in, out, [&](const WindowTap& tap) {
        windows[tap.output].push_back(image[c * plane + tap.input]);
      });
      for (const std::vector<double>& window : windows) {
        const double largest = *std::max_element(window.begin(), window.end());
        for (double value : window) Compare(largest, value);
      }
    }
  }

  double margin_ = std::numeric_limits<double>::infinity();
};

// --- one graph

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
      if (KinkFinder::Margin(forward_, *nodes, batch) < margin) {
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
      for (double v : nodes[id]) largest = std::max(largest, std::abs(v));
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
      if (std::any_of(gradient.begin(), gradient.end(),
                      [](double g) { return g != 0; })) {
        continue;
      }
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

RandomGraphCounts& RandomGraphCounts::operator+=(
    const RandomGraphCounts& other) {
  graphs += other.graphs;
  compiled += other.compiled;
  identical += other.identical;
  reordered += other.reordered;
  differences += other.differences;
  emitted += other.emitted;
  redrawn_zero += other.redrawn_zero;
  redrawn_kink += other.redrawn_kink;
  redrawn_smooth += other.redrawn_smooth;
  with_duplicates += other.with_duplicates;
  with_dead_code += other.with_dead_code;
  with_no_influence += other.with_no_influence;
  worst_difference = std::max(worst_difference, other.worst_difference);
  worst_emitted = std::max(worst_emitted, other.worst_emitted);
  return *this;
}

std::string RandomGraphCounts::ToString() const {
  return absl::StrFormat(
      "%d graphs (%d with duplicates, %d with dead code, %d with parameters "
      "behind padding), %d compiled; "
      "compared: %d bit by bit, %d in another order, %d finite differences "
      "(worst %.1e), %d emitted (%.2g of their bounds); values drawn again: %d "
      "for zero "
      "gradients, %d for close comparisons, %d for finite differences",
      graphs, with_duplicates, with_dead_code, with_no_influence, compiled,
      identical, reordered, differences, worst_difference, emitted,
      worst_emitted, redrawn_zero, redrawn_kink, redrawn_smooth);
}

absl::Status CheckRandomGraph(uint64_t seed, bool compile,
                              RandomGraphCounts* counts) {
  return RandomGraphCheck(seed, counts).Run(compile);
}

}  // namespace kiln
