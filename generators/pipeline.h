// A whole pipeline: the graph's Funcs and the outputs of its kind, scheduled.
#ifndef KILN_GENERATORS_PIPELINE_H_
#define KILN_GENERATORS_PIPELINE_H_

#include <map>
#include <string>
#include <vector>

#include "Halide.h"
#include "dsl/graph.h"
#include "generators/arguments.h"
#include "generators/lowering.h"

namespace kiln {

// Lowers `graph`, a PipelineGraph of options.kind. The Funcs are the pipeline's
// outputs, in the order of the output arguments of ListArguments(graph,
// options). The schedules chosen go to `choices` unless it is null.
std::vector<Halide::Func> BuildPipeline(
    const Graph& graph, const PipelineOptions& options,
    const Halide::Target& target, InputSource& inputs,
    std::vector<ScheduleChoice>* choices = nullptr);

// A buffer argument's constraints: dense, zero-based, extents as listed,
// innermost stride 1.
template <typename BufferLike>
void Constrain(BufferLike& buffer, const Argument& argument) {
  int stride = 1;
  for (size_t d = 0; d < argument.extents.size(); ++d) {
    const int extent = argument.extents[d];
    buffer.dim(static_cast<int>(d)).set_min(0).set_stride(stride);
    if (extent == kAnyExtent) continue;
    buffer.dim(static_cast<int>(d)).set_extent(extent);
    stride *= extent;
  }
}

// Inputs as ImageParams and Params, to run a pipeline by JIT: for tests. The
// workspace is not used: allocations are Halide's own.
class JitInputs : public InputSource {
 public:
  explicit JitInputs(const std::vector<Argument>& arguments);
  Halide::Func Buffer(const Argument& argument) override {
    return images_.at(argument.name);
  }
  Halide::Expr Scalar(const Argument& argument) override {
    const auto word = words_.find(argument.name);
    if (word != words_.end()) return word->second;
    return scalars_.at(argument.name);
  }
  Halide::Expr Samples(const Argument& argument) override;

  // By the argument's name.
  void Set(const std::string& name, const Halide::Buffer<>& buffer) {
    images_.at(name).set(buffer);
  }
  void Set(const std::string& name, float value) {
    scalars_.at(name).set(value);
  }
  void SetWord(const std::string& name, uint32_t value) {
    words_.at(name).set(value);
  }

 private:
  std::map<std::string, Halide::ImageParam> images_;
  std::map<std::string, Halide::Param<float>> scalars_;
  std::map<std::string, Halide::Param<uint32_t>> words_;
};

}  // namespace kiln

#endif  // KILN_GENERATORS_PIPELINE_H_
