// A model and everything that its pipelines are called with.
#ifndef KILN_BENCH_SUBJECT_H_
#define KILN_BENCH_SUBJECT_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/aligned.h"
#include "runtime/arena.h"
#include "runtime/model.h"
#include "runtime/pipeline.h"

namespace kiln {

// A benchmark without its model has nothing to say.
template <typename T>
T ValueOrDie(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "kiln_bench: %s\n",
               std::string(value.status().message()).c_str());
  std::exit(1);
}

// Random data, weights by the model's initialisers, room for every result.
// Lives as long as benchmarks of it are registered.
struct Subject {
  // For batches of up to `batch` samples and all blocks of the model.
  Subject(const Bundle& bundle, int64_t batch);

  // The arguments of any pipeline. The learning rate is 0: the arithmetic is
  // the same, and the weights stay what they are.
  PipelineCall Call();

  // What Call() gives as the state to read: may be its state_out too where
  // each element is read last where it is written.
  float* InPlaceState() { return state.floats().data(); }

  // The rows of a batch: the first ones.
  absl::Span<const int32_t> Rows(int64_t batch) const {
    return absl::MakeConstSpan(rows).first(batch);
  }

  const Bundle& bundle;
  std::unique_ptr<Model> model;
  int64_t samples = 1, workspace_bytes = 0;
  Dataset data;
  std::unique_ptr<DataBinding> binding;
  AlignedVector<int32_t> rows;
  AlignedVector<float> weight;
  Arena parameters_out, gradient, state, state_out, prepared, workspace;
  float loss = 0;
  std::vector<float> metrics;
  std::vector<AlignedVector<float>> outputs;
  std::vector<float*> output_pointers;
};

}  // namespace kiln

#endif  // KILN_BENCH_SUBJECT_H_
