#include "tests/support/random_graph.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dsl/ops/avg_pool.h"
#include "dsl/ops/conv2d.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/max_pool.h"
#include "dsl/ops/pad.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/reshape.h"
#include "dsl/ops/sum.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

constexpr int64_t kLongestSide = 11;
constexpr int64_t kMostChannels = 4;
constexpr int64_t kMostDenseInputs = 90;
constexpr int64_t kMostOperations = 24;

// What is known of a value's sign: a ReLU of something negative is dead
// whatever the parameters are.
enum class Sign { kMixed, kNotNegative, kUnknown };

// A per-sample float value of the model.
struct Item {
  Value value;
  bool trained = false;  // a trainable parameter influences it
  Sign sign = Sign::kUnknown;
  int readers = 0;
};

// A tensor of weights: a parameter, or a pointwise op of parameters.
struct Tensor {
  Value value;
  bool trained = false;
};

// A user-written pointwise op.
struct Formula {
  ScalarExpr value = 0;
  std::vector<ScalarExpr> partials;
};

class Generator {
 public:
  Generator(uint64_t seed, const RandomGraphOptions& options)
      : random_(seed), options_(options) {}

  absl::StatusOr<RandomGraph> Run() {
    for (int64_t inputs = 1 + Below(3); inputs > 0; --inputs) AddInput();
    const int layers = options_.least_layers +
                       Below(options_.most_layers - options_.least_layers + 1);
    for (int i = 0; i < layers; ++i) AddLayer();
    AddLosses();
    AddOutputs();
    AddDeadCode();
    absl::StatusOr<Model> model = m_.Build();
    if (!model.ok()) return model.status();
    return RandomGraph{*std::move(model), std::move(features_)};
  }

 private:
  int Below(int64_t count) { return static_cast<int>(random_.Integer(count)); }
  bool Chance(int percent) { return Below(100) < percent; }
  int64_t Between(int64_t least, int64_t most) {
    return least + random_.Integer(most - least + 1);
  }
  // A constant with two decimals, of either sign, away from 0.
  double Constant() {
    return random_.Sign() * static_cast<double>(Between(20, 120)) / 100;
  }
  void Note(const std::string& feature) { features_.insert(feature); }
  std::string Name(absl::string_view kind) {
    return absl::StrCat(kind, "_", ++names_);
  }
  const Shape ShapeOf(Value value) const { return m_.TypeOf(value).shape; }
  int64_t Elements(Value value) const { return ElementCount(ShapeOf(value)); }

  // --- values

  int Keep(Value value, bool trained, Sign sign) {
    items_.push_back({value, trained, sign});
    return static_cast<int>(items_.size()) - 1;
  }

  Value Read(int item) {
    ++items_[item].readers;
    return items_[item].value;
  }

  // Mostly what nothing reads yet, so that models are deep; else anything, so
  // that they branch.
  int Pick() {
    std::vector<int> unread;
    for (size_t i = 0; i < items_.size(); ++i) {
      if (items_[i].readers == 0) unread.push_back(static_cast<int>(i));
    }
    if (!unread.empty() && Chance(65)) {
      return unread[Below(static_cast<int64_t>(unread.size()))];
    }
    return Below(static_cast<int64_t>(items_.size()));
  }

  void AddInput() {
    InputFormat format;
    if (Chance(35)) {
      const double scales[] = {1.0 / 255, 1.0 / 128, 0.005};
      format = {Storage::kUint8, scales[Below(3)]};
      Note("uint8 input");
    } else if (Chance(25)) {
      format.scale = Constant();
    }
    Shape shape;
    switch (Below(8)) {
      case 0:
      case 1:
        shape = {Between(1, 20)};
        break;
      case 2:
        shape = {Between(1, 6), Between(1, 6)};
        Note("two-dimensional input");
        break;
      default:
        shape = {Between(1, 3), Between(3, 9), Between(3, 9)};
    }
    const bool nonnegative = format.storage == Storage::kUint8;
    Keep(m_.Input(Name("x"), shape, format), false,
         nonnegative ? Sign::kNotNegative : Sign::kMixed);
  }

