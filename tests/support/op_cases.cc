#include "tests/support/op_cases.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dsl/activations.h"
#include "dsl/ops/avg_pool.h"
#include "dsl/ops/batch_norm.h"
#include "dsl/ops/channel_affine.h"
#include "dsl/ops/concat.h"
#include "dsl/ops/conv2d.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/expand.h"
#include "dsl/ops/max_pool.h"
#include "dsl/ops/pad.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/random.h"
#include "dsl/ops/reshape.h"
#include "dsl/ops/softmax_cross_entropy.h"
#include "dsl/ops/sum.h"
#include "tests/support/graph_testing.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

// Collects the cases of one op.
class Cases {
 public:
  explicit Cases(int64_t batch) : batch_(batch) {}

  // Finishes a graph whose value of interest is `value`.
  void Finish(const std::string& name, GraphMaker maker, NodeId value) {
    if (maker.graph().Loss() < 0) maker.ProjectToLoss(value, "covector");
    maker.Head("value", value);
    OpCase result{name, maker.graph(),
                  RandomValues(maker.graph(), batch_, cases_.size() + 1)};
    for (NodeId id = 0; id < result.graph.size(); ++id)
      Spread(result.graph.node(id), id, &result.values);
    cases_.push_back(std::move(result));
  }

  std::vector<OpCase> Take() { return std::move(cases_); }
  OpCase& last() { return cases_.back(); }

 private:
  // Trained values are x_n * w: distinct w in each sample, and x_n = 1, -1.25,
  // 1.5, ... keeps them away from 0 and apart.
  void Spread(const Node& node, NodeId id, GraphValues* values) const {
    std::vector<double>& tensor = values->tensors[node.name];
    const bool is_trained_x =
        node.op->name() == "input" && node.type.shape == Shape{1};
    if (is_trained_x) {
      for (size_t n = 0; n < tensor.size(); ++n) {
        tensor[n] =
            (n % 2 == 0 ? 1 : -1) * (1 + 0.25 * static_cast<double>(n % 7));
      }
    } else if (node.op->name() == "parameter") {
      const std::vector<double> spread =
          SpreadValues(static_cast<int64_t>(tensor.size()), id);
      for (size_t i = 0; i < tensor.size(); ++i)
        tensor[i] = static_cast<float>(spread[i]);
    } else if (node.name == "covector") {
      for (double& value : tensor) value = static_cast<float>(2 * value - 1);
    }
    if (tensor.empty()) values->tensors.erase(node.name);
  }

  int64_t batch_;
  std::vector<OpCase> cases_;
};

void Conv2dCases(Cases* cases) {
  struct Geometry {
    std::string name;
    Shape input;
    int64_t filters;
    Conv2dGeometry geometry;
    bool bias;
  };
  const std::vector<Geometry> geometries = {
      {"plain", {3, 6, 6}, 4, {.kernel = 3}, true},
      {"no_bias", {2, 5, 5}, 3, {.kernel = 2}, false},
      {"one_channel_one_filter", {1, 7, 7}, 1, {.kernel = 3}, true},
      {"odd_sizes", {3, 7, 5}, 5, {.kernel = {2, 3}}, true},
      {"stride_2", {2, 9, 9}, 3, {.kernel = 3, .stride = 2}, true},
      {"stride_2_with_a_rest", {2, 8, 10}, 3, {.kernel = 3, .stride = 2}, true},
      {"strides_differ",
       {2, 9, 8},
       3,
       {.kernel = {3, 2}, .stride = {3, 2}},
       true},
      {"stride_beyond_the_kernel",
       {1, 9, 9},
       2,
       {.kernel = 2, .stride = 3},
       true},
      {"padding_1", {2, 5, 6}, 3, {.kernel = 3, .padding = 1}, true},
      {"paddings_differ",
       {2, 4, 5},
       3,
       {.kernel = {3, 4}, .padding = {2, 1}},
       true},
      {"stride_and_padding",
       {3, 7, 7},
       4,
       {.kernel = 3, .stride = 2, .padding = 1},
       true},
      {"padding_beyond_the_kernel",
       {1, 3, 3},
       2,
       {.kernel = 2, .padding = 3},
       true},
      {"kernel_1", {4, 5, 5}, 6, {.kernel = 1}, true},
      {"kernel_of_the_whole_image", {2, 4, 3}, 3, {.kernel = {4, 3}}, true},
      {"one_pixel", {3, 1, 1}, 2, {.kernel = 1}, true},
      {"row", {2, 1, 9}, 3, {.kernel = {1, 4}}, true},
      {"column", {2, 9, 1}, 3, {.kernel = {4, 1}, .padding = {1, 0}}, true},
  };
  for (const Geometry& g : geometries) {
    GraphMaker maker;
    std::vector<NodeId> inputs = {maker.Trained("x", g.input)};
    inputs.push_back(maker.Parameter(
        "weight", {g.filters, g.input[0], g.geometry.kernel.height,
                   g.geometry.kernel.width}));
    if (g.bias) inputs.push_back(maker.Parameter("bias", {g.filters}));
    const NodeId value =
        maker.Add(std::make_shared<Conv2dOp>(g.geometry), inputs, "conv");
    cases->Finish(g.name, std::move(maker), value);
  }
}

