#include "dsl/recompute.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dsl/analysis.h"
#include "dsl/liveness.h"
#include "dsl/ops/regather.h"
#include "dsl/passes.h"

namespace kiln {

namespace {

// Whether backward nodes may read a clone instead.
bool MayDrop(const Node& node) {
  static constexpr absl::string_view kKept[] = {"parameter", "prepared",
                                                "target", "sample_weight"};
  return node.type.per_sample && std::find(std::begin(kKept), std::end(kKept),
                                           node.op->name()) == std::end(kKept);
}

class Recomputer {
 public:
  Recomputer(const Graph& from, const std::set<std::string>& dropped)
      : from_(from),
        backward_(BackwardNodes(from)),
        seam_(static_cast<NodeId>(
            std::find(backward_.begin(), backward_.end(), true) -
            backward_.begin())),
        keeping_(KeepingOf(from)),
        dropped_(dropped),
        kept_(from.size()),
        to_(from.size(), -1),
        clone_(from.size(), -1) {
    for (const Node& node : from.nodes()) names_.insert(CName(node.name));
    for (NodeId id = 0; id < from.size(); ++id) kept_[id] = IsKept(id);
  }

  Graph Run() {
    for (NodeId id = 0; id < from_.size(); ++id) {
      if (id == seam_) AddClones();
      const Node& node = from_.node(id);
      std::vector<NodeId> inputs;
      for (NodeId input : node.inputs)
        inputs.push_back(backward_[id] ? ForBackward(input) : to_[input]);
      to_[id] = Add(node.op, std::move(inputs), node.name, node.where);
    }
    for (const Output& output : from_.outputs())
      graph_.AddOutput(output.kind, output.name, to_[output.node]);
    return EliminateDeadCode(graph_);
  }

 private:
  bool IsKept(NodeId id) const {
    const Node& node = from_.node(id);
    if (!MayDrop(node)) return true;
    if (dropped_.count(node.name) > 0) return false;
    // A sum in its reader's tiles is nowhere else: a clone of the reader needs
    // one of its own.
    if (keeping_[id] == Keeping::kInTile) return false;
    // What is inlined is there where what it reads is.
    return keeping_[id] == Keeping::kStored ||
           std::all_of(node.inputs.begin(), node.inputs.end(),
                       [&](NodeId input) { return kept_[input]; });
  }

  // Of what stands before the first backward node, all that backward nodes
  // read: an adjoint is then still the last that its reader reads, and stays
  // the one that is summed in the reader's tiles.
  void AddClones() {
    for (NodeId id = seam_; id < from_.size(); ++id) {
      if (!backward_[id]) continue;
      for (NodeId input : from_.node(id).inputs) {
        if (input < seam_) ForBackward(input);
      }
    }
  }

  NodeId ForBackward(NodeId id) {
    if (backward_[id] || kept_[id]) return to_[id];
    if (clone_[id] >= 0) return clone_[id];
    const Node& node = from_.node(id);
    OpPtr op = node.op;
    std::vector<NodeId> inputs;
    if (op->name() == "input") {
      op = std::make_shared<RegatherOp>();
      inputs.push_back(to_[id]);
    }
    for (NodeId input : node.inputs) inputs.push_back(ForBackward(input));
    return clone_[id] =
               Add(op, std::move(inputs), NameOfClone(node.name), node.where);
  }

  NodeId Add(OpPtr op, std::vector<NodeId> inputs, const std::string& name,
             const SourceLine& where) {
    // What was valid stays valid: types are the same.
    return graph_.Add(std::move(op), std::move(inputs), name, where).value();
  }

  std::string NameOfClone(const std::string& name) {
    std::string again = absl::StrCat(name, ".again");
    for (int suffix = 2; !names_.insert(CName(again)).second; ++suffix)
      again = absl::StrCat(name, ".again", suffix);
    return again;
  }