  // --- user-written formulas

  // A bounded-growth term of arguments 0..arity-1.
  ScalarExpr Term(int arity, int depth) {
    if (depth == 0 || Chance(20)) return Arg(Below(arity));
    // In statements of their own: the order of a call's arguments is the
    // compiler's.
    const ScalarExpr a = Term(arity, depth - 1);
    const ScalarExpr b = Term(arity, depth - 1);
    const double c = Constant();
    switch (Below(14)) {
      case 0:
        return a * c;
      case 1:
        return a + c;
      case 2:
        return a + b;
      case 3:
        return a - c * b;
      case 4:
        return Tanh(a) * b;
      case 5:
        return a / (1.5 + b * b);
      case 6:
        return Max(a, c * b);
      case 7:
        return Min(a, c);
      case 8:
        return Exp(c * Tanh(a));
      case 9:
        return Log(1.2 + a * a);
      case 10:
        return Tanh(a);
      case 11:
        return Sigmoid(a);
      case 12:
        return Select(Greater(a, c), b, c * a);
      default:
        return -a;
    }
  }

  // Reads every argument, each also linearly: it influences the value whatever
  // the branches of the formula are. The factors are positive and differ from
  // the terms' own, so that arguments that share a parameter do not cancel.
  ScalarExpr Expression(int arity) {
    for (;;) {
      // No larger than the arguments, mostly: what grows saturates in the end.
      ScalarExpr e = 0.5 * Term(arity, 2);
      for (int i = 0; i < arity; ++i)
        e = e + (0.5 * std::abs(Constant()) + 0.013 * (i + 1)) * Arg(i);
      bool reads_all = OperationCount(e) <= kMostOperations;
      for (int i = 0; i < arity; ++i) {
        reads_all = reads_all && !Derivative(e, i).IsConstant(0);
      }
      if (reads_all) return e;
    }
  }

  Formula AnyFormula(int arity) {
    const ScalarExpr e = Expression(arity);
    auto with_factor = [&](const ScalarExpr& value, const ScalarExpr& factor) {
      Formula formula{value, {}};
      for (int i = 0; i < arity; ++i) {
        formula.partials.push_back(Derivative(e, i) * factor);
      }
      Note("partials by the output");
      return formula;
    };
    const ScalarExpr y = Arg(arity);
    switch (Below(10)) {
      case 0:
      case 1:
        return with_factor(Tanh(e), 1 - y * y);
      case 2:
        return with_factor(Sigmoid(e), y * (1 - y));
      case 3: {
        // e^t, t bounded: the derivative is y t'.
        const ScalarExpr t = Tanh(e);
        Formula formula{Exp(t), {}};
        for (int i = 0; i < arity; ++i) {
          formula.partials.push_back(y * Derivative(t, i));
        }
        Note("partials by the output");
        return formula;
      }
      case 4: {
        Formula formula{e, {}};
        for (int i = 0; i < arity; ++i) {
          formula.partials.push_back(Derivative(e, i));
        }
        Note("partials by the inputs");
        return formula;
      }
      default:
        Note("symbolic partials");
        return {e, {}};
    }
  }

  // --- weights

  // A formula of one or two tensors of weights, about as large as they are and
  // of both signs. Each influences it whichever is larger.
  Formula WeightFormula(int arity) {
    const ScalarExpr a = Arg(0), b = Arg(arity - 1), y = Arg(arity);
    const double c = Constant();
    auto symbolic = [](const ScalarExpr& value) { return Formula{value, {}}; };
    if (arity == 1) {
      switch (Below(5)) {
        case 0:
          return {Tanh(c * a), {c * (1 - y * y)}};
        case 1:
          return symbolic(c * a);
        case 2:
          return symbolic(Max(a, c * a));
        case 3:
          return symbolic(a / (1.5 + a * a));
        default:
          return {a * Sigmoid(a), {Sigmoid(a) * (1 + a - y)}};
      }
    }
    switch (Below(5)) {
      case 0:
        return symbolic(a + c * Tanh(b));
      case 1:
        return {a * Exp(b), {Exp(b), y}};
      case 2:
        return symbolic(Select(Greater(a, b), a, std::abs(c) * b) +
                        0.5 * (a + b));
      case 3:
        return symbolic(Min(a, std::abs(c) * b) + 0.5 * (a + b));
      default:
        return symbolic(a * (1 + c * b));
    }
  }