void DenseCases(Cases* cases) {
  const int64_t sizes[][2] = {{1, 1},  {1, 5},   {5, 1},  {7, 3},
                              {16, 8}, {33, 17}, {24, 24}};
  for (const auto& [in, out] : sizes) {
    for (bool bias : {true, false}) {
      GraphMaker maker;
      std::vector<NodeId> inputs = {maker.Trained("x", {in}),
                                    maker.Parameter("weight", {out, in})};
      if (bias) inputs.push_back(maker.Parameter("bias", {out}));
      const NodeId value = maker.Add(std::make_shared<DenseOp>(), inputs, "fc");
      cases->Finish(absl::StrCat(in, "_to_", out, bias ? "" : "_no_bias"),
                    std::move(maker), value);
    }
  }
}

// The gradient of a bias.
void BatchSumCases(Cases* cases) {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{3, 5, 7}, Shape{17, 2, 3},
                             Shape{1, 9, 1}, Shape{8, 4, 4}}) {
    GraphMaker maker;
    const NodeId x = maker.Trained("x", shape),
                 weight = maker.Parameter("weight", {shape[0], shape[0], 1, 1});
    const NodeId bias = maker.Parameter("bias", {shape[0]});
    const NodeId y = maker.Add(std::make_shared<Conv2dOp>(Conv2dGeometry{}),
                               {x, weight, bias}, "conv");
    cases->Finish(absl::StrCat("image_", ShapeString(shape)), std::move(maker),
                  y);
  }
  for (int64_t size : {1, 5, 16, 33}) {
    GraphMaker maker;
    const NodeId x = maker.Trained("x", {2}),
                 weight = maker.Parameter("weight", {size, 2});
    const NodeId y =
        maker.Add(std::make_shared<DenseOp>(),
                  {x, weight, maker.Parameter("bias", {size})}, "fc");
    cases->Finish(absl::StrCat("vector_", size), std::move(maker), y);
  }
}

void ChannelAffineCases(Cases* cases) {
  const std::vector<std::pair<Shape, bool>> shapes = {
      {{1}, true},       {{5}, true},        {{33}, true},
      {{3, 4, 5}, true}, {{17, 2, 3}, true}, {{2, 9, 1}, false}};
  for (const auto& [shape, shift] : shapes) {
    GraphMaker maker;
    std::vector<NodeId> inputs = {maker.Trained("x", shape),
                                  maker.Parameter("weight", {shape[0]})};
    if (shift) inputs.push_back(maker.Parameter("shift", {shape[0]}));
    const NodeId value =
        maker.Add(std::make_shared<ChannelAffineOp>(), inputs, "affine");
    cases->Finish(
        absl::StrCat(ShapeString(shape), shift ? "" : "_without_shift"),
        std::move(maker), value);
  }
}

template <typename PoolOp>
void PoolCases(Cases* cases) {
  const std::vector<std::pair<Shape, PoolGeometry>> geometries = {
      {{2, 6, 6}, {2, 2, 0}},            // tiles exactly
      {{1, 7, 5}, {2, 2, 0}},            // a rest is dropped
      {{3, 8, 8}, {3, 1, 0}},            // windows overlap
      {{2, 7, 7}, {3, 2, 0}},            // windows overlap by one
      {{2, 6, 5}, {2, 2, 1}},            // padding
      {{2, 5, 5}, {3, 2, 1}},            // padding and overlap
      {{1, 6, 9}, {{2, 3}, {1, 3}, 0}},  // height and width differ
      {{1, 8, 6}, {{4, 2}, {3, 1}, {2, 1}}},
      {{2, 9, 9}, {2, 4, 0}},       // gaps between windows
      {{2, 4, 3}, {{4, 3}, 1, 0}},  // the whole image
      {{3, 4, 4}, {1, 1, 0}},       // the identity
      {{1, 1, 1}, {1, 1, 0}},
  };
  for (const auto& [shape, geometry] : geometries) {
    GraphMaker maker;
    const NodeId value = maker.Add(std::make_shared<PoolOp>(geometry),
                                   {maker.Trained("x", shape)}, "pool");
    cases->Finish(absl::StrCat("pool_", ShapeString(shape), "_k",
                               SizeString(geometry.kernel), "_s",
                               SizeString(geometry.stride), "_p",
                               SizeString(geometry.padding)),
                  std::move(maker), value);
  }
}

