#include "generators/pipeline.h"

#include <algorithm>

#include "dsl/ops/parameter.h"
#include "generators/math.h"
#include "generators/one_sample.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

class PipelineBuilder {
 public:
  PipelineBuilder(const Graph& graph, const PipelineOptions& options,
                  const Halide::Target& target, InputSource& inputs)
      : graph_(graph),
        options_(options),
        lowering_(graph, options, target, inputs) {}

  std::vector<Func> Run() {
    lowering_.Run();
    for (const Argument& argument : ListArguments(graph_, options_)) {
      if (IsOutput(argument)) funcs_.push_back(OutputFunc(argument));
    }
    return std::move(funcs_);
  }

  const std::vector<ScheduleChoice>& choices() const {
    return lowering_.choices();
  }

 private:
  NodeId OutputNode(OutputKind kind, const std::string& name) const {
    for (const Output& output : graph_.outputs()) {
      if (output.kind == kind &&
          (kind == OutputKind::kLoss || output.name == name))
        return output.node;
    }
    return -1;
  }

  Func OutputFunc(const Argument& argument) {
    switch (argument.kind) {
      case ArgumentKind::kOutput:
        return Head(argument);
      case ArgumentKind::kLoss:
        return WeightedTotal(argument, OutputNode(OutputKind::kLoss, ""));
      case ArgumentKind::kMetric:
        return WeightedTotal(argument,
                             OutputNode(OutputKind::kMetric, argument.tensor));
      case ArgumentKind::kGradient:
        return Gradient(argument);
      case ArgumentKind::kParameterOut:
        return UpdatedParameter(argument);
      case ArgumentKind::kPreparedOut:
        return Prepared(argument);
      case ArgumentKind::kBufferOut:
        return NextState(argument);
      case ArgumentKind::kTrace:
        return TracedNode(argument);
      default:
        return UpdatedMomentum(argument);
    }
  }

  // The model's output as its user expects it: the sample outermost.
  Func Head(const Argument& argument) {
    const NodeId node = OutputNode(OutputKind::kHead, argument.tensor);
    const std::vector<Var> from = SampleVars(lowering_.type(node));
    std::vector<Var> to(from.begin() + 1, from.end());
    to.push_back(from[0]);
    Func head(argument.name);
    head(to) = MarkStrict(lowering_.func(node)(Exprs(from)));
    return head;
  }

  // A copy, since other prepared tensors may read it too.
  Func Prepared(const Argument& argument) {
    const NodeId node = OutputNode(OutputKind::kPrepared, argument.tensor);
    const std::vector<Var> vars = ParameterVars(lowering_.type(node));
    Func prepared(argument.name);
    prepared(vars) = MarkStrict(lowering_.func(node)(Exprs(vars)));
    return prepared;
  }

  // The sum over the lanes, those past the end of the batch left out whatever
  // they hold.
  Func WeightedTotal(const Argument& argument, NodeId node) {
    const RDom lane(0, lowering_.block(), "lane");
    Func total(argument.name);
    total() = Halide::Internal::make_const(argument.type, 0);
    const Expr value = Halide::cast(argument.type, lowering_.func(node)(lane));
    const Expr weight =
        Halide::cast(argument.type, lowering_.SampleWeight(lane));
    total() = StrictAdd(
        total(), Halide::select(weight == 0,
                                Halide::Internal::make_const(argument.type, 0),
                                StrictMul(weight, value)));
    return total;
  }

  // Written whole, by each call.
  Func NextState(const Argument& argument) {
    const NodeId node = OutputNode(OutputKind::kState, argument.tensor);
    const std::vector<Var> vars = ParameterVars(lowering_.type(node));
    Func next(argument.name);
    next(vars) = lowering_.func(node)(Exprs(vars));
    return next;
  }

