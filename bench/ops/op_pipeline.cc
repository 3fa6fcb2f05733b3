#include "bench/ops/op_pipeline.h"

#include <numeric>
#include <random>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dsl/ops/input.h"
#include "generators/autoschedule.h"
#include "generators/lowering.h"
#include "generators/one_sample.h"
#include "generators/pipeline.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Buffer;
using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

// The dimensions of a tensor (n, x, y, c), (n, i) or a parameter's, and in
// which order they are stored, innermost first.
struct Layout {
  std::vector<int> extents;
  std::vector<int> order;

  std::vector<int> Strides() const {
    std::vector<int> strides(extents.size());
    int stride = 1;
    for (int d : order) {
      strides[d] = stride;
      stride *= extents[d];
    }
    return strides;
  }
};

// As pipelines store it: the sample innermost; of one sample's image, where its
// lanes are channels, the channel.
Layout LayoutOf(const Lowering& lowering, const TensorType& type) {
  Layout layout;
  layout.extents.assign(type.shape.rbegin(), type.shape.rend());
  if (type.per_sample)
    layout.extents.insert(layout.extents.begin(), lowering.block());
  layout.order.resize(layout.extents.size());
  std::iota(layout.order.begin(), layout.order.end(), 0);
  const bool has_channels_innermost =
      type.per_sample && type.shape.size() == 3 && IsOneSample(lowering) &&
      PixelLanesOf(lowering, type.shape).channels;
  if (has_channels_innermost) layout.order = {3, 0, 1, 2};
  return layout;
}

template <typename Image>
void SetLayout(const Layout& layout, Image image) {
  const std::vector<int> strides = layout.Strides();
  for (size_t d = 0; d < strides.size(); ++d) {
    image.dim(static_cast<int>(d))
        .set_bounds(0, layout.extents[d])
        .set_stride(strides[d]);
  }
  image.set_host_alignment(64);
}

// The inputs of a pipeline, as the pipeline itself would store them. All lanes
// are in use, in order.
class BlockInputs : public InputSource {
 public:
  BlockInputs(const std::vector<Argument>& arguments, int block)
      : block_(block) {
    for (const Argument& argument : arguments) {
      const bool is_tensor = argument.kind == ArgumentKind::kData ||
                             argument.kind == ArgumentKind::kTarget ||
                             argument.kind == ArgumentKind::kParameter;
      if (!is_tensor) continue;
      images_.emplace(
          argument.name,
          Halide::ImageParam(argument.type,
                             static_cast<int>(argument.extents.size()),
                             argument.name));
      arguments_.push_back(argument);
    }
  }

  void SetLayouts(const Graph& graph, const Lowering& lowering) {
    for (const Argument& argument : arguments_) {
      NodeId id = 0;
      while (graph.node(id).name != argument.tensor) ++id;
      const Layout layout = LayoutOf(lowering, graph.node(id).type);
      Halide::ImageParam& image = images_.at(argument.name);
      SetLayout(layout, image);
      for (size_t d = 0; d < layout.extents.size(); ++d)
        image.dim(static_cast<int>(d)).set_estimate(0, layout.extents[d]);
      layouts_[argument.name] = layout;
    }
  }

  Func Buffer(const Argument& argument) override {
    const Var n("n");
    if (argument.kind == ArgumentKind::kIndex) {
      Func index("index");
      index(n) = n;
      return index;
    }
    if (argument.kind == ArgumentKind::kWeight) {
      Func weight("weight");
      weight(n) = 1.0f;
      return weight;
    }
    Halide::ImageParam& image = images_.at(argument.name);
    if (argument.kind == ArgumentKind::kParameter) return image;
    std::vector<Var> vars(argument.extents.size());  // the sample outermost
    std::vector<Expr> at = {vars.back()};
    at.insert(at.end(), vars.begin(), vars.end() - 1);
    Func data(argument.name + "_rows");
    data(vars) = image(at);
    return data;
  }
  Expr Scalar(const Argument&) override { return 1.0f; }
  Expr Samples(const Argument&) override { return block_; }

