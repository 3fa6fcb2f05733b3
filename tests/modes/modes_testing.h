// What both tests share: a compiled model, random data and their double.
#ifndef KILN_TESTS_MODES_MODES_TESTING_H_
#define KILN_TESTS_MODES_MODES_TESTING_H_

#include <cmath>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/data_binding.h"
#include "runtime/model.h"
#include "runtime/optimizer.h"
#include "runtime/random_data.h"
#include "tests/modes/double_training.h"

namespace kiln {

class ModesTest : public testing::Test {
 protected:
  static constexpr int kSamples = 20;
  static constexpr float kRate = 0.1f;

  explicit ModesTest(const Bundle& bundle) : bundle_(bundle) {
    model_ = MakeModel();
    data_ = MakeRandomDataset(model_->manifest(), kSamples, /*seed=*/3);
    binding_ = std::make_unique<DataBinding>(
        *DataBinding::Create(model_->manifest(), data_));
  }

  std::unique_ptr<Model> MakeModel() const {
    std::unique_ptr<Model> model = *Model::Create(bundle_);
    model->Initialize(1);
    return model;
  }

  static std::vector<int32_t> Rows(int count, int first = 0) {
    std::vector<int32_t> rows(count);
    std::iota(rows.begin(), rows.end(), first);
    return rows;
  }

  // Parameters, inputs and targets of the model and data.
  Tensors AsTensors(const Model& model) const {
    Tensors tensors;
    for (size_t i = 0; i < model.manifest().parameters.size(); ++i) {
      const auto view = model.parameter(static_cast<int>(i));
      tensors[model.manifest().parameters[i].name] = {view.begin(), view.end()};
    }
    const auto pixels = data_.inputs[0].floats();
    tensors[model.manifest().inputs[0].name] = {pixels.begin(), pixels.end()};
    std::vector<double>& labels = tensors[model.manifest().targets[0].name];
    for (int n = 0; n < kSamples; ++n)
      labels.push_back(data_.targets[0].labels()[n]);
    return tensors;
  }

  // The largest difference of any parameter or buffer, relative to its tensor.
  static double Distance(const Model& model, const Tensors& expected) {
    double worst = 0;
    for (size_t i = 0; i < model.manifest().parameters.size(); ++i) {
      const auto actual = model.parameter(static_cast<int>(i));
      const auto& tensor = expected.at(model.manifest().parameters[i].name);
      double largest = 0, difference = 0;
      for (size_t k = 0; k < tensor.size(); ++k) {
        largest = std::max(largest, std::abs(tensor[k]));
        const double apart = std::abs(actual[k] - tensor[k]);
        difference = std::isnan(apart) ? INFINITY : std::max(difference, apart);
      }
      worst = std::max(worst, difference / largest);
    }
    return worst;
  }

  // Steps over batches of 8, 8 and 4 of the 20 samples, again and again.
  void Train(Model& model, uint64_t seed, int first, int last,
             bool fused = true) {
    Optimizer optimizer = *Optimizer::Create(model, OptimizerKind::kSgd);
    optimizer.set_allow_fused(fused);
    Totals totals;
    for (int step = first; step < last; ++step) {
      model.SetRandomKey(seed, step);
      const auto rows = BatchOf(step);
      const absl::Status status =
          optimizer.Step(*binding_, rows, {.learning_rate = kRate}, totals);
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  static std::vector<int32_t> BatchOf(int step) {
    return step % 3 == 2 ? Rows(4, 16) : Rows(8, step % 3 * 8);
  }

  static std::vector<float> Weights(const Model& model) {
    return {model.parameters().begin(), model.parameters().end()};
  }

  const Bundle& bundle_;
  std::unique_ptr<Model> model_;
  Dataset data_;
  std::unique_ptr<DataBinding> binding_;
};

}  // namespace kiln

#endif  // KILN_TESTS_MODES_MODES_TESTING_H_
