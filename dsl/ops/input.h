// Sources that read the data set: model inputs and targets.
#ifndef KILN_DSL_OPS_INPUT_H_
#define KILN_DSL_OPS_INPUT_H_

#include <string>

#include "dsl/op.h"

namespace kiln {

// How the data set stores an input. The pipelines read it as stored and compute
// `value * scale` while they gather.
enum class Storage { kFloat32, kUint8 };

struct InputFormat {
  Storage storage = Storage::kFloat32;
  double scale = 1;  // 1 / 255 maps uint8 pixels to [0, 1]
};

// A model input, float32 in the graph whatever its storage.
class InputOp : public Op {
 public:
  InputOp(Shape shape, InputFormat format)
      : shape_(std::move(shape)), format_(format) {}
  absl::string_view name() const override { return "input"; }
  std::string Attributes() const override;
  InputCount Inputs() const override { return {0, 0}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  const InputFormat& format() const { return format_; }

 private:
  Shape shape_;
  InputFormat format_;
};

// What a sample should give: an integer class in [0, classes), or float values
// of a shape (classes == 0).
class TargetOp : public Op {
 public:
  static OpPtr Class(int64_t classes) {
    return std::make_shared<TargetOp>(Shape{}, classes);
  }
  static OpPtr Value(Shape shape) {
    return std::make_shared<TargetOp>(std::move(shape), 0);
  }
  TargetOp(Shape shape, int64_t classes)
      : shape_(std::move(shape)), classes_(classes) {}

  absl::string_view name() const override { return "target"; }
  std::string Attributes() const override;
  InputCount Inputs() const override { return {0, 0}; }
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;
  Math Formula(const FormulaScope& names) const override;
  int64_t classes() const { return classes_; }

 private:
  Shape shape_;
  int64_t classes_;
};

}  // namespace kiln

#endif  // KILN_DSL_OPS_INPUT_H_
