// Pairs of nets that are one function, as emitted: two lowerings that share
// little give one value and one gradient.
#include <memory>
#include <string>
#include <vector>

#include "dsl/ops/avg_pool.h"
#include "dsl/ops/conv2d.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/pad.h"
#include "tests/dsl/algebra_side.h"
#include "tests/support/jit.h"

namespace kiln {
namespace {

class EmittedAlgebraTest : public AlgebraPairsTest {
 protected:
  // float32 sums of at most some hundred terms, each rounded to 2^-24.
  EmittedAlgebraTest() : AlgebraPairsTest("algebra, emitted", 1e-5, 1e-2) {}

  void RunBoth(Side* a, Side* b, const std::vector<std::string>& parameters) {
    RunInterpreted(a, b);
    const Graph training_a = BuildTrainingGraph(a->graph()).value(),
                training_b = BuildTrainingGraph(b->graph()).value();
    for (const Schedule schedule : {Schedule::kNaive, Schedule::kFast}) {
      for (const int block : {1, 8}) {
        if (schedule == Schedule::kNaive && block == 1) continue;
        const PipelineOptions infer{PipelineKind::kInfer, block, schedule, ""},
            grad{PipelineKind::kGrad, block, schedule, ""};
        ExpectSame("value",
                   RunJit(a->graph(), infer, a->values())->heads.at("value"),
                   RunJit(b->graph(), infer, b->values())->heads.at("value"));
        const Gradients of_a = RunJit(training_a, grad, a->values())->gradients,
                        of_b = RunJit(training_b, grad, b->values())->gradients;
        ExpectSame("gradient of x", of_a.at("x"), of_b.at("x"));
        for (const std::string& name : parameters)
          ExpectSame("gradient of " + name, of_a.at(name), of_b.at(name));
      }
    }
    ++pairs_;
  }
};

TEST_F(EmittedAlgebraTest, AKernelOfTheWholeImageIsADenseLayer) {
  for (const Shape& image : {Shape{1, 3, 3}, Shape{3, 2, 5}}) {
    const int64_t size = ElementCount(image);
    const Vector x = RandomVector(size, 1), weight = RandomVector(4 * size, 2),
                 bias = RandomVector(4, 3);
    Side a(image, x), b({size}, x);
    a.Parameter("weight", {4, image[0], image[1], image[2]}, weight)
        .Parameter("bias", {4}, bias)
        .Op(std::make_shared<Conv2dOp>(
            Conv2dGeometry{.kernel = {image[1], image[2]}}));
    b.Parameter("weight", {4, size}, weight)
        .Parameter("bias", {4}, bias)
        .Op(std::make_shared<DenseOp>());
    RunBoth(&a, &b, {"weight", "bias"});
  }
}

TEST_F(EmittedAlgebraTest, PaddingIsALayerOrAnOption) {
  for (const Size2& stride : {Size2(1), Size2(2, 3)}) {
    const Shape image = {2, 6, 5}, shape = {3, 2, 3, 2};
    const Size2 padding(1, 2);
    const Vector x = RandomVector(ElementCount(image), 1),
                 weight = RandomVector(ElementCount(shape), 2);
    Side a(image, x), b(image, x);
    a.Op(std::make_shared<PadOp>(padding))
        .Parameter("weight", shape, weight)
        .Op(std::make_shared<Conv2dOp>(
            Conv2dGeometry{.kernel = {3, 2}, .stride = stride}));
    b.Parameter("weight", shape, weight)
        .Op(std::make_shared<Conv2dOp>(
            Conv2dGeometry{{3, 2}, stride, padding}));
    RunBoth(&a, &b, {"weight"});
  }
}

TEST_F(EmittedAlgebraTest, AnAveragePoolIsAConvolution) {
  for (const PoolGeometry& g :
       {PoolGeometry{2, 2, 0}, PoolGeometry{{2, 4}, {3, 1}, {1, 0}}}) {
    const Shape image = {2, 6, 7};
    const Vector x = RandomVector(ElementCount(image), 1);
    const int64_t area = g.kernel.height * g.kernel.width;
    Vector weight(4 * area);
    for (int64_t i = 0; i < 2; ++i) {
      for (int64_t k = 0; k < area; ++k)
        weight[i * 3 * area + k] = 1 / static_cast<double>(area);
    }
    Side a(image, x), b(image, x);
    a.Op(std::make_shared<AvgPoolOp>(g));
    b.Parameter("weight", {2, 2, g.kernel.height, g.kernel.width}, weight)
        .Op(std::make_shared<Conv2dOp>(
            Conv2dGeometry{g.kernel, g.stride, g.padding}));
    RunBoth(&a, &b, {});
  }
}

}  // namespace
}  // namespace kiln
