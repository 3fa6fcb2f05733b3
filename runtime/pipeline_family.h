// The pipelines of one kind, one per block size, and how they share a batch.

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
  void Add(Pipeline pipeline) {
    blocks_.push_back(pipeline.spec().block);
    pipelines_.push_back(std::move(pipeline));
  }

  bool empty() const { return pipelines_.empty(); }
  Pipeline& at(int i) { return pipelines_[i]; }

  // Null when there is none with this block.
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
  const BatchPlan& Plan(int64_t batch, int64_t arena_floats) {
    auto found = plans_.find(batch);
    if (found == plans_.end()) {
      found = plans_
                  .emplace(batch, whole_batch_
                                      ? PlanWholeBatch(batch, blocks_)
                                      : PlanBatch(batch, blocks_, arena_floats))
                  .first;
    }
    return found->second;
  }

 private:
  std::vector<Pipeline> pipelines_;
  std::vector<int64_t> blocks_;
  bool whole_batch_ = false;
  std::map<int64_t, BatchPlan> plans_;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_PIPELINE_FAMILY_H_
