#include "generators/lowering.h"

#include <algorithm>

#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

Lowering::Lowering(const Graph& graph, const PipelineOptions& options,
                   const Halide::Target& target, InputSource& inputs)
    : graph_(graph),
      options_(options),
      inputs_(inputs),
      real_(RealType(options.kind)),
      vector_size_(target.natural_vector_size(Halide::Float(32))),
      registers_(VectorRegisters(target)),
      arguments_(ListArguments(graph, options)),
      users_(graph.Users()),
      lowered_(graph.size()) {
  if (options.kind == PipelineKind::kPrepare) return;  // reads no samples
  index_ = inputs_.Buffer(argument(ArgumentKind::kIndex));
  if (options.kind != PipelineKind::kInfer)
    weight_ = inputs_.Buffer(argument(ArgumentKind::kWeight));
}

const Argument& Lowering::argument(ArgumentKind kind,
                                   const std::string& tensor) const {
  return *std::find_if(
      arguments_.begin(), arguments_.end(),
      [&](const Argument& a) { return a.kind == kind && a.tensor == tensor; });
}

Expr Lowering::SampleRow(const Expr& n, const Argument& data) const {
  return Halide::clamp(index_(n), 0, inputs_.Samples(data) - 1);
}

void Lowering::Run() {
  for (NodeId id = 0; id < graph_.size(); ++id) {
    const Node& node = graph_.node(id);
    lowered_[id] = FindLowering(node.op->name())(*this, node);
    if (lowered_[id].tile && !LeavesToConsumer(id)) Store(id);
  }
}

int Lowering::OutputCount(NodeId id) const {
  return static_cast<int>(
      std::count_if(graph_.outputs().begin(), graph_.outputs().end(),
                    [&](const Output& output) { return output.node == id; }));
}

bool Lowering::UpdatesBy(NodeId weight, NodeId adjoint) const {
  if (options_.optimizer != "momentum") return false;
  for (const Output& output : graph_.outputs()) {
    if (output.kind != OutputKind::kGradient ||
        output.name != graph_.node(weight).name)
      continue;
    const Node& gradient = graph_.node(output.node);
    return gradient.op->name() == "dense_weight_grad" &&
           gradient.inputs[1] == adjoint;
  }
  return false;
}

bool Lowering::OnlyFeedsPointwise(const Node& node) const {
  const NodeId id = IdOf(node);
  if (users_[id].size() != 1 || OutputCount(id) > 0) return false;
  return graph_.node(users_[id][0]).op->name() == "pointwise";
}

bool Lowering::OnlyFeedsGradients(NodeId adjoint) const {
  if (graph_.node(adjoint).op->name() != "pointwise") return false;
  if (OutputCount(adjoint) > 0) return false;
  int weights = 0;
  for (NodeId user : users_[adjoint]) {
    const absl::string_view op = graph_.node(user).op->name();
    const bool is_weight = op == "conv2d_weight_grad";
    weights += is_weight ? 1 : 0;
    if ((!is_weight && op != "batch_sum") || OutputCount(user) != 1)
      return false;
  }
  return weights == 1;
}

// An accumulator with one user, a pointwise op, is computed in that op's tiles:
// bias, sum and activation in registers. Of several accumulators that meet in
// one pointwise op the last is. A parameter's gradient is computed in the tiles
// of the output that it updates, but for a convolution's kernels: a tile of
// them is short runs far apart, so they are stored and updated in whole
// vectors.
bool Lowering::LeavesToConsumer(NodeId id) const {
  if (!graph_.node(id).type.per_sample) {
    const bool runs = graph_.node(id).op->name() == "conv2d_weight_grad";
    return users_[id].empty() && OutputCount(id) == 1 && !(fast() && runs);
  }
  if (!OnlyFeedsPointwise(graph_.node(id))) return false;
  const Node& user = graph_.node(users_[id][0]);
  return *std::max_element(user.inputs.begin(), user.inputs.end()) == id;
}

// Stores an accumulator's tiles in a Func of the node's own name.
void Lowering::Store(NodeId id) {
  const Node& node = graph_.node(id);
  const Lowered accumulator = lowered_[id];
  const std::vector<Var> vars = NodeVars(node.type);
  Func stored(CName(node.name) + "_stored");
  stored(vars) = accumulator.func(Exprs(vars));

  stored.compute_root();
  if (fast()) {
    accumulator.tile(stored, -1);
  } else {
    Func(accumulator.func).compute_root();
  }
  lowered_[id] = {stored};
}

Func Lowering::Transposed(NodeId id) {
  const Var n("n"), i("i");
  const std::string name = CName(graph_.node(id).name);
  Func& transposed = shared(name + "_transposed");
  if (transposed.defined()) return transposed;
  transposed = Func(name + "_transposed");
  if (const Func& features = shared(name + "_features"); features.defined()) {
    transposed(i, n) = features(i, n);
    transposed.compute_root();
    if (fast())
      transposed.vectorize(i, VectorDivisor(type(id).shape[0], vector_size_));
    return transposed;
  }
  Func rows(name + "_rows");
  rows(i, n) = func(id)(n, i);
  transposed(i, n) = rows(i, n);

  transposed.compute_root();
  if (fast()) {
    StoreTransposed(*this, transposed, i, type(id).shape[0], rows, n, block());
  }
  return transposed;
}

Func Lowering::Features(NodeId id) {
  const std::string name = CName(graph_.node(id).name);
  return shared(name + "_transposed").defined() ? Func()
                                                : shared(name + "_features");
}

NodeSchedule Lowering::ScheduleOf(const Node& node,
                                  const std::vector<Family>& families) {
  const NodeSchedule computed = ComputedSchedule(families[0], registers_);
  if (!fast()) return computed;
  ScheduleChoice choice{CName(node.name), ComputationOf(graph_, node), families,
                        computed, computed};
  if (options_.tuned != nullptr) {
    const NodeSchedule* tuned = options_.tuned->Find(
        options_, choice.node, choice.computation, families, registers_);
    choice.is_tuned = tuned != nullptr;
    if (choice.is_tuned) choice.chosen = *tuned;
  }
  choices_.push_back(choice);
  return choice.chosen;
}

const Lowered* Lowering::PendingInput(const Node& node) const {
  for (NodeId input : node.inputs) {
    if (lowered_[input].tile) return &lowered_[input];
  }
  return nullptr;
}

Lowered GradientTiles(
    Func func, std::function<Var(Func consumer, int stage)> loops,
    std::function<void(const Halide::LoopLevel& tile)> attach) {
  Lowered lowered{func};
  lowered.tile = [=](Func consumer, int stage) {
    attach(Halide::LoopLevel(consumer, loops(consumer, stage)));
  };
  lowered.loops = loops;
  return lowered;
}

std::vector<Var> ParameterVars(const TensorType& type) {
  static const char* const kNames[4][4] = {
      {"i"}, {"i", "o"}, {"x", "y", "c"}, {"kx", "ky", "ci", "co"}};
  std::vector<Var> vars;
  const size_t rank = type.shape.size();
  for (size_t i = 0; i < rank; ++i) vars.emplace_back(kNames[rank - 1][i]);
  return vars;
}

std::vector<Var> SampleVars(const TensorType& type) {
  std::vector<Var> vars = ParameterVars(type);
  vars.insert(vars.begin(), Var("n"));
  return vars;
}

std::vector<Var> NodeVars(const TensorType& type) {
  return type.per_sample ? SampleVars(type) : ParameterVars(type);
}

std::vector<Expr> Exprs(const std::vector<Var>& vars) {
  return {vars.begin(), vars.end()};
}

}  // namespace kiln
