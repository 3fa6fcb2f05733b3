#include "tests/support/random_graph/joins.h"

#include <algorithm>
#include <cstdint>

#include "tests/support/random_graph/image_layers.h"
#include "tests/support/random_graph/pointwise.h"
#include "tests/support/random_graph/shapes.h"
#include "tests/support/random_graph/weighted_layers.h"

namespace kiln::random_graph {
namespace {

constexpr int64_t kMostDenseInputs = 90;
constexpr int64_t kMostDenseOutputs = 60;

// The item, or something made of it, that has this shape.
int WithShape(Draft& draft, int item, const Shape& shape) {
  const Shape from = draft.ShapeOf(item);
  if (from == shape) return item;
  if (shape.empty()) return Mean(draft, item);
  if (from.empty() && draft.Chance(60)) return Broadcast(draft, item, shape);
  const bool same_picture = from.size() == 3 && shape.size() == 3 &&
                            from[1] == shape[1] && from[2] == shape[2];
  if (same_picture) return AddPixelwiseConv2d(draft, item, shape[0]);
  const int64_t elements = ElementCount(shape);
  if (ElementCount(from) == elements) return Reshape(draft, item, shape);
  if (elements > kMostDenseOutputs) {
    return Broadcast(draft, Mean(draft, item), shape);
  }
  return Reshape(draft, AddDense(draft, Vector(draft, item), elements), shape);
}

// Behind each other: those that fit as they are, others as vectors.
int AddConcat(Draft& draft) {
  std::vector<int> items = {draft.Pick()};
  for (int more = draft.Chance(70) ? 1 : 2; more > 0; --more)
    items.push_back(draft.Pick());
  const Shape shape = draft.ShapeOf(items[0]);
  const bool fit = std::all_of(items.begin(), items.end(), [&](int item) {
    const Shape other = draft.ShapeOf(item);
    return !shape.empty() && other.size() == shape.size() &&
           std::equal(shape.begin() + 1, shape.end(), other.begin() + 1) &&
           other[0] <= kMostChannels;
  });
  std::vector<Value> values;
  bool trained = false, mixed = false, not_negative = true;
  for (int item : items) {
    if (!fit) item = Vector(draft, item);
    trained = trained || draft.trained(item);
    mixed = mixed || draft.sign(item) == Sign::kMixed;
    not_negative = not_negative && draft.sign(item) == Sign::kNotNegative;
    values.push_back(draft.Read(item));
  }
  return draft.Keep(draft.model().Concat(values), trained,
                    mixed          ? Sign::kMixed
                    : not_negative ? Sign::kNotNegative
                                   : Sign::kUnknown);
}

// REQUIRES: the items have the same shape.
int Join(Draft& draft, const std::vector<int>& items) {
  draft.Note("join");
  const Formula formula = AnyFormula(draft, static_cast<int>(items.size()));
  if (draft.Chance(25)) {
    // The same of the other order is another value.
    ApplyFormula(draft, formula, {items.rbegin(), items.rend()});
    draft.Note("join in both orders");
  }
  return ApplyFormula(draft, formula, items);
}

}  // namespace

void AddJoin(Draft& draft) {
  if (draft.Chance(30)) {
    AddConcat(draft);
    return;
  }
  std::vector<int> items = {draft.Pick()};
  const Shape shape = draft.ShapeOf(items[0]);
  for (int more = draft.Chance(80) ? 1 : 2; more > 0; --more) {
    items.push_back(WithShape(draft, draft.Pick(), shape));
  }
  Join(draft, items);
}

int JoinAll(Draft& draft, const std::vector<int>& items) {
  int result = items[0];
  for (size_t i = 1; i < items.size(); ++i) {
    const int other = WithShape(draft, items[i], draft.ShapeOf(result));
    result = Join(draft, {result, other});
  }
  return result;
}

int Vector(Draft& draft, int item) {
  while (draft.Elements(item) > kMostDenseInputs) {
    Shape shape = draft.ShapeOf(item);
    if (shape.size() == 2) shape.insert(shape.begin(), 1);
    if (shape.size() == 1) shape = {1, 1, shape[0]};
    item = Reshape(draft, item, shape);
    const Size2 size = {std::min<int64_t>(2, shape[1]),
                        std::min<int64_t>(2, shape[2])};
    const bool trained = draft.trained(item);
    const Sign sign = draft.sign(item);
    item = draft.Keep(draft.model().AvgPool(draft.Read(item), {.kernel = size}),
                      trained, sign);
  }
  return Reshape(draft, item, {draft.Elements(item)});
}

}  // namespace kiln::random_graph