  // The value of any node, of the one sample there is.
  Func TracedNode(const Argument& argument) {
    NodeId id = 0;
    while (graph_.node(id).name != argument.tensor) ++id;
    const TensorType& type = lowering_.type(id);
    const std::vector<Var> vars = ParameterVars(type);
    std::vector<Expr> from = Exprs(vars);
    if (type.per_sample) from.insert(from.begin(), Expr(0));
    Func traced(argument.name);
    traced(vars) = Halide::cast(argument.type, lowering_.func(id)(from));

    // A parameter's gradient is written as it is summed: it may be large, and
    // is never held twice.
    const Lowered& lowered = lowering_.lowered(id);
    if (lowered.tile != nullptr && !type.per_sample)
      Func(lowered.func).compute_at(traced, vars[0]);
    return traced;
  }

  // Accumulated into what the buffer holds, so that blocks of one batch add up;
  // the first of them into zero.
  Func Gradient(const Argument& argument) {
    const NodeId node = OutputNode(OutputKind::kGradient, argument.tensor);
    const std::vector<Var> vars = ParameterVars(lowering_.type(node));
    Func gradient(argument.name);
    gradient(vars) = Halide::undef<float>();
    const Expr sum = lowering_.func(node)(Exprs(vars));
    // By its bits, so that a NaN is dropped too. LLVM makes branches of a
    // select.
    const Expr held = Halide::reinterpret<float>(
        Halide::reinterpret<uint32_t>(gradient(vars)) &
        lowering_.Scalar(ArgumentKind::kAccumulate));
    // A product that is nowhere stored is one multiply-add.
    gradient(vars) = lowering_.lowered(node).tile != nullptr
                         ? StrictAdd(held, sum)
                         : held + sum;

    ScheduleGradient(node, gradient, 0);
    return gradient;
  }

  // p - lr v, with v = mu v_in + (g + wd p); without momentum v is the gradient
  // itself.
  Func UpdatedParameter(const Argument& argument) {
    const NodeId node = OutputNode(OutputKind::kGradient, argument.tensor);
    const std::vector<Var> vars = ParameterVars(lowering_.type(node));
    const Expr rate = lowering_.Scalar(ArgumentKind::kLearningRate) *
                      static_cast<float>(Spec(argument.tensor).lr_multiplier);
    Func updated(argument.name);
    if (options_.optimizer == "momentum" && lowering_.fast()) {
      // The velocity is computed once more instead of read: one pass over
      // memory for both. Before the velocity itself, which may be written in
      // place.
      updated(vars) = Parameter(argument.tensor, vars) -
                      rate * NewVelocity(argument.tensor, vars);

      const Shape& shape = lowering_.type(node).shape;
      Func velocity = Momentum(argument.tensor);
      // Known to be of one size, so that the tiles of one hold those of both.
      for (Func output : {updated, velocity}) {
        for (size_t d = 0; d < vars.size(); ++d)
          output.bound(vars[d], 0, argument.extents[d]);
      }
      ScheduleGradient(node, updated, -1);
      if (!shape.empty())
        velocity.compute_with(updated, LoopsOf(node, velocity));
      const Lowering::RowSums* sums =
          lowering_.RowSumsOf(lowering_.IdOf(Trained(argument.tensor)));
      if (sums != nullptr) {
        const Var rows = vars.back(), row("row");
        for (Func output : {updated, velocity})
          output.split(rows, rows, row, sums->rows);
        Func(sums->func).compute_with(updated, rows);
      }
    } else if (options_.optimizer == "momentum") {
      Func velocity = Momentum(argument.tensor);
      updated(vars) =
          Parameter(argument.tensor, vars) - rate * velocity(Exprs(vars));

      ScheduleGradient(node, velocity, -1);
    } else {
      updated(vars) = Parameter(argument.tensor, vars) -
                      rate * DecayedGradient(node, argument.tensor, vars);

      ScheduleGradient(node, updated, -1);
    }
    return updated;
  }

  Func UpdatedMomentum(const Argument& argument) {
    return Momentum(argument.tensor);
  }

  // The updated velocity, an output of its own; UpdatedParameter schedules it.
  Func Momentum(const std::string& tensor) {
    auto [entry, is_new] =
        momentum_.try_emplace(tensor, CName(tensor) + "_momentum_out");
    if (!is_new) return entry->second;
    const NodeId node = OutputNode(OutputKind::kGradient, tensor);
    const std::vector<Var> vars = ParameterVars(lowering_.type(node));
    entry->second(vars) = NewVelocity(tensor, vars);
    return entry->second;
  }

