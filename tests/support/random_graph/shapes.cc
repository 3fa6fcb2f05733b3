#include "tests/support/random_graph/shapes.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "dsl/ops/reshape.h"
#include "dsl/ops/sum.h"

namespace kiln::random_graph {
namespace {

Shape AnyShapeOf(Draft& draft, int64_t elements) {
  auto divisor = [&](int64_t of) {
    std::vector<int64_t> divisors;
    for (int64_t d = 1; d <= std::min(of, kLongestSide); ++d) {
      if (of % d == 0) divisors.push_back(d);
    }
    return draft.OneOf(divisors);
  };
  const int64_t width = divisor(elements), height = divisor(elements / width);
  const int64_t rest = elements / width / height;
  switch (draft.Below(4)) {
    case 0:
      return {elements};
    case 1:
      return {elements / width, width};
    default:
      return rest <= 2 * kMostChannels ? Shape{rest, height, width}
                                       : Shape{elements};
  }
}

int Flatten(Draft& draft, int item) {
  auto apply = [&](Value input) { return draft.model().Flatten(input); };
  return draft.KeepTwice(item, apply, draft.sign(item));
}

}  // namespace

void ChangeShape(Draft& draft, int item) {
  const Shape shape = draft.ShapeOf(item);
  if (shape.empty()) {
    const Shape to = draft.Chance(50)
                         ? Shape{draft.Between(1, 12)}
                         : Shape{draft.Between(1, 3), draft.Between(2, 6),
                                 draft.Between(2, 6)};
    Broadcast(draft, item, to);
  } else if (draft.Chance(25)) {
    Mean(draft, item);
  } else if (shape.size() == 3 && draft.Chance(40)) {
    Flatten(draft, item);
  } else {
    Reshape(draft, item, AnyShapeOf(draft, ElementCount(shape)));
  }
}

int Reshape(Draft& draft, int item, const Shape& shape) {
  if (draft.ShapeOf(item) == shape) return item;
  auto apply = [&](Value input) {
    return draft.model().Apply("reshape", std::make_shared<ReshapeOp>(shape),
                               {input});
  };
  return draft.KeepTwice(item, apply, draft.sign(item));
}

int Broadcast(Draft& draft, int item, const Shape& shape) {
  auto apply = [&](Value input) {
    return draft.model().Apply("broadcast",
                               std::make_shared<BroadcastOp>(shape), {input});
  };
  return draft.KeepTwice(item, apply, draft.sign(item));
}

int Mean(Draft& draft, int item) {
  const int64_t elements = draft.Elements(item);
  auto apply = [&](Value input) {
    const Value sum =
        draft.model().Apply("sum", std::make_shared<SumOp>(), {input});
    if (elements < 3) return sum;
    return draft.model().Pointwise(
        "mean", {sum}, Arg(0) * (1.0 / static_cast<double>(elements)));
  };
  return draft.KeepTwice(item, apply, draft.sign(item));
}

}  // namespace kiln::random_graph
