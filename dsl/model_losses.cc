// The losses, metrics and outputs of ModelBuilder.
#include <algorithm>
#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "dsl/model.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/softmax_cross_entropy.h"
#include "dsl/ops/sum.h"

namespace kiln {

void ModelBuilder::CheckClasses(Value logits, Value labels,
                                const std::string& name, const Where& where) {
  if (!Made(logits) || !Made(labels) || !status_.ok())
    return;  // Add() reports these
  const auto* target =
      dynamic_cast<const TargetOp*>(graph_.node(labels.id).op.get());
  const Shape& shape = graph_.node(logits.id).type.shape;
  if (target == nullptr || target->classes() == 0 || shape.size() != 1)
    return;  // the op reports these itself
  if (target->classes() != shape[0]) {
    Fail(where, name,
         absl::StrCat("there are ", shape[0], " logits for ", target->classes(),
                      " classes"));
  }
}

Value ModelBuilder::SoftmaxCrossEntropy(Value logits, Value labels,
                                        Where where) {
  const std::string name = AutoName("softmax_cross_entropy");
  CheckClasses(logits, labels, name, where);
  return Add(std::make_shared<SoftmaxCrossEntropyOp>(), {logits, labels}, name,
             where);
}

Value ModelBuilder::SigmoidCrossEntropy(Value logits, Value target,
                                        Where where) {
  // max(z, 0) - z t + log(1 + e^-|z|) never overflows; its derivative is
  // sigmoid(z) - t.
  const ScalarExpr z = Arg(0), t = Arg(1);
  const double scale =
      1.0 / static_cast<double>(ElementCount(TypeOf(logits).shape));
  const ScalarExpr value =
      (Max(z, 0) - z * t + Log(1 + Exp(-Max(z, -z)))) * scale;
  const Value elements = Add(
      std::make_shared<PointwiseOp>(
          "sigmoid_cross_entropy", value,
          std::vector<ScalarExpr>{(kiln::Sigmoid(z) - t) * scale, -z * scale}),
      {logits, target}, AutoName("cross_entropy_terms"), where);
  return Add(std::make_shared<SumOp>(), {elements},
             AutoName("sigmoid_cross_entropy"), where);
}

Value ModelBuilder::L2(Value prediction, Value target, Where where) {
  const ScalarExpr error = Arg(0) - Arg(1);
  const Value elements =
      Add(std::make_shared<PointwiseOp>(
              "squared_error", error * error,
              std::vector<ScalarExpr>{2 * error, -2 * error}),
          {prediction, target}, AutoName("squared_error"), where);
  return Add(std::make_shared<SumOp>(), {elements}, AutoName("l2_loss"), where);
}

Value ModelBuilder::Hinge(Value scores, Value target, Where where) {
  const ScalarExpr z = Arg(0), sign = Select(Greater(Arg(1), 0.5), 1, -1);
  const double scale =
      1.0 / static_cast<double>(ElementCount(TypeOf(scores).shape));
  const Value elements =
      Add(std::make_shared<PointwiseOp>("hinge", Max(1 - sign * z, 0) * scale),
          {scores, target}, AutoName("hinge_terms"), where);
  return Add(std::make_shared<SumOp>(), {elements}, AutoName("hinge"), where);
}

Value ModelBuilder::L1(Value prediction, Value target, Where where) {
  const ScalarExpr error = Arg(0) - Arg(1),
                   sign = Greater(error, 0) - Greater(-error, 0);
  const Value elements =
      Add(std::make_shared<PointwiseOp>("absolute_error", Max(error, -error),
                                        std::vector<ScalarExpr>{sign, -sign}),
          {prediction, target}, AutoName("absolute_error"), where);
  return Add(std::make_shared<SumOp>(), {elements}, AutoName("l1_loss"), where);
}

Value ModelBuilder::Huber(Value prediction, Value target, double delta,
                          Where where) {
  const std::string name = AutoName("huber_loss");
  if (!(std::isfinite(delta) && delta > 0))
    Fail(where, name, "delta must be above 0");
  // The error, cut to [-delta, delta], is the derivative.
  const ScalarExpr error = Arg(0) - Arg(1),
                   cut = Min(Max(error, -delta), delta);
  const Value elements =
      Add(std::make_shared<PointwiseOp>("huber", cut * (error - 0.5 * cut),
                                        std::vector<ScalarExpr>{cut, -cut}),
          {prediction, target}, AutoName("huber_terms"), where);
  return Add(std::make_shared<SumOp>(), {elements}, name, where);
}

Value ModelBuilder::WeightedSum(
    const std::vector<std::pair<double, Value>>& losses, Where where) {
  ScalarExpr sum = 0;
  std::vector<Value> inputs;
  for (const auto& [weight, value] : losses) {
    if (!std::isfinite(weight))
      Fail(where, "weighted_sum", "a loss weight is not finite");
    sum = sum + weight * Arg(static_cast<int>(inputs.size()));
    inputs.push_back(value);
  }
  return Add(std::make_shared<PointwiseOp>("weighted_sum", sum), inputs,
             AutoName("weighted_sum"), where);
}

Value ModelBuilder::Accuracy(Value logits, Value labels, Where where) {
  const std::string name = AutoName("accuracy");
  CheckClasses(logits, labels, name, where);
  return Add(std::make_shared<AccuracyOp>(), {logits, labels}, name, where);
}

Value ModelBuilder::BinaryAccuracy(Value prediction, Value target,
                                   double threshold, Where where) {
  if (!std::isfinite(threshold))
    Fail(where, "accuracy", "the threshold is not finite");
  const double share =
      1.0 / static_cast<double>(ElementCount(TypeOf(prediction).shape));
  const ScalarExpr above = Greater(Arg(0), threshold),
                   positive = Greater(Arg(1), 0.5);
  const ScalarExpr right = Select(above, positive, 1 - positive) * share;
  const Value elements = Add(std::make_shared<PointwiseOp>("right", right),
                             {prediction, target}, AutoName("right"), where);
  return Add(std::make_shared<SumOp>(), {elements}, AutoName("accuracy"),
             where);
}

Value ModelBuilder::WithinTolerance(Value prediction, Value target,
                                    double tolerance, Where where) {
  const std::string name = AutoName("within_tolerance");
  if (!(std::isfinite(tolerance) && tolerance >= 0))
    Fail(where, name, "the tolerance must be 0 or more");
  const double share =
      1.0 / static_cast<double>(ElementCount(TypeOf(prediction).shape));
  // An error that is not a number is not within any tolerance.
  const ScalarExpr error = Arg(0) - Arg(1), size = Max(error, -error);
  const ScalarExpr right =
      Select(Greater(size, tolerance), 0, Greater(1 + size, 0)) * share;
  const Value elements = Add(std::make_shared<PointwiseOp>("within", right),
                             {prediction, target}, AutoName("within"), where);
  return Add(std::make_shared<SumOp>(), {elements}, name, where);
}

bool ModelBuilder::CheckOutput(const std::string& name, Value value,
                               const Where& where) {
  if (!status_.ok() || !CheckName(name, where)) return false;
  if (!Made(value))
    Fail(where, name, "is a value that no layer of this model made");
  if (CName(name) == "loss") Fail(where, name, "this name is the loss's own");
  for (const kiln::Output& output : graph_.outputs()) {
    if (CName(output.name) == CName(name))
      Fail(where, name, "this name is used twice");
  }
  return status_.ok();
}

void ModelBuilder::Output(const std::string& name, Value value, Where where) {
  if (!CheckOutput(name, value, where)) return;
  const TensorType& type = graph_.node(value.id).type;
  if (!type.per_sample || type.dtype != DType::kFloat32) {
    return Fail(where, name,
                absl::StrCat("an output is float32 per sample, not ",
                             TypeString(type)));
  }
  graph_.AddOutput(OutputKind::kHead, name, value.id);
}

void ModelBuilder::Loss(Value value, double weight, Where where) {
  Loss(Made(value) ? graph_.node(value.id).name : "loss", value, weight, where);
}

void ModelBuilder::Loss(const std::string& name, Value value, double weight,
                        Where where) {
  if (!status_.ok() || !CheckName(name, where)) return;
  if (!Made(value))
    return Fail(where, "loss", "is a value that no layer of this model made");
  if (!std::isfinite(weight))
    return Fail(where, "loss", "the weight is not finite");
  const TensorType& type = graph_.node(value.id).type;
  if (!type.shape.empty() || !type.per_sample ||
      type.dtype != DType::kFloat32) {
    return Fail(
        where, "loss",
        absl::StrCat("a loss is a scalar per sample, not ", TypeString(type)));
  }
  losses_.push_back({name, weight, value, where});
}

void ModelBuilder::Metric(const std::string& name, Value value, Where where) {
  if (!CheckOutput(name, value, where)) return;
  const TensorType& type = graph_.node(value.id).type;
  if (!type.shape.empty() || !type.per_sample ||
      type.dtype != DType::kFloat32) {
    return Fail(where, name,
                absl::StrCat("a metric is a scalar per sample, not ",
                             TypeString(type)));
  }
  graph_.AddOutput(OutputKind::kMetric, name, value.id);
}

void ModelBuilder::AddLossMetrics() {
  if (losses_.size() < 2) return;
  for (const NamedLoss& loss : losses_) {
    const bool is_there = std::any_of(
        graph_.outputs().begin(), graph_.outputs().end(),
        [&](const kiln::Output& output) {
          return output.name == loss.name && output.node == loss.value.id;
        });
    if (is_there) continue;  // the model reports it itself
    Metric(loss.name, loss.value, loss.where);
  }
}

absl::Status ModelBuilder::LeaveBiasesUndecayed() {
  Graph graph;
  for (const Node& node : graph_.nodes()) {
    OpPtr op = node.op;
    const auto* parameter = dynamic_cast<const ParameterOp*>(op.get());
    const bool is_bias = parameter != nullptr && node.type.shape.size() == 1 &&
                         std::find(own_decay_.begin(), own_decay_.end(),
                                   node.name) == own_decay_.end();
    if (is_bias) {
      ParameterSpec spec = parameter->spec();
      spec.weight_decay_multiplier = 0;
      op = std::make_shared<ParameterOp>(std::move(spec));
    }
    absl::StatusOr<NodeId> id =
        graph.Add(std::move(op), node.inputs, node.name, node.where);
    if (!id.ok()) return id.status();
  }
  for (const kiln::Output& output : graph_.outputs())
    graph.AddOutput(output.kind, output.name, output.node);
  graph_ = std::move(graph);
  return absl::OkStatus();
}

absl::StatusOr<Model> ModelBuilder::Build() {
  if (!status_.ok()) return status_;
  if (absl::Status status = CheckOptions(); !status.ok()) return status;
  if (graph_.size() == 0)
    return absl::InvalidArgumentError("the model has no layers");
  if (losses_.empty()) {
    // Nothing wrong was written, so this points at where the model ends.
    const SourceLine& end = graph_.nodes().back().where;
    return absl::InvalidArgumentError(absl::StrCat(
        ErrorPrefix(end, "loss"), "the model has none; call Loss()"));
  }
  AddLossMetrics();
  if (defaults_.stop_at_accuracy > 0) CheckStopMetric(defaults_.stop_metric);
  if (defaults_.patience > 0 && defaults_.patience_metric != "loss")
    CheckStopMetric(defaults_.patience_metric);
  if (status_.ok() && !defaults_.decay_biases)
    status_.Update(LeaveBiasesUndecayed());
  if (!status_.ok()) return status_;
  Value total = losses_[0].value;
  std::vector<LossTerm> terms;
  std::vector<std::pair<double, Value>> weighted;
  for (const NamedLoss& loss : losses_) {
    terms.push_back({loss.name, loss.weight, loss.value.id});
    weighted.push_back({loss.weight, loss.value});
  }
  if (losses_.size() > 1 || losses_[0].weight != 1) {
    const SourceLine line = graph_.node(total.id).where;
    total = WeightedSum(weighted);
    if (!status_.ok())
      return absl::InvalidArgumentError(
          absl::StrCat(ErrorPrefix(line, "loss"), status_.message()));
  }
  graph_.AddOutput(OutputKind::kLoss, "loss", total.id);
  if (absl::Status status = Verify(graph_); !status.ok()) return status;
  return Model{graph_, defaults_, std::move(terms)};
}

}  // namespace kiln
