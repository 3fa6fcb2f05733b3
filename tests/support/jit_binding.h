// Between the interpreter's row-major doubles and the dense buffers of a
// pipeline that runs by JIT: the same order.
#ifndef KILN_TESTS_SUPPORT_JIT_BINDING_H_
#define KILN_TESTS_SUPPORT_JIT_BINDING_H_

#include <cstdint>
#include <vector>

#include "Halide.h"
#include "absl/status/status.h"
#include "generators/arguments.h"
#include "generators/pipeline.h"
#include "tests/support/interpreter.h"

namespace kiln {

void FillBuffer(const std::vector<double>& from, Halide::Buffer<>& to);
std::vector<double> ReadBuffer(const Halide::Buffer<>& from);

// Parameters, data and targets.
absl::Status BindData(const std::vector<Argument>& arguments,
                      const GraphValues& values, JitInputs* inputs);

// A block of `block` lanes: the batch's samples from `first` on, which are
// these rows of the data. Lanes past the end of the batch have the weight 0
// and, as in training, the index of its first.
void BindBlock(const std::vector<Argument>& arguments,
               const GraphValues& values, int block,
               const std::vector<int64_t>& rows, int64_t first,
               JitInputs* inputs);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_JIT_BINDING_H_
