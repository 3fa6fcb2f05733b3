#include "tests/support/random_graph/outputs.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>

#include "dsl/ops/sum.h"
#include "tests/support/random_graph/joins.h"
#include "tests/support/random_graph/pointwise.h"
#include "tests/support/random_graph/shapes.h"

namespace kiln::random_graph {
namespace {

constexpr int64_t kMostTargets = 60;

double LossWeight(Draft& draft) {
  draft.Note("weighted loss");
  return static_cast<double>(draft.Between(25, 200)) / 100;
}

// The last layer has a trainable weight of its own: the loss always depends on
// a parameter, and no gradient vanishes because a softmax does not see what is
// added to all logits.
Value Logits(Draft& draft, int item, int64_t count) {
  const Value input = draft.Read(Vector(draft, item));
  return draft.model().Dense(draft.Name("logits"), input, {.out = count});
}

Value AddSoftmaxLoss(Draft& draft, int item) {
  ModelBuilder& m = draft.model();
  const int64_t classes = draft.Between(2, 6);
  const Value logits = Logits(draft, item, classes);
  const Value label = m.Labels(draft.Name("label"), classes);
  if (draft.Chance(60)) {
    m.Metric(draft.Name("metric"), m.Accuracy(logits, label));
    draft.Note("accuracy");
  }
  if (draft.Chance(50)) m.Output(draft.Name("head"), logits);
  if (draft.Chance(15)) {
    // Two losses of one label.
    draft.Note("label read twice");
    return m.WeightedSum(
        {{0.5, m.SoftmaxCrossEntropy(logits, label)},
         {0.75, m.SoftmaxCrossEntropy(Logits(draft, item, classes), label)}});
  }
  return m.SoftmaxCrossEntropy(logits, label);
}

Value AddSigmoidLoss(Draft& draft, int item) {
  ModelBuilder& m = draft.model();
  const Value logits = Logits(draft, item, draft.Between(1, 5));
  const Value target = m.Target(draft.Name("y"), draft.ShapeOf(logits));
  if (draft.Chance(60)) {
    m.Metric(draft.Name("metric"), m.BinaryAccuracy(logits, target, 0));
    draft.Note("binary accuracy");
  }
  draft.Note("sigmoid cross-entropy");
  return m.SigmoidCrossEntropy(logits, target);
}

Value AddRegression(Draft& draft, int item) {
  ModelBuilder& m = draft.model();
  if (!draft.trained(item) || draft.Elements(item) > kMostTargets ||
      draft.ShapeOf(item).empty()) {
    const int64_t out = draft.Between(1, 6);
    item = draft.Keep(Logits(draft, item, out), true, Sign::kMixed);
  }
  const Shape shape = draft.ShapeOf(item);
  const Value target = m.Target(draft.Name("y"), shape);
  if (draft.Chance(60)) {
    draft.Note("squared error");
    if (shape.size() == 3) draft.Note("picture as a target");
    return m.L2(draft.Read(item), target);
  }
  if (draft.Chance(30)) {
    draft.Note("huber loss");
    return m.Huber(draft.Read(item), target, std::abs(draft.Constant()));
  }
  draft.Note("user-written loss");
  // Not linear in the value, bounded below.
  const ScalarExpr error = Arg(0) - draft.Constant() * Arg(1);
  const Value terms =
      m.Pointwise("error", {draft.Read(item), target},
                  Log(1 + error * error) + 0.25 * error * Tanh(error));
  return m.Apply("total", std::make_shared<SumOp>(), {terms});
}

Value AddLoss(Draft& draft, int item) {
  switch (draft.Below(4)) {
    case 0:
      return AddSoftmaxLoss(draft, item);
    case 1:
      return AddSigmoidLoss(draft, item);
    default:
      return AddRegression(draft, item);
  }
}

}  // namespace

std::vector<Value> AddLosses(Draft& draft) {
  const int count = draft.Chance(50) ? 1 : 2 + draft.Below(2);
  std::vector<std::vector<int>> leaves(count);
  for (int item = 0; item < draft.item_count(); ++item) {
    if (draft.is_read(item)) continue;
    // What no trainable parameter influences may stay unread: dead code.
    if (!draft.trained(item) && draft.Chance(50)) continue;
    leaves[draft.Below(count)].push_back(item);
  }
  std::vector<Value> losses;
  for (std::vector<int>& group : leaves) {
    if (group.empty()) group.push_back(draft.Pick());
    losses.push_back(AddLoss(draft, JoinAll(draft, group)));
  }
  ModelBuilder& m = draft.model();
  if (count > 1) draft.Note("several losses");
  if (count > 1 && draft.Chance(30)) {
    std::vector<std::pair<double, Value>> terms;
    for (Value loss : losses) terms.push_back({LossWeight(draft), loss});
    m.Loss(m.WeightedSum(terms));
    draft.Note("weighted sum of losses");
    return {};
  }
  for (Value loss : losses) {
    m.Loss(loss, draft.Chance(40) ? 1 : LossWeight(draft));
  }
  return losses;
}

void AddHeadsAndMetrics(Draft& draft, const std::vector<Value>& losses) {
  ModelBuilder& m = draft.model();
  const int heads = 1 + draft.Below(3);
  for (int i = 0; i < heads; ++i) {
    const Value value = draft.value(draft.PickAny());
    m.Output(draft.Name("head"), value);
    draft.Note("head");
    if (draft.Chance(15)) {
      m.Output(draft.Name("head"), value);
      draft.Note("two heads of one value");
    }
  }
  if (heads > 1) draft.Note("several heads");
  if (draft.Chance(30)) {
    const int mean = Mean(draft, draft.PickAny());
    m.Metric(draft.Name("metric"), draft.value(mean));
    draft.Note("metric of a hidden value");
  }
  if (!losses.empty() && draft.Chance(15)) {
    m.Metric(draft.Name("metric"), losses[0]);
    draft.Note("loss as a metric");
  }
}

void AddDeadCode(Draft& draft) {
  for (int branches = draft.Below(3); branches > 0; --branches) {
    int item = draft.PickAny();
    for (int layers = draft.Below(2) + 1; layers > 0; --layers) {
      if (draft.Chance(40)) {
        const int vector = Vector(draft, item);
        const bool trained = draft.trained(vector);
        const Value value =
            draft.model().Dense(draft.Name("dense"), draft.value(vector),
                                {.out = draft.Between(1, 5), .frozen = true});
        item = draft.Keep(value, trained, Sign::kMixed);
      } else {
        item = draft.Chance(50) ? Activate(draft, item)
                                : ApplyAnyFormula(draft, item);
      }
    }
    if (draft.Chance(30)) {
      draft.model().Output(draft.Name("head"), draft.value(item));
      draft.Note("branch that only a head reads");
    } else {
      draft.Note("dead branch");
    }
  }
}

}  // namespace kiln::random_graph
