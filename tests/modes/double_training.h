// Training as the definitions have it: the model's graph in double, by the
// interpreter, with plain gradient descent.
#ifndef KILN_TESTS_MODES_DOUBLE_TRAINING_H_
#define KILN_TESTS_MODES_DOUBLE_TRAINING_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kiln {

using Tensors = std::map<std::string, std::vector<double>>;

// What the model of this executable (KilnModelDefinition) becomes.
class DoubleTraining {
 public:
  // `tensors`: parameters and buffers by name, and the data set's inputs and
  // targets, [rows x shape].
  DoubleTraining(Tensors tensors, uint32_t seed)
      : tensors_(std::move(tensors)), seed_(seed) {}

  // p -= learning_rate gradient of the mean loss over these rows; buffers take
  // their next values. Steps count from 0.
  void Step(const std::vector<int32_t>& rows, double learning_rate);

  // Of the evaluation form: the head "logits", [rows x shape].
  std::vector<double> Logits(const std::vector<int32_t>& rows) const;

  const Tensors& tensors() const { return tensors_; }

 private:
  Tensors tensors_;
  uint32_t seed_;
  uint32_t step_ = 0;
};

}  // namespace kiln

#endif  // KILN_TESTS_MODES_DOUBLE_TRAINING_H_
