// Inputs of one's own making, bound to a model: the points of a grid.

#ifndef KILN_RUNTIME_PLOT_PROBE_H_
#define KILN_RUNTIME_PLOT_PROBE_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/data_binding.h"
#include "runtime/dataset.h"
#include "runtime/model.h"

namespace kiln {
inline namespace runtime {

class Probe {
 public:
  // Samples of the model's only input, row-major, in stored units; every target
  // is `target` (a class for labels). InvalidArgument unless the model has one
  // float32 input.
  static absl::StatusOr<std::unique_ptr<Probe>> Create(
      const Manifest& manifest, absl::Span<const float> inputs,
      double target = 0);

  // The binding points at data_.
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  const DataBinding& data() const { return *binding_; }
  // Positions of all samples.
  absl::Span<const int32_t> rows() const { return rows_; }

  // What the model's output k says: samples x its elements.
  absl::StatusOr<std::vector<float>> Infer(Model& model, int k) const;

 private:
  Probe() = default;
  Dataset data_;
  std::unique_ptr<DataBinding> binding_;
  std::vector<int32_t> rows_;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PLOT_PROBE_H_