  Tensor Weight(const Shape& shape, const char* role) {
    std::vector<Tensor> same_shape;
    for (const Tensor& tensor : tensors_) {
      if (ShapeOf(tensor.value) == shape) same_shape.push_back(tensor);
    }
    if (!same_shape.empty() && Chance(70)) {
      Note("shared weight");
      return same_shape[Below(static_cast<int64_t>(same_shape.size()))];
    }
    Tensor tensor = NewParameter(shape, role);
    tensors_.push_back(tensor);
    if (Chance(70)) return tensor;
    // What the layer reads is made of one or two parameters.
    std::vector<Value> parts = {tensor.value};
    if (Chance(40)) {
      const Tensor other = NewParameter(shape, role);
      parts.push_back(other.value);
      tensor.trained = tensor.trained || other.trained;
      Note("weight of two parameters");
    }
    const Formula formula = WeightFormula(static_cast<int>(parts.size()));
    tensor.value =
        m_.Pointwise("of_weight", parts, formula.value, formula.partials);
    Note("activation of a parameter");
    tensors_.push_back(tensor);
    return tensor;
  }

  Tensor NewParameter(const Shape& shape, const char* role) {
    const bool frozen = Chance(12);
    if (frozen) Note("frozen parameter");
    return {m_.Parameter(Name(role), {shape, Initializer::Uniform(-1, 1),
                                      frozen, Chance(20) ? 0.5 : 1}),
            !frozen};
  }

  // --- layers

  void AddLayer() {
    if (Chance(15)) return AddJoin();
    if (Chance(12)) return AddTwin();
    AddLayerOn(Pick());
  }

  void AddLayerOn(int item) {
    const Shape shape = ShapeOf(items_[item].value);
    if (Chance(22)) {
      Activate(item);
    } else if (Chance(12)) {
      ApplyFormula(item);
    } else if (shape.size() == 3) {
      AddImageLayer(item);
    } else if (shape.size() == 1 && Chance(70)) {
      AddAnyDense(item);
    } else {
      ChangeShape(item);
    }
  }

  void AddImageLayer(int item) {
    switch (Below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        item = AddConv2d(item);
        // Pooling the image of an input has no gradient.
        if (Chance(40)) AddPool(item, Chance(60));
        return;
      case 5:
      case 6:
        AddPool(item, true);
        return;
      case 7:
      case 8:
        AddPool(item, false);
        return;
      case 9:
        AddPad(item);
        return;
      case 10:
        AddCrop(item);
        return;
      default:
        ChangeShape(item);
    }
  }

  int Activate(int item) {
    const std::vector<Activation>& table = Activations();
    for (;;) {
      const Activation& activation =
          table[Below(static_cast<int64_t>(table.size()))];
      if (activation.name == "relu" && items_[item].sign == Sign::kUnknown) {
        continue;
      }
      Note("activation " + activation.name);
      Sign sign = items_[item].sign;
      if (activation.name == "relu" || activation.name == "sigmoid") {
        sign = Sign::kNotNegative;
      }
      auto apply = [&] {
        return m_.Activate(activation.name, items_[item].value);
      };
      return KeepTwice(item, apply, sign);
    }
  }

  int ApplyFormula(const Formula& formula, const std::vector<int>& items) {
    bool trained = false;
    std::vector<Value> values;
    for (int item : items) {
      trained = trained || items_[item].trained;
      values.push_back(Read(item));
    }
    return Keep(
        m_.Pointwise("formula", values, formula.value, formula.partials),
        trained, Sign::kUnknown);
  }

