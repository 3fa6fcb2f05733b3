// Nonsense never crashes the builder: random calls with random arguments give a
// model or one line. Meant for the sanitizers' builds.
#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "dsl/analysis.h"
#include "dsl/model.h"
#include "dsl/ops/avg_pool.h"
#include "dsl/ops/batch_sum.h"
#include "dsl/ops/conv2d.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/max_pool.h"
#include "dsl/ops/pad.h"
#include "dsl/ops/reshape.h"
#include "dsl/ops/sample_weight.h"
#include "dsl/ops/softmax_cross_entropy.h"
#include "dsl/ops/sum.h"
#include "dsl/passes.h"
#include "dsl/print.h"
#include "gtest/gtest.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

class Fuzzer {
 public:
  explicit Fuzzer(uint64_t seed) : random_(seed) {
    values_ = {builder_.Input("image", {2, 6, 5}), builder_.Labels("label", 4),
               builder_.Target("y", {4})};
    values_.push_back(builder_.Relu(values_[0]));
  }

  // A call that is mostly sensible; `sense` of 10 arguments are.
  void Call(int sense) {
    sense_ = sense;
    switch (random_.Integer(22)) {
      case 0:
        return Keep(builder_.Input(Name(), AnyShape(), {.scale = Number()}));
      case 1:
        return Keep(builder_.Labels(Name(), Size()));
      case 2:
        return Keep(builder_.Target(Name(), AnyShape()));
      case 3:
      case 4:
        return Keep(builder_.Conv2d(Name(), Any(),
                                    {.out_channels = Size(),
                                     .kernel = {Size(), Size()},
                                     .stride = {Size(), Size()},
                                     .padding = {Size() - 1, Size() - 1},
                                     .bias = Coin(),
                                     .frozen = Coin(),
                                     .lr_multiplier = Number()}));
      case 5:
      case 6:
        return Keep(builder_.Dense(
            Name(), Any(),
            {.out = Size(),
             .bias = Coin(),
             .weight_init = Initializer::Uniform(Number(), Number())}));
      case 7:
        return Keep(builder_.Parameter(
            Name(),
            {AnyShape(), Initializer::Constant(Number()), Coin(), Number()}));
      case 8:
        return Keep(builder_.MaxPool(
            Any(),
            {.kernel = Size(), .stride = Size(), .padding = Size() - 1}));
      case 9:
        return Keep(builder_.AvgPool(
            Any(), {.kernel = {Size(), Size()}, .padding = Size() - 1}));
      case 10:
        return Keep(builder_.Pad(Any(), {Size() - 1, Size() - 1}));
      case 11:
        return Keep(builder_.Flatten(Any()));
      case 12:
        return Keep(builder_.Activate(Coin()   ? "tanh"
                                      : Coin() ? "relu"
                                               : Name(),
                                      Any()));
      case 13:
        return Keep(builder_.Pointwise(
            Name(), {Any(), Any()}, Max(Arg(0), Arg(Integer(3))) * Number()));
      case 14:
        return Keep(builder_.SoftmaxCrossEntropy(Any(), Any()));
      case 15:
        return Keep(builder_.SigmoidCrossEntropy(Any(), Any()));
      case 16:
        return Keep(builder_.L2(Any(), Any()));
      case 17:
        return Keep(
            builder_.WeightedSum({{Number(), Any()}, {Number(), Any()}}));
      case 18:
        return Keep(Coin() ? builder_.Accuracy(Any(), Any())
                           : builder_.BinaryAccuracy(Any(), Any(), Number()));
      case 19:
      case 20:
        return Keep(builder_.Apply("any", AnyOp(), Some()));
      default:
        if (Coin()) return builder_.Loss(Any(), Number());
        return Coin() ? builder_.Output(Name(), Any())
                      : builder_.Metric(Name(), Any());
    }
  }

  // The message, or "" when the model is right; then all that a generator does
  // with it has been done.
  std::string Finish() {
    const Value last =
        builder_.Dense("last", builder_.Flatten(values_.back()), {.out = 4});
    builder_.Loss(builder_.L2(last, values_[2]));
    const absl::StatusOr<Model> model = builder_.Build();
    if (!model.ok()) return std::string(model.status().message());
    EXPECT_TRUE(Verify(model->graph).ok());
    const absl::StatusOr<Graph> training = BuildTrainingGraph(model->graph);
    if (!training.ok()) return std::string(training.status().message());
    EXPECT_TRUE(Verify(*training).ok());
    EXPECT_GE(CountTrainingFlops(model->graph, *training).useful_backward, 0);
    EXPECT_FALSE(ToText(*training).empty() || ToDot(*training).empty());
    return "";
  }