  const std::vector<Argument>& arguments() const { return arguments_; }
  Halide::ImageParam& image(const std::string& name) {
    return images_.at(name);
  }
  const Layout& layout(const std::string& name) const {
    return layouts_.at(name);
  }

 private:
  const int block_;
  std::vector<Argument> arguments_;
  std::map<std::string, Halide::ImageParam> images_;
  std::map<std::string, Layout> layouts_;
};

// Lowered inputs copy rows of a data set; here they are read where they lie.
void ReadInPlace(const Graph& graph, const Lowering& lowering,
                 BlockInputs& inputs, Func output) {
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    const bool is_input = node.op->name() == "input";
    if (!is_input && node.op->name() != "target") continue;
    const Argument& argument = lowering.argument(
        is_input ? ArgumentKind::kData : ArgumentKind::kTarget, node.name);
    Func direct(CName(node.name) + "_in_place");
    const std::vector<Var> vars = SampleVars(node.type);
    direct(vars) = inputs.image(argument.name)(Exprs(vars));
    for (auto& [name, function] :
         Halide::Internal::build_environment({output.function()})) {
      function.substitute_calls(lowering.func(id).function(),
                                direct.function());
    }
  }
}

bool IsRoot(const Func& func) {
  Halide::LoopLevel level = func.function().schedule().compute_level();
  level.lock();  // as Halide wants before anyone looks
  return level.is_root();
}

// What computes the graph's last node, scheduled.
Func OutputOf(const Graph& graph, const Lowering& lowering) {
  const NodeId last = graph.size() - 1;
  const TensorType& type = graph.node(last).type;
  const Lowered& lowered = lowering.lowered(last);
  const std::vector<Var> vars = NodeVars(type);
  if (type.per_sample && IsRoot(lowered.func)) return lowered.func;
  Func output(CName(graph.node(last).name) + "_out");
  if (!type.per_sample) {
    output(vars) = Halide::undef<float>();
    output(vars) += lowered.func(Exprs(vars));
    if (lowered.tile != nullptr && lowering.fast()) {
      lowered.tile(output, 0);
    } else if (lowered.tile != nullptr) {
      Func(lowered.func).compute_root();
    }
    return output;
  }
  output(vars) = lowered.func(Exprs(vars));
  StoreRoot(lowering, output, type.shape);
  if (lowering.fast())
    UnrollPeriods(output, type, lowered.period_x, lowered.period_y);
  return output;
}

Buffer<> Allocate(const Halide::Type& type, const Layout& layout) {
  if (layout.extents.empty()) return Buffer<>(type, std::vector<int>{});
  return Buffer<>(type, layout.extents, layout.order);
}

// By coordinates, whatever the layout: classes, of which there are two at
// least, or numbers in [-1, 1].
template <typename T>
void FillRandom(Buffer<T> buffer, std::mt19937& random) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  buffer.for_each_element([&](const int* at) {
    if constexpr (std::is_integral_v<T>) {
      buffer(at) = random() & 1;
    } else {
      buffer(at) = uniform(random);
    }
  });
}

Halide::AutoschedulerParams Params(const std::string& schedule) {
  return {schedule, {{"parallelism", "1"}}};
}

}  // namespace