  int ApplyFormula(int item) { return ApplyFormula(AnyFormula(1), {item}); }

  // A layer without parameters on one item; sometimes twice, as two values
  // that are the same.
  template <typename Apply>
  int KeepTwice(int item, Apply apply, Sign sign) {
    const bool trained = items_[item].trained;
    const bool twice = Chance(6);
    Read(item);
    const int first = Keep(apply(), trained, sign);
    if (twice) {
      Read(item);
      twins_.push_back({first, Keep(apply(), trained, sign)});
      Note("twin");
    }
    return first;
  }

  // Two values that are the same, and the same layer on both.
  void AddTwin() {
    if (twins_.empty()) return AddLayerOn(Pick());
    const auto [a, b] = twins_[Below(static_cast<int64_t>(twins_.size()))];
    const Formula formula = AnyFormula(1);
    const std::pair<int, int> result = {ApplyFormula(formula, {a}),
                                        ApplyFormula(formula, {b})};
    twins_.push_back(result);
    Note("twin of twins");
  }

  // Whether a window of this size, stride and padding fits an extent and leaves
  // images small.
  static bool Fits(int64_t extent, int64_t kernel, int64_t stride,
                   int64_t padding) {
    const int64_t output = WindowOutput(extent, kernel, stride, padding);
    return kernel <= extent + 2 * padding && output >= 1 &&
           output <= std::max(extent, kLongestSide);
  }

  // kernel, stride, padding of one dimension.
  struct Window {
    int64_t kernel, stride, padding;
  };
  Window AnyWindow(int64_t extent, bool pool) {
    for (;;) {
      const Window w = {Between(1, 4), Chance(60) ? 1 : Between(1, 3),
                        Chance(50) ? 0 : Between(0, 2)};
      if (pool && 2 * w.padding > w.kernel) continue;
      if (Fits(extent, w.kernel, w.stride, w.padding)) return w;
    }
  }

  int AddConv2d(int item) {
    const Shape shape = ShapeOf(items_[item].value);
    const Window y = AnyWindow(shape[1], false), x = AnyWindow(shape[2], false);
    // Sometimes with the kernel of a weight that is already there.
    for (const Tensor& tensor : tensors_) {
      const Shape weight = ShapeOf(tensor.value);
      if (weight.size() != 4 || weight[1] != shape[0] || Chance(30)) continue;
      if (!Fits(shape[1], weight[2], y.stride, y.padding) ||
          !Fits(shape[2], weight[3], x.stride, x.padding)) {
        continue;
      }
      return AddConv2d(item, weight[0], {weight[2], y.stride, y.padding},
                       {weight[3], x.stride, x.padding});
    }
    return AddConv2d(item, Between(1, kMostChannels), y, x);
  }

  int AddConv2d(int item, int64_t channels, const Window& y, const Window& x) {
    const Shape shape = ShapeOf(items_[item].value);
    const Conv2dGeometry geometry = {
        {y.kernel, x.kernel}, {y.stride, x.stride}, {y.padding, x.padding}};
    if (Chance(40)) {
      const bool frozen = Chance(12);
      if (frozen) Note("frozen parameter");
      const bool trained = items_[item].trained || !frozen;
      return Keep(m_.Conv2d(Name("conv"), Read(item),
                            {.out_channels = channels,
                             .kernel = geometry.kernel,
                             .stride = geometry.stride,
                             .padding = geometry.padding,
                             .bias = Chance(75),
                             .frozen = frozen}),
                  trained, Sign::kMixed);
    }
    return AddWeighted(item, std::make_shared<Conv2dOp>(geometry), "conv",
                       {channels, shape[0], y.kernel, x.kernel});
  }

  // A dense layer of this many outputs, or of as many as a weight has that is
  // already there.
  int AddAnyDense(int item) {
    const int64_t in = Elements(items_[item].value);
    std::vector<int64_t> outs = {Between(1, 20)};
    for (const Tensor& tensor : tensors_) {
      const Shape shape = ShapeOf(tensor.value);
      if (shape.size() == 2 && shape[1] == in) outs.push_back(shape[0]);
    }
    return AddDense(item, outs[Below(static_cast<int64_t>(outs.size()))]);
  }

