#include "tests/support/random_graph/image_layers.h"

#include <algorithm>
#include <memory>

#include "dsl/ops/avg_pool.h"
#include "dsl/ops/conv2d.h"
#include "dsl/ops/max_pool.h"
#include "dsl/ops/pad.h"
#include "tests/support/random_graph/shapes.h"
#include "tests/support/random_graph/weighted_layers.h"

namespace kiln::random_graph {
namespace {

// Of one dimension.
struct Window {
  int64_t kernel, stride, padding;
};

// Whether the window fits an extent and leaves images small.
bool Fits(int64_t extent, const Window& w) {
  const int64_t output = WindowOutput(extent, w.kernel, w.stride, w.padding);
  return w.kernel <= extent + 2 * w.padding && output >= 1 &&
         output <= std::max(extent, kLongestSide);
}

Window AnyWindow(Draft& draft, int64_t extent, bool pool) {
  for (;;) {
    const Window w = {draft.Between(1, 4),
                      draft.Chance(60) ? 1 : draft.Between(1, 3),
                      draft.Chance(50) ? 0 : draft.Between(0, 2)};
    if (pool && 2 * w.padding > w.kernel) continue;
    if (Fits(extent, w)) return w;
  }
}

int AddConv2d(Draft& draft, int item, int64_t channels, const Window& y,
              const Window& x) {
  const Conv2dGeometry geometry = {
      {y.kernel, x.kernel}, {y.stride, x.stride}, {y.padding, x.padding}};
  if (draft.Chance(40)) {
    const bool frozen = AnyFrozen(draft);
    const bool trained = draft.trained(item) || !frozen;
    const Value value =
        draft.model().Conv2d(draft.Name("conv"), draft.Read(item),
                             {.out_channels = channels,
                              .kernel = geometry.kernel,
                              .stride = geometry.stride,
                              .padding = geometry.padding,
                              .bias = draft.Chance(75),
                              .frozen = frozen});
    const int conv = draft.Keep(value, trained, Sign::kMixed);
    // Where nothing else reads the convolution, inference folds it in.
    return draft.Chance(20) ? AddChannelAffine(draft, conv) : conv;
  }
  return AddWeighted(draft, item, std::make_shared<Conv2dOp>(geometry), "conv",
                     {channels, draft.ShapeOf(item)[0], y.kernel, x.kernel});
}

int AddAnyConv2d(Draft& draft, int item) {
  const Shape shape = draft.ShapeOf(item);
  const Window y = AnyWindow(draft, shape[1], false);
  const Window x = AnyWindow(draft, shape[2], false);
  // Sometimes with the kernel of a weight that is already there.
  for (const Tensor& tensor : draft.tensors()) {
    const Shape weight = draft.ShapeOf(tensor.value);
    if (weight.size() != 4 || weight[1] != shape[0] || draft.Chance(30)) {
      continue;
    }
    const Window weight_y = {weight[2], y.stride, y.padding};
    const Window weight_x = {weight[3], x.stride, x.padding};
    if (Fits(shape[1], weight_y) && Fits(shape[2], weight_x)) {
      return AddConv2d(draft, item, weight[0], weight_y, weight_x);
    }
  }
  return AddConv2d(draft, item, draft.Between(1, kMostChannels), y, x);
}

int AddPool(Draft& draft, int item, bool max) {
  const Shape shape = draft.ShapeOf(item);
  const Window y = AnyWindow(draft, shape[1], true);
  const Window x = AnyWindow(draft, shape[2], true);
  const PoolOptions options = {.kernel = {y.kernel, x.kernel},
                               .stride = Size2{y.stride, x.stride},
                               .padding = {y.padding, x.padding}};
  auto apply = [&](Value input) {
    return max ? draft.model().MaxPool(input, options)
               : draft.model().AvgPool(input, options);
  };
  return draft.KeepTwice(item, apply, draft.sign(item));
}

int AddCrop(Draft& draft, int item) {
  const Shape shape = draft.ShapeOf(item);
  auto any_border = [&](int64_t extent) {
    return draft.Between(0, std::min<int64_t>(2, (extent - 1) / 2));
  };
  const Size2 border = {any_border(shape[1]), any_border(shape[2])};
  auto apply = [&](Value input) {
    return draft.model().Apply("crop", std::make_shared<CropOp>(border),
                               {input});
  };
  return draft.KeepTwice(item, apply, draft.sign(item));
}

int AddPad(Draft& draft, int item) {
  const Shape shape = draft.ShapeOf(item);
  const Size2 padding = {draft.Between(0, 2), draft.Between(0, 2)};
  if (shape[1] + 2 * padding.height > kLongestSide ||
      shape[2] + 2 * padding.width > kLongestSide) {
    return AddCrop(draft, item);
  }
  auto apply = [&](Value input) { return draft.model().Pad(input, padding); };
  return draft.KeepTwice(item, apply, draft.sign(item));
}

}  // namespace

void AddImageLayer(Draft& draft, int item) {
  switch (draft.Below(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      item = AddAnyConv2d(draft, item);
      // Pooling the image of an input has no gradient.
      if (draft.Chance(40)) AddPool(draft, item, draft.Chance(60));
      return;
    case 5:
    case 6:
      AddPool(draft, item, true);
      return;
    case 7:
    case 8:
      AddPool(draft, item, false);
      return;
    case 9:
      AddPad(draft, item);
      return;
    case 10:
      AddCrop(draft, item);
      return;
    default:
      ChangeShape(draft, item);
  }
}

int AddPixelwiseConv2d(Draft& draft, int item, int64_t channels) {
  return AddConv2d(draft, item, channels, {1, 1, 0}, {1, 1, 0});
}

}  // namespace kiln::random_graph