void PadCases(Cases* cases) {
  const std::vector<std::pair<Shape, Size2>> pads = {
      {{1, 3, 3}, 1}, {{2, 5, 4}, {2, 0}}, {{3, 1, 7}, {0, 3}}, {{2, 4, 4}, 0},
      {{4, 7, 7}, 1}, {{8, 3, 5}, {1, 2}}, {{1, 1, 1}, {1, 2}}};
  for (const auto& [shape, padding] : pads) {
    GraphMaker maker;
    const NodeId value = maker.Add(std::make_shared<PadOp>(padding),
                                   {maker.Trained("x", shape)}, "pad");
    cases->Finish(
        absl::StrCat("pad_", ShapeString(shape), "_by_", SizeString(padding)),
        std::move(maker), value);
    GraphMaker cropped;
    const Shape large = {shape[0], shape[1] + 2 * padding.height,
                         shape[2] + 2 * padding.width};
    const NodeId crop = cropped.Add(std::make_shared<CropOp>(padding),
                                    {cropped.Trained("x", large)}, "crop");
    cases->Finish(
        absl::StrCat("crop_", ShapeString(large), "_by_", SizeString(padding)),
        std::move(cropped), crop);
  }
}

void PointwiseCases(Cases* cases) {
  for (const Activation& activation : Activations()) {
    const std::vector<ScalarExpr> partials = activation.Partials();
    for (const Shape& shape : {Shape{9}, Shape{3, 4, 5}}) {
      GraphMaker maker;
      const NodeId x = maker.Trained("x", shape);
      const NodeId value =
          maker.Add(std::make_shared<PointwiseOp>(activation.name,
                                                  activation.value, partials),
                    {x}, "y");
      cases->Finish(absl::StrCat(activation.name, "_", ShapeString(shape)),
                    std::move(maker), value);
    }
  }
  const ScalarExpr a = Arg(0), b = Arg(1), c = Arg(2);
  const std::vector<std::pair<std::string, ScalarExpr>> symbolic = {
      {"sum", a + b - c},
      {"products", a * b * c - a * a},
      {"quotient", a / (2 + b * b)},
      {"exp_log", Exp(a) * Log(3 + b)},
      {"tanh_sigmoid", Tanh(a) * Sigmoid(b - c)},
      {"max_min", Max(a, 3.1 * b) - Min(b, 0.73 * c)},
      {"select", Select(Greater(a, 0), a * b, c)},
      {"leaky", Max(a, 0.4 * a)},
      {"square_root", b * Sqrt(0.7 + a * a)},
  };
  for (const auto& [name, value] : symbolic) {
    for (const Shape& shape : {Shape{2, 3, 3}, Shape{67}}) {
      GraphMaker maker;
      std::vector<NodeId> inputs;
      for (int i = 0; i < ArgCount(value); ++i)
        inputs.push_back(maker.Trained(absl::StrCat("x", i), shape));
      const NodeId y =
          maker.Add(std::make_shared<PointwiseOp>(name, value), inputs, "y");
      cases->Finish(absl::StrCat(name, "_", ShapeString(shape)),
                    std::move(maker), y);
    }
  }
}

// A value with several readers: its adjoint is the sum of theirs.
void FanOutCases(Cases* cases) {
  auto pointwise = [](const std::string& name, const ScalarExpr& e) {
    return std::make_shared<PointwiseOp>(name, e);
  };
  for (const Shape& shape : {Shape{5}, Shape{2, 3, 4}}) {
    for (int readers : {2, 3}) {
      GraphMaker maker;
      const NodeId x = maker.Trained("x", shape);
      std::vector<NodeId> terms = {
          maker.Add(pointwise("tanh", Tanh(Arg(0))), {x}),
          maker.Add(pointwise("square", Arg(0) * Arg(0)), {x})};
      if (readers == 3)
        terms.push_back(maker.Add(pointwise("triple", 3 * Arg(0)), {x}));
      const NodeId y =
          maker.Add(pointwise("join", readers == 3 ? Arg(0) + Arg(1) * Arg(2)
                                                   : Arg(0) - Arg(1)),
                    terms, "y");
      cases->Finish(absl::StrCat(readers, "_readers_of_", ShapeString(shape)),
                    std::move(maker), y);
    }
  }
}