  const Graph& from_;
  const std::vector<bool> backward_;
  const NodeId seam_;  // the first backward node
  const std::vector<Keeping> keeping_;
  const std::set<std::string>& dropped_;
  std::vector<bool> kept_;
  Graph graph_;
  std::vector<NodeId> to_, clone_;
  std::set<std::string> names_;  // in C
};

// The greedy search, one drop at a time.
class LevelSearch {
 public:
  explicit LevelSearch(const Graph& training)
      : training_(training), backward_(BackwardNodes(training)) {}

  std::vector<RecomputeLevel> Run() {
    LivenessEstimate now = EstimateLiveness(training_);
    std::vector<RecomputeLevel> levels = {{{}, now.peak_bytes}};
    std::set<std::string> dropped;
    Graph graph = training_;
    for (;;) {
      const std::string best = BestToDrop(graph, now, dropped);
      if (best.empty()) return levels;
      dropped.insert(best);
      graph = Recomputer(training_, dropped).Run();
      now = EstimateLiveness(graph);
      if (now.peak_bytes < levels.back().peak_bytes)
        levels.push_back({dropped, now.peak_bytes});
    }
  }

 private:
  static constexpr size_t kMostTried = 8;  // of the idle, the largest

  // The idle values at the peak that the backward pass reads, by name in
  // `training_`, the largest first.
  std::vector<NodeId> Candidates(const Graph& graph,
                                 const LivenessEstimate& now,
                                 const std::set<std::string>& dropped) const {
    std::set<std::string> idle;
    for (NodeId id : now.idle_at_peak) idle.insert(graph.node(id).name);
    std::vector<NodeId> candidates;
    for (NodeId id = 0; id < training_.size(); ++id) {
      const Node& node = training_.node(id);
      if (!backward_[id] && MayDrop(node) && idle.count(node.name) > 0 &&
          dropped.count(node.name) == 0)
        candidates.push_back(id);
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [&](NodeId a, NodeId b) {
                       return ElementCount(training_.node(a).type.shape) >
                              ElementCount(training_.node(b).type.shape);
                     });
    return candidates;
  }

  std::string BestToDrop(const Graph& graph, const LivenessEstimate& now,
                         const std::set<std::string>& dropped) const {
    std::vector<NodeId> candidates = Candidates(graph, now, dropped);
    if (candidates.size() > kMostTried) candidates.resize(kMostTried);
    const int64_t flops = CountFlops(graph).useful;
    using Score = std::tuple<bool, int64_t, int64_t>;  // the smallest is best
    std::pair<Score, std::string> best;
    for (NodeId id : candidates) {
      std::set<std::string> with = dropped;
      with.insert(training_.node(id).name);
      const Graph tried = Recomputer(training_, with).Run();
      const int64_t peak = EstimateLiveness(tried).peak_bytes;
      const Score score = {peak >= now.peak_bytes,
                           CountFlops(tried).useful - flops, peak};
      if (best.second.empty() || score < best.first)
        best = {score, training_.node(id).name};
    }
    return best.second;
  }

  const Graph& training_;
  const std::vector<bool> backward_;
};

}  // namespace

std::set<std::string> RecomputableValues(const Graph& training) {
  const std::vector<bool> backward = BackwardNodes(training);
  std::set<std::string> names;
  for (NodeId id = 0; id < training.size(); ++id) {
    const Node& node = training.node(id);
    if (!backward[id] && MayDrop(node)) names.insert(node.name);
  }
  return names;
}

absl::StatusOr<Graph> RecomputeInBackward(
    const Graph& training, const std::set<std::string>& dropped) {
  const std::set<std::string> values = RecomputableValues(training);
  for (const std::string& name : dropped) {
    if (values.count(name) > 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": is no value that can be computed again"));
  }
  Graph graph = Recomputer(training, dropped).Run();
  if (absl::Status status = Verify(graph); !status.ok()) return status;
  return graph;
}

std::vector<RecomputeLevel> RecomputeLevels(const Graph& training,
                                            size_t most) {
  std::vector<RecomputeLevel> levels = LevelSearch(training).Run();
  if (levels.size() <= most) return levels;
  std::vector<RecomputeLevel> some;
  for (size_t i = 0; i < most; ++i)
    some.push_back(levels[i * (levels.size() - 1) / (most - 1)]);
  return some;
}

}  // namespace kiln
