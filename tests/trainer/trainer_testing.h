// What the tests of this folder share: a fake model with a data set.

#ifndef KILN_TESTS_TRAINER_TRAINER_TESTING_H_
#define KILN_TESTS_TRAINER_TRAINER_TESTING_H_

#include <cstdint>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/data_binding.h"
#include "runtime/model.h"
#include "runtime/random_data.h"
#include "tests/support/fake_bundle.h"

namespace kiln {

// Rows 0, 1, .., count - 1, from `first`.
inline std::vector<int32_t> Rows(int count, int first = 0) {
  std::vector<int32_t> rows(count);
  std::iota(rows.begin(), rows.end(), first);
  return rows;
}

class FakeModelTest : public testing::Test {
 protected:
  static constexpr int kSamples = 100;

  FakeModelTest() {
    Fake() = {};
    model_ = MakeModel();
    data_ = MakeRandomDataset(model_->manifest(), kSamples, /*seed=*/3);
    binding_ = std::make_unique<DataBinding>(
        *DataBinding::Create(model_->manifest(), data_));
  }

  static std::unique_ptr<Model> MakeModel(uint64_t seed = 1) {
    std::unique_ptr<Model> model = *Model::Create(FakeBundle());
    model->Initialize(seed);
    return model;
  }

  const uint8_t* x(int row) const {
    return data_.inputs[0].bytes.data() + row * kFakeInputs;
  }
  int32_t label(int row) const { return data_.targets[0].labels()[row]; }

  std::unique_ptr<Model> model_;
  Dataset data_;
  std::unique_ptr<DataBinding> binding_;
};

}  // namespace kiln

#endif  // KILN_TESTS_TRAINER_TRAINER_TESTING_H_
