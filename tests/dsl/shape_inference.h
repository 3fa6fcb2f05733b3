// What tests of type rules share.
#ifndef KILN_TESTS_DSL_SHAPE_INFERENCE_H_
#define KILN_TESTS_DSL_SHAPE_INFERENCE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dsl/op.h"
#include "dsl/ops/conv2d.h"
#include "gtest/gtest.h"

namespace kiln {

inline TensorType Sample(Shape shape) {
  return {std::move(shape), DType::kFloat32, true};
}
inline TensorType Batch(Shape shape) {
  return {std::move(shape), DType::kFloat32, false};
}
inline TensorType Int(Shape shape) {
  return {std::move(shape), DType::kInt32, true};
}

struct Rule {
  std::string name;
  OpPtr op;
  std::vector<TensorType> inputs;
  std::string expected;  // the type, or a part of the error
};

inline void CheckRules(const std::vector<Rule>& rules) {
  for (const Rule& rule : rules) {
    const absl::StatusOr<TensorType> type = rule.op->InferType(rule.inputs);
    if (type.ok()) {
      EXPECT_EQ(TypeString(*type), rule.expected) << rule.name;
    } else {
      EXPECT_NE(type.status().message().find(rule.expected), std::string::npos)
          << rule.name << ": " << type.status().message() << "\ndoes not say "
          << rule.expected;
    }
  }
}

inline OpPtr Conv(Size2 kernel, Size2 stride = 1, Size2 padding = 0) {
  return std::make_shared<Conv2dOp>(Conv2dGeometry{kernel, stride, padding});
}

}  // namespace kiln

#endif  // KILN_TESTS_DSL_SHAPE_INFERENCE_H_