// Of seed and step 1 and 0, as GraphValues has them.
void RandomCases(Cases* cases) {
  struct Layer {
    std::string name;
    Distribution distribution;
    ScalarExpr value;
  };
  const ScalarExpr x = Arg(0), random = Arg(1);
  const std::vector<Layer> layers = {
      {"dropout", Distribution::Keep(0.3), x * random},
      {"rrelu", Distribution::Uniform(0.125, 0.333),
       Select(Greater(x, 0), x, x * random)}};
  for (const Layer& layer : layers) {
    uint32_t ordinal = 0;
    for (const Shape& shape :
         {Shape{2, 3, 4}, Shape{33}, Shape{4, 5}, Shape{3, 1, 7}}) {
      GraphMaker maker;
      const NodeId trained = maker.Trained("x", shape);
      const NodeId numbers = maker.Add(
          std::make_shared<RandomOp>(shape, layer.distribution, ++ordinal), {},
          "numbers");
      const NodeId value =
          maker.Add(std::make_shared<PointwiseOp>(layer.name, layer.value),
                    {trained, numbers}, "y");
      cases->Finish(absl::StrCat(layer.name, "_", ShapeString(shape)),
                    std::move(maker), value);
    }
  }
}

void BatchNormCases(Cases* cases) {
  for (const Shape& shape :
       {Shape{3}, Shape{17}, Shape{1, 4, 3}, Shape{3, 4, 5}}) {
    for (bool affine : {true, false}) {
      if (!affine && shape != Shape{3} && shape != Shape{3, 4, 5}) continue;
      GraphMaker maker;
      // A large eps keeps differences smooth where few samples lie close
      // together. Proportional to the samples' factors alone, features
      // normalised would be the same numbers whatever is trained.
      const NodeId x = maker.Add(
          std::make_shared<PointwiseOp>("mix", Arg(0) + Tanh(2 * Arg(1))),
          {maker.Trained("x", shape), maker.Trained("z", shape)}, "mixed");
      const Shape channels = {shape[0]};
      const NodeId mean = maker.Add(
          std::make_shared<BatchMeanOp>(),
          {x, maker.Parameter("running_mean", channels, true)}, "mean");
      const NodeId variance = maker.Add(
          std::make_shared<BatchVarianceOp>(),
          {x, mean, maker.Parameter("running_var", channels, true)}, "var");
      std::vector<NodeId> inputs = {x, mean, variance};
      if (affine) {
        inputs.push_back(maker.Parameter("weight", channels));
        inputs.push_back(maker.Parameter("bias", channels));
      }
      const NodeId value =
          maker.Add(std::make_shared<BatchNormOp>(0.3), inputs, "normalised");
      const NodeId next = maker.Add(
          std::make_shared<UnbiasedVarianceOp>(ElementCount(shape) / shape[0]),
          {variance}, "unbiased");
      maker.State("running_var", next);
      cases->Finish(
          absl::StrCat(ShapeString(shape), affine ? "" : "_without_weight"),
          std::move(maker), value);
      // Running variances are positive.
      for (double& v : cases->last().values.tensors["running_var"])
        v = static_cast<float>(0.5 + v * v);
    }
  }
}

void ReshapeCases(Cases* cases) {
  const std::vector<std::pair<Shape, Shape>> shapes = {{{2, 3, 4}, {24}},
                                                       {{24}, {2, 3, 4}},
                                                       {{3, 5, 1}, {1, 3, 5}},
                                                       {{6}, {6}},
                                                       {{1, 1, 1}, {1}}};
  for (const auto& [from, to] : shapes) {
    GraphMaker maker;
    const NodeId value = maker.Add(std::make_shared<ReshapeOp>(to),
                                   {maker.Trained("x", from)}, "y");
    cases->Finish(absl::StrCat(ShapeString(from), "_to_", ShapeString(to)),
                  std::move(maker), value);
  }
}

void SumCases(Cases* cases) {
  for (const Shape& shape : {Shape{1}, Shape{7}, Shape{2, 3, 4}}) {
    GraphMaker maker;
    const NodeId sum = maker.Add(std::make_shared<SumOp>(),
                                 {maker.Trained("x", shape)}, "total");
    const NodeId square = maker.Add(
        std::make_shared<PointwiseOp>("square", Arg(0) * Arg(0) + Arg(0)),
        {sum});
    const NodeId wide =
        maker.Add(std::make_shared<BroadcastOp>(shape), {square}, "wide");
    cases->Finish(absl::StrCat("sum_", ShapeString(shape)), std::move(maker),
                  wide);
    cases->last().values.tensors["x"][0] +=
        0.75;  // spread values would sum to 0
  }
}