 private:
  // Every op there is, gradients included, with whatever attributes.
  OpPtr AnyOp() {
    const Conv2dGeometry conv{
        {Size(), Size()}, {Size(), Size()}, {Size() - 1, Size()}};
    const PoolGeometry pool{{Size(), Size()}, {Size(), Size()}, Size() - 1};
    const std::vector<OpPtr> ops = {
        std::make_shared<AvgPoolOp>(pool),
        std::make_shared<AvgPoolGradOp>(pool, AnyShape()),
        std::make_shared<BatchSumOp>(),
        std::make_shared<Conv2dOp>(conv),
        std::make_shared<Conv2dInputGradOp>(conv, AnyShape()),
        std::make_shared<Conv2dWeightGradOp>(conv),
        std::make_shared<DenseOp>(),
        std::make_shared<DenseInputGradOp>(),
        std::make_shared<DenseWeightGradOp>(),
        std::make_shared<MaxPoolOp>(pool),
        std::make_shared<MaxPoolIndexOp>(pool),
        std::make_shared<MaxPoolGradOp>(pool, AnyShape()),
        std::make_shared<PadOp>(Size() - 1),
        std::make_shared<CropOp>(Size() - 1),
        std::make_shared<ReshapeOp>(AnyShape()),
        std::make_shared<SampleWeightOp>(),
        std::make_shared<SoftmaxCrossEntropyOp>(),
        std::make_shared<SoftmaxCrossEntropyGradOp>(),
        std::make_shared<AccuracyOp>(),
        std::make_shared<SumOp>(),
        std::make_shared<BroadcastOp>(AnyShape()),
    };
    return ops[random_.Integer(static_cast<int64_t>(ops.size()))];
  }
  std::vector<Value> Some() {
    std::vector<Value> values;
    for (int count = Integer(4); count > 0; --count) values.push_back(Any());
    return values;
  }

  bool Coin() { return random_.Integer(2) == 0; }
  int Integer(int count) { return static_cast<int>(random_.Integer(count)); }
  bool Sensible() { return random_.Integer(10) < sense_; }

  Value Any() {
    // Mostly what came last, so that models are deep and few of their layers
    // unused.
    if (Sensible())
      return Integer(4) ? values_.back()
                        : values_[random_.Integer(
                              static_cast<int64_t>(values_.size()))];
    return Coin() ? Value{}
                  : Value{Integer(1000) - 500, Coin() ? &builder_ : nullptr};
  }
  void Keep(Value value) { values_.push_back(value); }

  int64_t Size() {
    if (Sensible()) return 1 + random_.Integer(4);
    constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
    const int64_t extremes[] = {
        0,       -1, kMax, -kMax, kMax / 2, int64_t{1} << 20, int64_t{1} << 31,
        1 << 30, -5};
    return extremes[Integer(9)] / (Coin() ? 1 : 1 + random_.Integer(7));
  }
  Shape AnyShape() {
    Shape shape;
    for (int64_t i = Sensible() ? 1 + random_.Integer(3) : random_.Integer(6);
         i > 0; --i)
      shape.push_back(Size());
    return shape;
  }
  double Number() {
    if (Sensible()) return random_.Uniform(0, 2);
    const double extremes[] = {0, -1, 1e300,
                               std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN()};
    return extremes[Integer(5)];
  }
  std::string Name() {
    if (Sensible()) return absl::StrCat("layer", ++count_);
    const std::string odd[] = {"",
                               "image",
                               "1",
                               "a b",
                               "layer1",
                               "loss",
                               std::string(3, '\0'),
                               "layer1.weight",
                               "%s%n"};
    return odd[Integer(9)];
  }

  Random random_;
  ModelBuilder builder_;
  std::vector<Value> values_;
  int sense_ = 10;
  int count_ = 0;
};

TEST(ModelFuzzTest, NonsenseGivesOneLineOrAModel) {
  int models = 0;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    Fuzzer fuzzer(seed);
    const int sense = static_cast<int>(seed % 11);
    for (int call = 0; call < 8; ++call) fuzzer.Call(sense);
    const std::string message = fuzzer.Finish();
    models += message.empty();
    EXPECT_LE(std::count(message.begin(), message.end(), '\n'), 0)
        << "seed " << seed << ": " << message;
  }
  EXPECT_LT(models, 400);
}

// Calls of the right kind often enough that whole models come out.
TEST(ModelFuzzTest, SomeRandomModelsAreRight) {
  int models = 0;
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Fuzzer fuzzer(seed);
    for (int call = 0; call < 2 + static_cast<int>(seed % 3); ++call)
      fuzzer.Call(10);
    models += fuzzer.Finish().empty();
  }
  EXPECT_GT(models, 0);
}

}  // namespace
}  // namespace kiln
