// A data set that has been checked against a model: what a pipeline reads, it
// reads from here. Having one is the proof that columns, types, shapes and
// labels are what the pipelines were compiled for.

#ifndef KILN_RUNTIME_DATA_BINDING_H_
#define KILN_RUNTIME_DATA_BINDING_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "runtime/dataset.h"
#include "runtime/manifest.h"

namespace kiln {
inline namespace runtime {

class DataBinding {
 public:
  // Binds `data`, which outlives the result and is not copied. InvalidArgument
  // when a column is missing, has another type or size than the manifest's, a
  // label is no class of the model, or there are no samples or more than a
  // Halide buffer can address (2^31 - 1 elements a column).
  static absl::StatusOr<DataBinding> Create(const Manifest& manifest,
                                            const Dataset& data);

  int32_t samples() const { return static_cast<int32_t>(data_->samples); }
  const uint8_t* input(int i) const { return data_->inputs[i].bytes.data(); }
  const uint8_t* target(int i) const { return data_->targets[i].bytes.data(); }

 private:
  explicit DataBinding(const Dataset& data) : data_(&data) {}
  const Dataset* data_;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_DATA_BINDING_H_