  int AddDense(int item, int64_t out) {
    const int64_t in = Elements(items_[item].value);
    if (Chance(40)) {
      const bool frozen = Chance(12);
      if (frozen) Note("frozen parameter");
      const bool trained = items_[item].trained || !frozen;
      return Keep(m_.Dense(Name("dense"), Read(item),
                           {.out = out, .bias = Chance(75), .frozen = frozen}),
                  trained, Sign::kMixed);
    }
    return AddWeighted(item, std::make_shared<DenseOp>(), "dense", {out, in});
  }

  // A layer whose weights may be shared or computed; sometimes twice.
  int AddWeighted(int item, OpPtr op, const char* kind, const Shape& shape) {
    const Tensor weight = Weight(shape, "weight");
    bool trained = items_[item].trained || weight.trained;
    std::vector<Value> inputs = {items_[item].value, weight.value};
    if (Chance(60)) {
      const Tensor bias = Weight({shape[0]}, "bias");
      trained = trained || bias.trained;
      inputs.push_back(bias.value);
    }
    Read(item);
    const int first = Keep(m_.Apply(kind, op, inputs), trained, Sign::kMixed);
    if (Chance(6)) {
      Read(item);
      twins_.push_back(
          {first, Keep(m_.Apply(kind, op, inputs), trained, Sign::kMixed)});
      Note("twin");
    }
    return first;
  }

  int AddPool(int item, bool max) {
    const Shape shape = ShapeOf(items_[item].value);
    const Window y = AnyWindow(shape[1], true), x = AnyWindow(shape[2], true);
    const PoolOptions options = {.kernel = {y.kernel, x.kernel},
                                 .stride = Size2{y.stride, x.stride},
                                 .padding = {y.padding, x.padding}};
    auto apply = [&] {
      const Value input = items_[item].value;
      return max ? m_.MaxPool(input, options) : m_.AvgPool(input, options);
    };
    return KeepTwice(item, apply, items_[item].sign);
  }

  void AddPad(int item) {
    const Shape shape = ShapeOf(items_[item].value);
    const Size2 padding = {Between(0, 2), Between(0, 2)};
    if (shape[1] + 2 * padding.height > kLongestSide ||
        shape[2] + 2 * padding.width > kLongestSide) {
      return AddCrop(item);
    }
    KeepTwice(
        item, [&] { return m_.Pad(items_[item].value, padding); },
        items_[item].sign);
  }

  void AddCrop(int item) {
    const Shape shape = ShapeOf(items_[item].value);
    const Size2 border = {Between(0, std::min<int64_t>(2, (shape[1] - 1) / 2)),
                          Between(0, std::min<int64_t>(2, (shape[2] - 1) / 2))};
    auto apply = [&] {
      return m_.Apply("crop", std::make_shared<CropOp>(border),
                      {items_[item].value});
    };
    KeepTwice(item, apply, items_[item].sign);
  }

  // Another shape of as many elements, a sum, or a broadcast.
  void ChangeShape(int item) {
    const Shape shape = ShapeOf(items_[item].value);
    const int64_t elements = ElementCount(shape);
    if (shape.empty()) {
      const Shape to = Chance(50)
                           ? Shape{Between(1, 12)}
                           : Shape{Between(1, 3), Between(2, 6), Between(2, 6)};
      Broadcast(item, to);
    } else if (Chance(25)) {
      Mean(item);
    } else if (shape.size() == 3 && Chance(40)) {
      Flatten(item);
    } else {
      Reshape(item, AnyShapeOf(elements));
    }
  }

