// One node of a model's training graph as a pipeline by itself, compiled by
// Halide's JIT: what an op costs when nothing is fused with it.
#ifndef KILN_BENCH_OPS_OP_PIPELINE_H_
#define KILN_BENCH_OPS_OP_PIPELINE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "Halide.h"
#include "absl/status/statusor.h"
#include "bench/memory.h"
#include "dsl/graph.h"

namespace kiln {

// The graph of node `id` of `training` and its sources: inputs, parameters and,
// in place of what other nodes compute, inputs of the same type. Integers stay
// what computes them, one node more. Fails for what has no such form.
absl::StatusOr<Graph> SingleOpGraph(const Graph& training, NodeId id);

class OpPipeline {
 public:
  // `graph` is a SingleOpGraph; its last node is computed. Per-sample tensors
  // are read and written as pipelines hold them, so that neither a gather nor a
  // transposition is measured. A parameter's gradient is added to its buffer,
  // as by a grad pipeline. `schedule` is "fast", "naive", "Mullapudi2016" or
  // "Adams2019". An error says why an autoscheduler did not schedule it.
  static absl::StatusOr<std::unique_ptr<OpPipeline>> Compile(
      const Graph& graph, int block, const std::string& schedule);

  // Random inputs, the same for all schedules. 0 or Halide's error code.
  int Run();

  // The output of the last run.
  const Halide::Buffer<float>& output() const { return output_; }
  void ClearOutput() { output_.fill(0); }

  // Every input read once, the output written once; one that is added to is
  // read as well.
  Traffic traffic() const { return traffic_; }

 private:
  OpPipeline() = default;

  std::vector<Halide::Buffer<>> inputs_;
  Halide::Buffer<float> output_;
  Halide::Callable callable_;
  Traffic traffic_;
};

}  // namespace kiln

#endif  // KILN_BENCH_OPS_OP_PIPELINE_H_
