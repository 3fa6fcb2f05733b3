// Gradients that read maxima instead of the image they are of, against the
// interpreter, which does not.
#include <string>

#include "dsl/model.h"
#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace {

// Two convolutions, each with an activation and a pooling: the first one's
// adjoint is computed by rows, for parameters alone, the second's is stored.
void ExpectMatch(const std::string& activation, const PoolOptions& pool,
                 int block) {
  ModelBuilder m;
  Value x = m.Input("x", {1, 15, 17});
  for (const char* name : {"conv1", "conv2"}) {
    x = m.Conv2d(name, x, {.out_channels = 3, .kernel = 2});
    x = m.MaxPool(m.Activate(activation, x), pool);
  }
  x = m.Dense("fc", m.Flatten(x), {.out = 3});
  m.Output("y", x);
  m.Loss(m.L2(x, m.Target("t", {3})));
  const absl::StatusOr<Model> model = m.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const absl::StatusOr<EmittedCheckReport> report =
      CheckEmitted(model->graph, RandomValues(model->graph, /*batch=*/block, 3),
                   {.block = block});
  EXPECT_TRUE(report.ok()) << activation << ", block " << block << ": "
                           << report.status();
}

TEST(PooledMaskJitTest, WindowsThatFit) { ExpectMatch("relu", {}, 16); }

TEST(PooledMaskJitTest, RestsAtTheEdges) {
  ExpectMatch("relu", {.kernel = {2, 3}, .stride = {2, 3}}, 16);
}

TEST(PooledMaskJitTest, LanesOfSeveralColumns) {
  ExpectMatch("leaky_relu", {}, 4);
}

}  // namespace
}  // namespace kiln