  Shape AnyShapeOf(int64_t elements) {
    auto divisor = [&](int64_t of) {
      std::vector<int64_t> divisors;
      for (int64_t d = 1; d <= std::min(of, kLongestSide); ++d) {
        if (of % d == 0) divisors.push_back(d);
      }
      return divisors[Below(static_cast<int64_t>(divisors.size()))];
    };
    const int64_t width = divisor(elements), height = divisor(elements / width);
    const int64_t rest = elements / width / height;
    switch (Below(4)) {
      case 0:
        return {elements};
      case 1:
        return {elements / width, width};
      default:
        return rest <= 2 * kMostChannels ? Shape{rest, height, width}
                                         : Shape{elements};
    }
  }

  int Flatten(int item) {
    return KeepTwice(
        item, [&] { return m_.Flatten(items_[item].value); },
        items_[item].sign);
  }

  int Reshape(int item, const Shape& shape) {
    if (ShapeOf(items_[item].value) == shape) return item;
    auto apply = [&] {
      return m_.Apply("reshape", std::make_shared<ReshapeOp>(shape),
                      {items_[item].value});
    };
    return KeepTwice(item, apply, items_[item].sign);
  }

  int Broadcast(int item, const Shape& shape) {
    auto apply = [&] {
      return m_.Apply("broadcast", std::make_shared<BroadcastOp>(shape),
                      {items_[item].value});
    };
    return KeepTwice(item, apply, items_[item].sign);
  }

  // The sum of a few elements, the mean of many: a large sum would saturate
  // what reads it.
  int Mean(int item) {
    const int64_t elements = Elements(items_[item].value);
    auto apply = [&] {
      const Value sum =
          m_.Apply("sum", std::make_shared<SumOp>(), {items_[item].value});
      if (elements < 3) return sum;
      return m_.Pointwise("mean", {sum},
                          Arg(0) * (1.0 / static_cast<double>(elements)));
    };
    return KeepTwice(item, apply, items_[item].sign);
  }

  // --- joins

  void AddJoin() {
    const int a = Pick();
    std::vector<int> items = {a};
    for (int64_t more = Chance(80) ? 1 : 2; more > 0; --more) {
      items.push_back(WithShape(Pick(), ShapeOf(items_[a].value)));
    }
    Join(items);
  }

  int Join(const std::vector<int>& items) {
    Note("join");
    const Formula formula = AnyFormula(static_cast<int>(items.size()));
    if (Chance(25)) {
      // The same of the other order is another value.
      ApplyFormula(formula, {items.rbegin(), items.rend()});
      Note("join in both orders");
    }
    return ApplyFormula(formula, items);
  }

  // The item, or something made of it, that has this shape.
  int WithShape(int item, const Shape& shape) {
    const Shape from = ShapeOf(items_[item].value);
    if (from == shape) return item;
    if (shape.empty()) return Mean(item);
    if (from.empty() && Chance(60)) return Broadcast(item, shape);
    const bool same_picture = from.size() == 3 && shape.size() == 3 &&
                              from[1] == shape[1] && from[2] == shape[2];
    if (same_picture) return AddConv2d(item, shape[0], {1, 1, 0}, {1, 1, 0});
    if (ElementCount(from) == ElementCount(shape)) return Reshape(item, shape);
    if (ElementCount(shape) > 60) return Broadcast(Mean(item), shape);
    return Reshape(AddDense(Vector(item), ElementCount(shape)), shape);
  }

  // The item as a vector that is short enough for a dense layer.
  int Vector(int item) {
    while (Elements(items_[item].value) > kMostDenseInputs) {
      Shape shape = ShapeOf(items_[item].value);
      if (shape.size() == 2) shape.insert(shape.begin(), 1);
      if (shape.size() == 1) shape = {1, 1, shape[0]};
      item = Reshape(item, shape);
      const Size2 size = {std::min<int64_t>(2, shape[1]),
                          std::min<int64_t>(2, shape[2])};
      const Value value = Read(item);
      const bool trained = items_[item].trained;
      const Sign sign = items_[item].sign;
      item = Keep(m_.AvgPool(value, {.kernel = size}), trained, sign);
    }
    return Reshape(item, {Elements(items_[item].value)});
  }

  // --- losses, metrics, heads

