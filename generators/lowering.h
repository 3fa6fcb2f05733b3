// Graph -> Halide Funcs. Inside a pipeline every per-sample tensor is laid out
// with the sample innermost: an image is f(n, x, y, c), a vector f(n, i), a
// scalar f(n), with n in [0, block). Parameters keep PyTorch's row-major
// layout: the convolution weight is w(x, y, in, out), the dense weight w(in,
// out).
#ifndef KILN_GENERATORS_LOWERING_H_
#define KILN_GENERATORS_LOWERING_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "Halide.h"
#include "dsl/graph.h"
#include "generators/arguments.h"
#include "generators/schedule.h"
#include "generators/schedule_record.h"

namespace kiln {

// Where a pipeline's inputs come from: a generator's inputs, or ImageParams in
// tests.
class InputSource {
 public:
  virtual ~InputSource() = default;
  virtual Halide::Func Buffer(const Argument& argument) = 0;
  virtual Halide::Expr Scalar(const Argument& argument) = 0;
  // Rows of a data or target buffer: the extent of its outermost dimension.
  virtual Halide::Expr Samples(const Argument& argument) = 0;
};

// What an op's lowering gives back.
struct Lowered {
  Halide::Func func;
  // Set when `func` accumulates and should be computed inside the tiles of
  // whatever stores it: schedules both. The consumer has the dimensions of
  // `func`; `stage` -1 is its pure definition, k its k-th update.
  std::function<void(Halide::Func consumer, int stage)> tile = nullptr;
  // Of a func that is inlined: the step in x and y after which its index
  // arithmetic repeats, for the consumer to unroll.
  int period_x = 1;
  int period_y = 1;
  int rows_together = 1;  // of one with a `tile`, that are computed at once
  // Of a parameter's gradient, the consumer's loops of `tile` alone: for one
  // more consumer of the same tiles. Gives the variable of the tiles.
  std::function<Halide::Var(Halide::Func consumer, int stage)> loops = nullptr;
};

// An accumulator of a parameter's gradient: `loops` are the consumer's, in
// which `attach` computes it.
Lowered GradientTiles(
    Halide::Func func,
    std::function<Halide::Var(Halide::Func consumer, int stage)> loops,
    std::function<void(const Halide::LoopLevel& tile)> attach);

class Lowering {
 public:
  Lowering(const Graph& graph, const PipelineOptions& options,
           const Halide::Target& target, InputSource& inputs);

  // Defines and schedules a Func for every node. The accumulators of gradients
  // are left to FinishGradient.
  void Run();

  // What ops ask for.
  const Graph& graph() const { return graph_; }
  int block() const { return options_.block; }
  bool fast() const { return options_.schedule == Schedule::kFast; }
  // Whether parameters' gradients go to a state that may be written where it is
  // read: each element must be computed once.
  bool updates_in_place() const { return !options_.optimizer.empty(); }
  Halide::Type real() const { return real_; }
  int vector_size() const { return vector_size_; }
  int registers() const { return registers_; }
  NodeId IdOf(const Node& node) const {
    return static_cast<NodeId>(&node - graph_.nodes().data());
  }
  const Halide::Func& func(NodeId id) const { return lowered_[id].func; }
  const Halide::Func& input(const Node& node, int i) const {
    return lowered_[node.inputs[i]].func;
  }
  const TensorType& type(NodeId id) const { return graph_.node(id).type; }
  InputSource& inputs() { return inputs_; }
  const Argument& argument(ArgumentKind kind,
                           const std::string& tensor = "") const;
  Halide::Expr Scalar(ArgumentKind kind) {
    return inputs_.Scalar(argument(kind));
  }

  // Row of the data set that lane n reads, always inside the data set.
  Halide::Expr SampleRow(const Halide::Expr& n, const Argument& data) const;
  // The same as the data set's owner numbers it.
  Halide::Expr Row(const Halide::Expr& n) const { return index_(n); }
  // The lane's weight: 0 past the end of the batch.
  Halide::Expr SampleWeight(const Halide::Expr& n) const {
    return Halide::cast(real_, weight_(n));
  }

  // The vector f(n, i) of a node as g(i, n), stored so: what reads a sample's
  // features as lanes shares it. Where a node has defined `shared(<its name> +
  // "_features")` as an inlined g(i, n), that is stored: nothing is transposed.
  Halide::Func Transposed(NodeId id);
  // That inlined g(i, n) itself, for who stores a part at a time; undefined
  // where there is none, or where all of it is stored already.
  Halide::Func Features(NodeId id);

