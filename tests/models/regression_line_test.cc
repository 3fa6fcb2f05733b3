// A network of identity units is a straight line, whatever its width: trained,
// it is the line of least squares, which has a formula.
#include <memory>

#include "gtest/gtest.h"
#include "regression_1d_identity.h"
#include "runtime/model.h"
#include "runtime/trainer.h"
#include "runtime/verbs/verb.h"

namespace kiln {
namespace {

TEST(RegressionLineTest, IdentityUnitsLearnTheLineOfLeastSquares) {
  const auto model = *Model::Create(models::regression_1d_identity());
  const auto data =
      BoundData::Load(model->manifest(), {.source = "regression"});
  ASSERT_TRUE(data.ok()) << data.status();
  const DataBinding& train = (*data)->train();
  const auto* x = reinterpret_cast<const float*>(train.input(0));
  const auto* y = reinterpret_cast<const float*>(train.target(0));
  double n = train.samples(), sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (int i = 0; i < train.samples(); ++i) {
    sx += x[i];
    sy += y[i];
    sxx += double{x[i]} * x[i];
    sxy += double{x[i]} * y[i];
  }
  const double slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  const double offset = (sy - slope * sx) / n;

  model->Initialize(/*seed=*/1);
  TrainingOptions options = *OptionsFromDefaults(model->manifest().defaults);
  options.batch = train.samples();  // else the line never rests
  options.epochs = 2000;
  auto trainer = Trainer::Create(*model, train, nullptr, options);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  ASSERT_TRUE(trainer->Run().ok());

  std::vector<int32_t> rows(train.samples());
  for (int i = 0; i < train.samples(); ++i) rows[i] = i;
  std::vector<std::vector<float>> outputs;
  ASSERT_TRUE(model->Infer(train, rows, outputs).ok());
  for (int i = 0; i < train.samples(); ++i)
    EXPECT_NEAR(outputs[0][i], offset + slope * x[i], 1e-3) << "at " << x[i];
}

}  // namespace
}  // namespace kiln