  Expr NewVelocity(const std::string& tensor, const std::vector<Var>& vars) {
    Func old = lowering_.inputs().Buffer(
        lowering_.argument(ArgumentKind::kStateIn, tensor));
    return lowering_.Scalar(ArgumentKind::kMomentum) * old(Exprs(vars)) +
           DecayedGradient(OutputNode(OutputKind::kGradient, tensor), tensor,
                           vars);
  }

  // Whether the gradient is there, to be read in whole vectors.
  bool IsStored(NodeId node) const {
    return IsOneSample(lowering_) ||
           (lowering_.fast() && lowering_.lowered(node).tile == nullptr);
  }

  Var LoopsOf(NodeId node, Func consumer) {
    if (IsStored(node))
      return StoreParameter(lowering_, consumer, -1,
                            lowering_.type(node).shape);
    return lowering_.lowered(node).loops(consumer, -1);
  }

  Expr Parameter(const std::string& tensor, const std::vector<Var>& vars) {
    return lowering_.inputs().Buffer(
        lowering_.argument(ArgumentKind::kParameter, tensor))(Exprs(vars));
  }

  Expr DecayedGradient(NodeId node, const std::string& tensor,
                       const std::vector<Var>& vars) {
    return StrictAdd(
        lowering_.func(node)(Exprs(vars)),
        lowering_.Scalar(ArgumentKind::kWeightDecay) *
            static_cast<float>(Spec(tensor).weight_decay_multiplier) *
            Parameter(tensor, vars));
  }

  // The trained tensor that a gradient is for.
  const Node& Trained(const std::string& tensor) const {
    return *std::find_if(graph_.nodes().begin(), graph_.nodes().end(),
                         [&](const Node& node) { return node.name == tensor; });
  }
  const ParameterSpec& Spec(const std::string& tensor) const {
    return static_cast<const ParameterOp&>(*Trained(tensor).op).spec();
  }

  void ScheduleGradient(NodeId node, Func consumer, int stage) {
    const Lowered& lowered = lowering_.lowered(node);
    if (IsStored(node)) {
      StoreParameter(lowering_, consumer, stage, lowering_.type(node).shape);
      return;
    }
    if (lowered.tile == nullptr) return;
    if (lowering_.fast()) {
      lowered.tile(consumer, stage);
    } else {
      Func(lowered.func).compute_root();
    }
  }

  const Graph& graph_;
  const PipelineOptions options_;
  Lowering lowering_;
  std::map<std::string, Func> momentum_;
  std::vector<Func> funcs_;
};

}  // namespace

std::vector<Func> BuildPipeline(const Graph& graph,
                                const PipelineOptions& options,
                                const Halide::Target& target,
                                InputSource& inputs,
                                std::vector<ScheduleChoice>* choices) {
  PipelineBuilder builder(graph, options, target, inputs);
  std::vector<Func> funcs = builder.Run();
  if (choices != nullptr) *choices = builder.choices();
  return funcs;
}

JitInputs::JitInputs(const std::vector<Argument>& arguments) {
  for (const Argument& argument : arguments) {
    if (IsOutput(argument) || argument.kind == ArgumentKind::kWorkspace)
      continue;
    if (argument.is_buffer) {
      Halide::ImageParam image(argument.type,
                               static_cast<int>(argument.extents.size()),
                               argument.name);
      Constrain(image, argument);
      images_.emplace(argument.name, image);
    } else if (argument.type == Halide::UInt(32)) {
      words_.emplace(argument.name, Halide::Param<uint32_t>(argument.name));
    } else {
      scalars_.emplace(argument.name, Halide::Param<float>(argument.name));
    }
  }
}

Expr JitInputs::Samples(const Argument& argument) {
  const Halide::ImageParam& image = images_.at(argument.name);
  return image.dim(image.dimensions() - 1).extent();
}

}  // namespace kiln