  // Where an adjoint that only its parameters' gradients read is computed: a
  // few rows at a time, inside the loop over `chunks` of a weight gradient's
  // `partial`. Null: at the root.
  struct RowLoop {
    Halide::Func partial;
    Halide::RVar chunks;
    int rows;  // in each
  };
  const RowLoop* RowLoopOf(NodeId adjoint) const {
    const auto found = row_loops_.find(adjoint);
    return found == row_loops_.end() ? nullptr : &found->second;
  }
  void SetRowLoop(NodeId adjoint, RowLoop loop) {
    row_loops_.emplace(adjoint, std::move(loop));
  }
  // Whether that may be: a pointwise op whose readers are all gradients of
  // parameters.
  bool OnlyFeedsGradients(NodeId adjoint) const;

  // Sums over `rows` rows each of a dense layer's weight(i, o), as f(i, o /
  // rows): computed in the loop over those rows in which the weight is updated,
  // so that both read them once.
  struct RowSums {
    Halide::Func func;
    int rows;
  };
  const RowSums* RowSumsOf(NodeId weight) const {
    const auto found = row_sums_.find(weight);
    return found == row_sums_.end() ? nullptr : &found->second;
  }
  void SetRowSums(NodeId weight, RowSums sums) {
    row_sums_.emplace(weight, std::move(sums));
  }
  // Whether the pipeline updates the weight, with momentum, by a gradient of
  // `adjoint` alone: such sums are then there in time.
  bool UpdatesBy(NodeId weight, NodeId adjoint) const;

  // How to compute the node: what the schedule record says, if that is one of
  // `families`, else the first of them as computed. Of a naive schedule always
  // that. Every choice is kept, see choices().
  NodeSchedule ScheduleOf(const Node& node,
                          const std::vector<Family>& families);
  // Of a node that is computed in one way alone.
  Tile TileOf(const Node& node, const TileSpace& space,
              std::optional<Tile> rule = std::nullopt) {
    return ScheduleOf(node, {{"", space, rule}}).tile;
  }
  const std::vector<ScheduleChoice>& choices() const { return choices_; }

  // The accumulator of an input that left it to its consumer, if any.
  const Lowered* PendingInput(const Node& node) const;

  // Whether the node's one reader is a pointwise op, so that its index
  // arithmetic is best inlined there.
  bool OnlyFeedsPointwise(const Node& node) const;

  // A Func that several nodes read, by its name; undefined until the first
  // defines it.
  Halide::Func& shared(const std::string& name) { return shared_[name]; }

  // The gradient accumulators, for the pipeline's outputs to tile.
  const Lowered& lowered(NodeId id) const { return lowered_[id]; }

 private:
  void Store(NodeId id);
  bool LeavesToConsumer(NodeId id) const;
  int OutputCount(NodeId id) const;

  const Graph& graph_;
  const PipelineOptions options_;
  InputSource& inputs_;
  const Halide::Type real_;
  const int vector_size_;
  const int registers_;
  const std::vector<Argument> arguments_;
  const std::vector<std::vector<NodeId>> users_;
  Halide::Func index_, weight_;
  std::vector<Lowered> lowered_;
  std::map<NodeId, RowLoop> row_loops_;
  std::map<NodeId, RowSums> row_sums_;
  std::vector<ScheduleChoice> choices_;  // a log
  std::map<std::string, Halide::Func> shared_;
};

// Lowers one node; looked up by the op's name in the registry (registry.cc),
// one line an op.
using LowerOp = Lowered (*)(Lowering& lowering, const Node& node);
LowerOp FindLowering(absl::string_view op);

// Pure variables of a per-sample tensor: n, then the extents innermost first
// (n, x, y, c or n, i or n).
std::vector<Halide::Var> SampleVars(const TensorType& type);
// The same without n, for parameters.
std::vector<Halide::Var> ParameterVars(const TensorType& type);
// Either, by the type.
std::vector<Halide::Var> NodeVars(const TensorType& type);
// A call's arguments: the variables as expressions.
std::vector<Halide::Expr> Exprs(const std::vector<Halide::Var>& vars);

}  // namespace kiln

#endif  // KILN_GENERATORS_LOWERING_H_