void SoftmaxCrossEntropyCases(Cases* cases) {
  for (int64_t classes : {1, 2, 3, 10, 17}) {
    GraphMaker maker;
    const NodeId logits = maker.Trained("logits", {classes}),
                 label = maker.Labels("label", classes);
    const NodeId loss = maker.Add(std::make_shared<SoftmaxCrossEntropyOp>(),
                                  {logits, label}, "loss");
    maker.Loss(loss);
    maker.Metric("accuracy",
                 maker.Add(std::make_shared<AccuracyOp>(), {logits, label}));
    cases->Finish(absl::StrCat("classes_", classes), std::move(maker), loss);
    if (classes == 1)
      cases->last().options.zero = {"logits"};  // one class is always right
  }
}

void ConcatCases(Cases* cases) {
  const std::vector<std::vector<Shape>> inputs = {
      {{3}, {5}},
      {{1}, {1}, {1}},
      {{17}, {4}, {2}, {9}},
      {{2, 3, 4}, {1, 3, 4}},
      {{1, 5, 2}, {3, 5, 2}, {2, 5, 2}},
      {{4, 1, 1}, {4, 1, 1}},
      {{2, 3}, {3, 3}},
      {{6}}};
  for (const std::vector<Shape>& shapes : inputs) {
    GraphMaker maker;
    std::vector<NodeId> parts;
    std::string name = "concat";
    for (const Shape& shape : shapes) {
      parts.push_back(maker.Trained(absl::StrCat("x", parts.size()), shape));
      absl::StrAppend(&name, "_", ShapeString(shape));
    }
    const NodeId value = maker.Add(std::make_shared<ConcatOp>(), parts, "y");
    cases->Finish(name, std::move(maker), value);
  }
  // The same value twice: its adjoint is the sum of two parts.
  GraphMaker maker;
  const NodeId x = maker.Trained("x", {2, 2, 3});
  cases->Finish("concat_with_itself", std::move(maker),
                maker.Add(std::make_shared<ConcatOp>(), {x, x}, "y"));
}

// Times a trained value, so that the slope's adjoint differs everywhere.
void ExpandCases(Cases* cases) {
  for (const Shape& shape :
       {Shape{}, Shape{1}, Shape{9}, Shape{3, 4, 5}, Shape{2, 1, 7}}) {
    GraphMaker maker;
    const NodeId slope = maker.Parameter("slope", {1});
    const NodeId wide =
        maker.Add(std::make_shared<ExpandOp>(shape), {slope}, "wide");
    const NodeId x = maker.Trained("x", shape);
    const NodeId value =
        maker.Add(std::make_shared<PointwiseOp>("times", Arg(0) * Arg(1)),
                  {wide, x}, "y");
    cases->Finish(absl::StrCat("expand_", ShapeString(shape)), std::move(maker),
                  value);
  }
}

using MakeCases = void (*)(Cases*);
const std::map<std::string, MakeCases>& Table() {
  static const auto& table = *new std::map<std::string, MakeCases>{
      {"avg_pool", PoolCases<AvgPoolOp>},
      {"batch_norm", BatchNormCases},
      {"batch_sum", BatchSumCases},
      {"channel_affine", ChannelAffineCases},
      {"concat", ConcatCases},
      {"conv2d", Conv2dCases},
      {"dense", DenseCases},
      {"expand", ExpandCases},
      {"fan_out", FanOutCases},
      {"max_pool", PoolCases<MaxPoolOp>},
      {"pad", PadCases},
      {"pointwise", PointwiseCases},
      {"random", RandomCases},
      {"reshape", ReshapeCases},
      {"softmax_cross_entropy", SoftmaxCrossEntropyCases},
      {"sum", SumCases},
  };
  return table;
}

}  // namespace

std::vector<OpCase> OpCases(const std::string& op, int64_t batch) {
  // Statistics are of batches that fit one block, and of one value all zero.
  Cases cases(op == "batch_norm" ? std::clamp<int64_t>(batch, 2, 7) : batch);
  Table().at(op)(&cases);
  return cases.Take();
}

std::vector<std::string> OpCaseNames() {
  std::vector<std::string> names;
  for (const auto& [name, make] : Table()) names.push_back(name);
  return names;
}

}  // namespace kiln