  void AddLosses() {
    const int count = Chance(50) ? 1 : 2 + Below(2);
    std::vector<std::vector<int>> leaves(count);
    for (size_t i = 0; i < items_.size(); ++i) {
      // What no trainable parameter influences may stay unread: dead code.
      if (items_[i].readers > 0 || (!items_[i].trained && Chance(50))) continue;
      leaves[Below(count)].push_back(static_cast<int>(i));
    }
    std::vector<Value> losses;
    for (std::vector<int>& group : leaves) {
      if (group.empty()) group.push_back(Pick());
      losses.push_back(AddLoss(Combine(group)));
    }
    if (count > 1) Note("several losses");
    if (count > 1 && Chance(30)) {
      std::vector<std::pair<double, Value>> terms;
      for (Value loss : losses) terms.push_back({LossWeight(), loss});
      m_.Loss(m_.WeightedSum(terms));
      Note("weighted sum of losses");
      return;
    }
    for (Value loss : losses) m_.Loss(loss, Chance(40) ? 1 : LossWeight());
    loss_nodes_ = losses;
  }

  double LossWeight() {
    Note("weighted loss");
    return static_cast<double>(Between(25, 200)) / 100;
  }

  int Combine(const std::vector<int>& leaves) {
    int result = leaves[0];
    for (size_t i = 1; i < leaves.size(); ++i) {
      const Shape shape = ShapeOf(items_[result].value);
      result = Join({result, WithShape(leaves[i], shape)});
    }
    return result;
  }

  Value AddLoss(int item) {
    switch (Below(4)) {
      case 0:
        return AddSoftmaxLoss(item);
      case 1: {
        const Value logits = Logits(item, Between(1, 5));
        const Value target = m_.Target(Name("y"), ShapeOf(logits));
        if (Chance(60)) {
          m_.Metric(Name("metric"), m_.BinaryAccuracy(logits, target, 0));
          Note("binary accuracy");
        }
        Note("sigmoid cross-entropy");
        return m_.SigmoidCrossEntropy(logits, target);
      }
      default:
        return AddRegression(item);
    }
  }

  // The last layer has a trainable weight of its own: the loss always depends
  // on a parameter, and no gradient vanishes because a softmax does not see
  // what is added to all logits.
  Value Logits(int item, int64_t count) {
    return m_.Dense(Name("logits"), Read(Vector(item)), {.out = count});
  }

  Value AddSoftmaxLoss(int item) {
    const int64_t classes = Between(2, 6);
    const Value logits = Logits(item, classes);
    const Value label = m_.Labels(Name("label"), classes);
    if (Chance(60)) {
      m_.Metric(Name("metric"), m_.Accuracy(logits, label));
      Note("accuracy");
    }
    if (Chance(50)) m_.Output(Name("head"), logits);
    if (Chance(15)) {
      // Two losses of one label.
      Note("label read twice");
      return m_.WeightedSum(
          {{0.5, m_.SoftmaxCrossEntropy(logits, label)},
           {0.75, m_.SoftmaxCrossEntropy(Logits(item, classes), label)}});
    }
    return m_.SoftmaxCrossEntropy(logits, label);
  }

  Value AddRegression(int item) {
    if (!items_[item].trained || Elements(items_[item].value) > 60 ||
        ShapeOf(items_[item].value).empty()) {
      const int64_t out = Between(1, 6);
      const Value logits = Logits(item, out);
      item = Keep(logits, true, Sign::kMixed);
    }
    const Shape shape = ShapeOf(items_[item].value);
    const Value target = m_.Target(Name("y"), shape);
    if (Chance(60)) {
      Note("squared error");
      if (shape.size() == 3) Note("picture as a target");
      return m_.L2(Read(item), target);
    }
    Note("user-written loss");
    // Not linear in the value, bounded below.
    const ScalarExpr error = Arg(0) - Constant() * Arg(1);
    const Value terms =
        m_.Pointwise("error", {Read(item), target},
                     Log(1 + error * error) + 0.25 * error * Tanh(error));
    return m_.Apply("total", std::make_shared<SumOp>(), {terms});
  }