absl::StatusOr<Graph> SingleOpGraph(const Graph& training, NodeId id) {
  const Node& node = training.node(id);
  Graph graph;
  std::map<NodeId, NodeId> copies;
  const auto copy = [&](auto& self, NodeId from,
                        bool as_it_is) -> absl::StatusOr<NodeId> {
    if (const auto found = copies.find(from); found != copies.end())
      return found->second;
    const Node& source = training.node(from);
    const bool is_source =
        source.op->name() == "parameter" || source.op->name() == "target";
    const bool is_integer = source.type.dtype == DType::kInt32;
    OpPtr op = source.op;
    std::vector<NodeId> inputs;
    if (as_it_is || (is_integer && !is_source)) {
      for (NodeId input : source.inputs) {
        absl::StatusOr<NodeId> made = self(self, input, false);
        if (!made.ok()) return made;
        inputs.push_back(*made);
      }
    } else if (!is_source) {
      if (!source.type.per_sample)
        return absl::UnimplementedError("reads what is computed once a batch");
      op = std::make_shared<InputOp>(source.type.shape, InputFormat{});
    }
    absl::StatusOr<NodeId> made =
        graph.Add(std::move(op), std::move(inputs), source.name, source.where);
    if (made.ok()) copies[from] = *made;
    return made;
  };
  absl::StatusOr<NodeId> last = copy(copy, id, true);
  if (!last.ok()) return last.status();
  if (!node.type.per_sample)
    graph.AddOutput(OutputKind::kGradient, node.name, *last);
  return graph;
}

absl::StatusOr<std::unique_ptr<OpPipeline>> OpPipeline::Compile(
    const Graph& graph, int block, const std::string& schedule) {
  const Halide::Target target = Halide::get_jit_target_from_environment();
  const PipelineOptions options = {
      PipelineKind::kGrad, block,
      schedule == "fast" ? Schedule::kFast : Schedule::kNaive, ""};
  const std::vector<Argument> arguments = ListArguments(graph, options);
  BlockInputs inputs(arguments, block);
  Lowering lowering(graph, options, target, inputs);
  inputs.SetLayouts(graph, lowering);
  lowering.Run();
  Func output = OutputOf(graph, lowering);
  ReadInPlace(graph, lowering, inputs, output);

  std::unique_ptr<OpPipeline> made(new OpPipeline());
  const Node& last = graph.nodes().back();
  const Layout layout = LayoutOf(lowering, last.type);
  SetLayout(layout, output.output_buffer());
  if (schedule != "fast" && schedule != "naive") {
    ClearNaiveSchedule({output});
    Halide::Region region;
    for (int extent : layout.extents) region.push_back({0, extent});
    output.set_estimates(region);
    Halide::Pipeline pipeline(output);
    const auto apply = [&] {
      pipeline.apply_autoscheduler(target, Params(schedule));
      return 0;
    };
    const std::string failure = WhyItFails(apply);
    if (!failure.empty()) return absl::UnimplementedError(failure);
    apply();
  }

  std::vector<Halide::Argument> callable_arguments;
  std::mt19937 random(1);
  for (const Argument& argument : inputs.arguments()) {
    callable_arguments.push_back(inputs.image(argument.name));
    Buffer<> buffer = Allocate(argument.type, inputs.layout(argument.name));
    if (argument.type == Halide::Int(32)) {
      FillRandom(Buffer<int32_t>(buffer), random);
    } else {
      FillRandom(Buffer<float>(buffer), random);
    }
    made->traffic_.bytes += static_cast<int64_t>(buffer.size_in_bytes());
    made->inputs_.push_back(buffer);
  }
  made->output_ = Allocate(Halide::Float(32), layout);
  made->output_.fill(0);
  const int64_t output_bytes =
      static_cast<int64_t>(made->output_.size_in_bytes());
  made->traffic_.working_set = made->traffic_.bytes + output_bytes;
  made->traffic_.bytes += (last.type.per_sample ? 1 : 2) * output_bytes;
  made->callable_ = output.compile_to_callable(callable_arguments, target);
  return made;
}

int OpPipeline::Run() {
  std::vector<Buffer<>>& in = inputs_;
  switch (in.size()) {
    case 0:
      return callable_(output_);
    case 1:
      return callable_(in[0], output_);
    case 2:
      return callable_(in[0], in[1], output_);
    case 3:
      return callable_(in[0], in[1], in[2], output_);
    default:
      return -1;
  }
}

}  // namespace kiln
