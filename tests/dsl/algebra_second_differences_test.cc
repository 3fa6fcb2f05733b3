// The derivative of a gradient is symmetric: d g_i / d p_j = d g_j / d p_i, by
// central differences of it, on nets without kinks. No vector field but a
// gradient does this.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "dsl/model.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"
#include "tests/support/interpreter.h"
#include "tests/support/random_values.h"
#include "tests/support/report.h"

namespace kiln {
namespace {

struct SmoothNet {
  std::string name;
  void (*build)(ModelBuilder&);
};

const SmoothNet kSmoothNets[] = {
    {"conv_tanh_dense_softmax",
     [](ModelBuilder& m) {
       Value x = m.Input("image", {2, 5, 4});
       x = m.Tanh(m.Conv2d("conv", x, {.out_channels = 3, .kernel = {3, 2}}));
       x = m.Dense("fc", m.Flatten(x), {.out = 4});
       m.Loss(m.SoftmaxCrossEntropy(x, m.Labels("label", 4)));
     }},
    {"strides_padding_average_sigmoid",
     [](ModelBuilder& m) {
       Value x = m.Input("image", {1, 7, 6});
       x = m.Conv2d(
           "conv", x,
           {.out_channels = 2, .kernel = 3, .stride = 2, .padding = 1});
       x = m.AvgPool(m.Sigmoid(x), {.kernel = 2, .stride = 1});
       x = m.Tanh(m.Conv2d("conv2", x, {.out_channels = 3, .kernel = 2}));
       x = m.Dense("fc", m.Flatten(x), {.out = 3});
       m.Loss(m.SigmoidCrossEntropy(x, m.Target("target", {3})));
     }},
    {"dense_l2",
     [](ModelBuilder& m) {
       Value x = m.Input("x", {3});
       x = m.Tanh(m.Dense("fc1", x, {.out = 5}));
       x = m.Sigmoid(m.Dense("fc2", x, {.out = 4}));
       m.Loss(m.L2(m.Dense("fc3", x, {.out = 2}), m.Target("target", {2})));
     }},
};

TEST(AlgebraSecondDifferencesTest, AreSymmetric) {
  int64_t comparisons = 0;
  for (const SmoothNet& net : kSmoothNets) {
    SCOPED_TRACE(net.name);
    ModelBuilder m;
    net.build(m);
    const Graph training = BuildTrainingGraph(m.Build().value().graph).value();
    GraphValues values = RandomValues(training, 3, 5);
    struct Place {
      std::string name;
      size_t element;
    };
    std::vector<Place> places;
    Random random(3);
    const Gradients gradients = InterpretGradients(training, values).value();
    for (const auto& [name, g] : gradients) {
      for (int i = 0; i < 4; ++i) {
        places.push_back({name, static_cast<size_t>(random.Integer(g.size()))});
      }
    }
    const auto gradients_at = [&](const Place& p, double t) {
      GraphValues moved = values;
      moved.tensors[p.name][p.element] += t;
      return InterpretGradients(training, moved).value();
    };
    const size_t count = places.size();
    std::vector<double> hessian(count * count);
    const double h = 1e-3;
    for (size_t j = 0; j < count; ++j) {
      const Gradients up = gradients_at(places[j], h),
                      down = gradients_at(places[j], -h),
                      half_up = gradients_at(places[j], h / 2),
                      half_down = gradients_at(places[j], -h / 2);
      for (size_t i = 0; i < count; ++i) {
        const auto& [name, k] = places[i];
        const double full = (up.at(name)[k] - down.at(name)[k]) / (2 * h),
                     half = (half_up.at(name)[k] - half_down.at(name)[k]) / h;
        hessian[i * count + j] = (4 * half - full) / 3;
      }
    }
    // Errors: h^4 = 1e-12 times fifth derivatives, below 100 here, and
    // 2^-53 / h = 1e-13.
    double scale = 0;
    for (double v : hessian) scale = std::max(scale, std::abs(v));
    int64_t across = 0;
    for (size_t i = 0; i < count; ++i) {
      for (size_t j = 0; j < i; ++j) {
        const double a = hessian[i * count + j], b = hessian[j * count + i];
        EXPECT_NEAR(a, b, 1e-10)
            << places[i].name << " " << places[i].element << ", "
            << places[j].name << " " << places[j].element;
        across +=
            places[i].name != places[j].name && std::abs(a) > 1e-4 * scale;
        ++comparisons;
      }
    }
    EXPECT_GT(scale, 1e-3);
    EXPECT_GT(across, static_cast<int64_t>(count));
  }
  ReportLine(absl::StrCat("algebra: second differences of ",
                          std::size(kSmoothNets), " nets symmetric, ",
                          comparisons, " comparisons"));
}

}  // namespace
}  // namespace kiln
