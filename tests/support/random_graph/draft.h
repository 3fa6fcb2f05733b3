// A random model in the making: the choices, the values so far and what they
// are known to be.
#ifndef KILN_TESTS_SUPPORT_RANDOM_GRAPH_DRAFT_H_
#define KILN_TESTS_SUPPORT_RANDOM_GRAPH_DRAFT_H_

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "dsl/model.h"
#include "tests/support/random_values.h"

namespace kiln::random_graph {

// Models stay small enough to be interpreted by the hundred.
inline constexpr int64_t kLongestSide = 11;  // of an image
inline constexpr int64_t kMostChannels = 4;

// What is known of a value's sign: a ReLU of something negative is dead
// whatever the parameters are.
enum class Sign { kMixed, kNotNegative, kUnknown };

// A tensor of weights: a parameter, or a pointwise op of parameters.
struct Tensor {
  Value value;
  bool trained = false;
};

// Items, the per-sample float values, go by numbers from 0 in the order in
// which they were made.
class Draft {
 public:
  explicit Draft(uint64_t seed) : random_(seed) {}
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  ModelBuilder& model() { return model_; }

  // --- choices

  int Below(int64_t count) { return static_cast<int>(random_.Integer(count)); }
  bool Chance(int percent) { return Below(100) < percent; }
  int64_t Between(int64_t least, int64_t most) {
    return least + random_.Integer(most - least + 1);
  }
  // A constant with two decimals, of either sign, away from 0.
  double Constant() {
    return random_.Sign() * static_cast<double>(Between(20, 120)) / 100;
  }
  template <typename T>
  const T& OneOf(const std::vector<T>& choices) {
    return choices[Below(static_cast<int64_t>(choices.size()))];
  }

  // Notes that the model has one of RandomGraphFeatures().
  void Note(const std::string& feature) { features_.insert(feature); }
  const std::set<std::string>& features() const { return features_; }

  // A name that nothing else has.
  std::string Name(absl::string_view kind);

  // --- items

  int Keep(Value value, bool trained, Sign sign);

  // A layer without parameters of its own, on one item; sometimes twice, as two
  // values that are the same. `apply` makes a Value of a Value.
  template <typename Apply>
  int KeepTwice(int item, Apply apply, Sign sign) {
    return KeepTwice(item, apply, trained(item), sign);
  }
  template <typename Apply>
  int KeepTwice(int item, Apply apply, bool trained, Sign sign) {
    const bool twice = Chance(6);
    const int first = Keep(apply(Read(item)), trained, sign);
    if (twice) {
      AddTwins(first, Keep(apply(Read(item)), trained, sign));
      Note("twin");
    }
    return first;
  }

  // The item's value, for something that reads it.
  Value Read(int item);

  // Mostly what nothing reads yet, so that models are deep; else anything, so
  // that they branch.
  int Pick();
  int PickAny() { return Below(item_count()); }

  int item_count() const { return static_cast<int>(items_.size()); }
  Value value(int item) const { return items_[item].value; }
  // Whether a trainable parameter influences it.
  bool trained(int item) const { return items_[item].trained; }
  Sign sign(int item) const { return items_[item].sign; }
  bool is_read(int item) const { return items_[item].readers > 0; }

  Shape ShapeOf(int item) const { return ShapeOf(value(item)); }
  Shape ShapeOf(Value value) const { return model_.TypeOf(value).shape; }
  int64_t Elements(int item) const { return ElementCount(ShapeOf(item)); }

  // --- pairs of items that are the same

  using Twins = std::pair<int, int>;
  void AddTwins(int a, int b) { twins_.emplace_back(a, b); }
  const std::vector<Twins>& twins() const { return twins_; }

  // --- weights

  void AddTensor(const Tensor& tensor) { tensors_.push_back(tensor); }
  const std::vector<Tensor>& tensors() const { return tensors_; }

 private:
  struct Item {
    Value value;
    bool trained = false;
    Sign sign = Sign::kUnknown;
    int readers = 0;
  };

  Random random_;
  ModelBuilder model_;
  std::vector<Item> items_;
  std::vector<Twins> twins_;
  std::vector<Tensor> tensors_;
  std::set<std::string> features_;
  int names_ = 0;
};

}  // namespace kiln::random_graph

#endif  // KILN_TESTS_SUPPORT_RANDOM_GRAPH_DRAFT_H_