  void AddOutputs() {
    const int heads = 1 + Below(3);
    for (int i = 0; i < heads; ++i) {
      const Value value =
          items_[Below(static_cast<int64_t>(items_.size()))].value;
      m_.Output(Name("head"), value);
      Note("head");
      if (Chance(15)) {
        m_.Output(Name("head"), value);
        Note("two heads of one value");
      }
    }
    if (heads > 1) Note("several heads");
    if (Chance(30)) {
      const int item = Below(static_cast<int64_t>(items_.size()));
      m_.Metric(Name("metric"), items_[Mean(item)].value);
      Note("metric of a hidden value");
    }
    if (!loss_nodes_.empty() && Chance(15)) {
      m_.Metric(Name("metric"), loss_nodes_[0]);
      Note("loss as a metric");
    }
  }

  // Layers, without trainable parameters of their own, that nothing reads, or
  // only a head does.
  void AddDeadCode() {
    for (int branches = Below(3); branches > 0; --branches) {
      const int start = static_cast<int>(items_.size());
      int item = Below(start);
      for (int layers = Below(2) + 1; layers > 0; --layers) {
        if (Chance(40)) {
          const int vector = Vector(item);
          const bool trained = items_[vector].trained;
          item = Keep(m_.Dense(Name("dense"), items_[vector].value,
                               {.out = Between(1, 5), .frozen = true}),
                      trained, Sign::kMixed);
        } else {
          item = Chance(50) ? Activate(item) : ApplyFormula(item);
        }
      }
      if (Chance(30)) {
        m_.Output(Name("head"), items_[item].value);
        Note("branch that only a head reads");
      } else {
        Note("dead branch");
      }
    }
  }

  Random random_;
  const RandomGraphOptions options_;
  ModelBuilder m_;
  std::vector<Item> items_;
  std::vector<Tensor> tensors_;
  std::vector<std::pair<int, int>> twins_;
  std::vector<Value> loss_nodes_;
  std::set<std::string> features_;
  int names_ = 0;
};

}  // namespace

const std::vector<std::string>& RandomGraphFeatures() {
  static const auto& features = *new std::vector<std::string>{
      "accuracy",
      "activation of a parameter",
      "binary accuracy",
      "branch that only a head reads",
      "dead branch",
      "frozen parameter",
      "head",
      "join",
      "join in both orders",
      "label read twice",
      "loss as a metric",
      "metric of a hidden value",
      "partials by the inputs",
      "partials by the output",
      "picture as a target",
      "several heads",
      "several losses",
      "shared weight",
      "sigmoid cross-entropy",
      "squared error",
      "symbolic partials",
      "twin",
      "twin of twins",
      "two heads of one value",
      "two-dimensional input",
      "uint8 input",
      "user-written loss",
      "weight of two parameters",
      "weighted loss",
      "weighted sum of losses",
  };
  return features;
}

absl::StatusOr<RandomGraph> MakeRandomGraph(uint64_t seed,
                                            const RandomGraphOptions& options) {
  return Generator(seed, options).Run();
}

GraphValues RandomGraphValues(const Graph& graph, int64_t batch,
                              uint64_t seed) {
  GraphValues values = RandomValues(graph, batch, seed);
  for (const Node& node : graph.nodes()) {
    const auto tensor = values.tensors.find(node.name);
    if (tensor == values.tensors.end()) continue;
    const auto* input = dynamic_cast<const InputOp*>(node.op.get());
    const bool is_real =
        input != nullptr && input->format().storage == Storage::kFloat32;
    for (double& v : tensor->second) {
      // Uniform in +-1/sqrt(fan-in) has a gain of 0.58 a layer; 1.75 undoes it.
      // Both steps are exact in float32, or rounded to it.
      if (node.op->name() == "parameter") {
        v = static_cast<double>(static_cast<float>(1.75 * v));
      }
      if (is_real) v = static_cast<double>(static_cast<float>(2 * v - 1));
    }
  }
  return values;
}

}  // namespace kiln
