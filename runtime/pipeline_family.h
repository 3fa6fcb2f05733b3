// The pipelines of one kind, one per block size, each once for every worker
// (parallel.h), and how they share a batch.

#ifndef KILN_RUNTIME_PIPELINE_FAMILY_H_
#define KILN_RUNTIME_PIPELINE_FAMILY_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "runtime/batch_plan.h"
#include "runtime/pipeline.h"

namespace kiln {
inline namespace runtime {

class PipelineFamily {
 public:
  // Before any EnsureWorkers.
  void Add(Pipeline pipeline) {
    blocks_.push_back(pipeline.spec().block);
    pipelines_.push_back(std::move(pipeline));
  }

  // Gives each worker in [0, workers) pipelines of its own.
  void EnsureWorkers(int workers) {
    const size_t blocks = blocks_.size();
    while (pipelines_.size() < workers * blocks)
      pipelines_.push_back(pipelines_[pipelines_.size() % blocks].Clone());
  }

  bool empty() const { return pipelines_.empty(); }
  // That of block i in the order of Add, for a worker.
  Pipeline& at(int i, int worker = 0) {
    return pipelines_[worker * blocks_.size() + i];
  }

  // Worker 0's; null when there is none with this block.
  Pipeline* FindBlock(int64_t block) {
    for (Pipeline& pipeline : pipelines_) {
      if (pipeline.spec().block == block) return &pipeline;
    }
    return nullptr;
  }

  // From now on a batch is one block, the smallest that holds it. A plan
  // without blocks says that there is none.
  void NeedWholeBatch() { whole_batch_ = true; }
  int64_t LargestBlock() const {
    return *std::max_element(blocks_.begin(), blocks_.end());
  }

  // PlanBatch with these blocks; planned, and allocated, once per batch size.
  const BatchPlan& Plan(int64_t batch, const BatchWork& work) {
    auto found = plans_.find(batch);
    if (found == plans_.end()) {
      found =
          plans_
              .emplace(batch, whole_batch_ ? PlanWholeBatch(batch, blocks_)
                                           : PlanBatch(batch, blocks_, work))
              .first;
    }
    return found->second;
  }

 private:
  std::vector<Pipeline> pipelines_;  // all blocks of worker 0, of 1, ...
  std::vector<int64_t> blocks_;
  bool whole_batch_ = false;
  std::map<int64_t, BatchPlan> plans_;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PIPELINE_FAMILY_H_
