// What the stages of a profiled pipeline are of: nodes, phase, FLOPs and bytes,
// for the verb `profile`.
#ifndef KILN_GENERATORS_STAGE_TABLE_H_
#define KILN_GENERATORS_STAGE_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/graph.h"

namespace kiln {

// A profiled pipeline, as its record has it.
struct ProfiledFuncs {
  int64_t block = 1;
  std::vector<std::string> stages;              // see ProfilePass
  std::vector<std::vector<std::string>> parts;  // of each stage
  struct Output {
    std::string func;    // the argument's name
    std::string kind;    // "gradient", "parameter_out", ...
    std::string tensor;  // that it is of
  };
  std::vector<Output> outputs = {};
  struct Allocation {
    std::string func;
    int64_t bytes = 0;
  };
  std::vector<Allocation> allocations = {};
};

struct Stage {
  std::string name;  // of its Func
  // The nodes that it computes, in graph order. A node without a Func of its
  // own counts where the first node that reads it is computed. None: a helper,
  // which packs, transposes or pads the node `of` or is an intermediate result
  // of it. `of` is "" where the name does not tell.
  std::vector<std::string> nodes;
  std::string of;
  std::string phase;  // "forward", "backward", "update" or, where a gradient is
                      // applied as it is finished, "backward+update"
  // Of one call. Each node's FLOPs count in one stage, though others may
  // compute parts of it again: useful FLOPs add up to those of a step.
  int64_t flops = 0, useful_flops = 0;
  // Tensors that it reads and that it writes for others or for its caller, each
  // once, whatever the caches do.
  int64_t bytes = 0;
};

// `graph` is the pipeline's, `forward` the forward nodes' graph.
std::vector<Stage> StageTable(const Graph& graph, const Graph& forward,
                              const ProfiledFuncs& pipeline);

}  // namespace kiln

#endif  // KILN_GENERATORS_STAGE_TABLE_H_
