#include "generators/stage_table.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "dsl/analysis.h"
#include "dsl/ops/input.h"
#include "generators/arguments.h"

namespace kiln {
namespace {

constexpr int kNone = -1;

class StageTableBuilder {
 public:
  StageTableBuilder(const Graph& graph, const Graph& forward,
                    const ProfiledFuncs& pipeline)
      : graph_(graph),
        forward_(forward),
        pipeline_(pipeline),
        users_(graph.Users()),
        computed_(pipeline.stages.size()),
        updates_(pipeline.stages.size()),
        stage_of_(graph.size(), kNone),
        is_stored_(graph.size()),
        summed_in_parts_(graph.size()) {}

  std::vector<Stage> Build() {
    const int stages = static_cast<int>(computed_.size());
    for (int s = 0; s < stages; ++s) FindNodes(s);
    AssignInlined();
    std::vector<Stage> table(stages);
    for (int s = 0; s < stages; ++s) {
      Stage& stage = table[s];
      stage.name = BaseName(pipeline_.stages[s]);
      const NodeId of = HelperOf(stage.name);
      if (of != kNone) stage.of = graph_.node(of).name;
      for (NodeId id : computed_[s]) {
        stage.nodes.push_back(graph_.node(id).name);
        if (stage_of_[id] != s) continue;
        const FlopCount flops = FlopsOf(graph_, graph_.node(id));
        stage.flops += flops.all * pipeline_.block;
        stage.useful_flops += flops.useful * pipeline_.block;
      }
      stage.phase = PhaseOf(s, of);
      stage.bytes = computed_[s].empty() && updates_[s].empty()
                        ? HelperBytes(s, of)
                        : NodeBytes(s);
    }
    // Helpers of sources and of finished nodes serve what comes next.
    std::string next = "backward";
    for (int s = stages; s-- > 0;) {
      if (table[s].phase.empty()) table[s].phase = next;
      next = table[s].phase;
    }
    return table;
  }

 private:
  const ProfiledFuncs::Output* OutputOf(const std::string& func) const {
    for (const ProfiledFuncs::Output& output : pipeline_.outputs) {
      if (output.func == func) return &output;
    }
    return nullptr;
  }

  NodeId GradientOf(const std::string& tensor) const {
    for (const Output& output : graph_.outputs()) {
      if (output.kind == OutputKind::kGradient && output.name == tensor)
        return output.node;
    }
    return kNone;
  }

  // Partial sums, one a lane of a vector or a point of Winograd's filtering,
  // which another Func adds up.
  static bool IsPartial(const std::string& func) {
    return absl::EndsWith(func, "_lanes") || absl::EndsWith(func, "_partial");
  }

  // The node whose value, or whose partial sums, the Func is.
  NodeId Computes(const std::string& part) const {
    const std::string func = BaseName(part);
    const ProfiledFuncs::Output* output = OutputOf(func);
    if (output != nullptr && output->kind == "gradient")
      return GradientOf(output->tensor);
    absl::string_view stored = absl::StripSuffix(func, "_stored");
    if (IsPartial(func)) stored = stored.substr(0, stored.rfind('_'));
    for (NodeId id = 0; id < graph_.size(); ++id) {
      if (CName(graph_.node(id).name) == stored) return id;
    }
    return kNone;
  }

  // The node that a helper is for: of a sum over the lanes that output, else
  // that whose name its own begins with.
  NodeId HelperOf(const std::string& func) const {
    const NodeId sum = SummedOutput(func);
    return sum != kNone ? sum : Longest(func);
  }

  NodeId SummedOutput(const std::string& func) const {
    const ProfiledFuncs::Output* of = OutputOf(func);
    if (of == nullptr) return kNone;
    for (const Output& output : graph_.outputs()) {
      const bool is_loss =
          of->kind == "loss" && output.kind == OutputKind::kLoss;
      const bool is_metric = of->kind == "metric" &&
                             output.kind == OutputKind::kMetric &&
                             output.name == of->tensor;
      if (is_loss || is_metric) return output.node;
    }
    return kNone;
  }

  NodeId Longest(const std::string& func) const {
    NodeId longest = kNone;
    size_t length = 0;
    for (NodeId id = 0; id < graph_.size(); ++id) {
      const std::string name = CName(graph_.node(id).name);
      const bool begins = func == name || absl::StartsWith(func, name + "_");
      if (!begins || name.size() <= length) continue;
      longest = id;
      length = name.size();
    }
    return longest;
  }

  void FindNodes(int s) {
    for (const std::string& part : pipeline_.parts[s]) {
      if (const NodeId id = Computes(part); id != kNone) {
        Claim(s, id, true);
        if (IsPartial(BaseName(part))) summed_in_parts_[id] = true;
      }
      const ProfiledFuncs::Output* output = OutputOf(BaseName(part));
      const bool updates =
          output != nullptr &&
          (output->kind == "parameter_out" || output->kind == "state_out");
      if (updates) updates_[s].insert(output->tensor);
    }
  }

  void Claim(int s, NodeId id, bool stored) {
    computed_[s].insert(id);
    if (stage_of_[id] == kNone) stage_of_[id] = s;
    if (stored) is_stored_[id] = true;
  }

  bool IsSource(NodeId id) const { return graph_.node(id).inputs.empty(); }

  void AssignInlined() {
    for (NodeId id = graph_.size(); id-- > 0;) {
      if (stage_of_[id] != kNone || IsSource(id)) continue;
      const int s = InlinedInto(id);
      if (s != kNone) Claim(s, id, false);
    }
  }

  int InlinedInto(NodeId id) const {
    for (size_t s = 0; s < updates_.size(); ++s) {
      for (const std::string& tensor : updates_[s]) {
        if (GradientOf(tensor) == id) return static_cast<int>(s);
      }
    }
    for (NodeId user : users_[id]) {
      if (stage_of_[user] != kNone) return stage_of_[user];
    }
    return kNone;
  }

  bool IsForward(NodeId id) const {
    return forward_.HasName(graph_.node(id).name);
  }

  std::string PhaseOf(int s, NodeId of) const {
    const bool has_backward =
        std::any_of(computed_[s].begin(), computed_[s].end(),
                    [&](NodeId id) { return !IsForward(id); });
    if (!updates_[s].empty())
      return has_backward ? "backward+update" : "update";
    const NodeId own = Computes(pipeline_.stages[s]);
    if (own != kNone) return IsForward(own) ? "forward" : "backward";
    if (!computed_[s].empty()) return has_backward ? "backward" : "forward";
    if (SummedOutput(BaseName(pipeline_.stages[s])) != kNone) return "forward";
    if (of == kNone || IsSource(of) || IsFinished(s, of)) return "";
    return IsForward(of) ? "forward" : "backward";
  }

  // Whether the node is computed before stage s, which then repacks it.
  bool IsFinished(int s, NodeId id) const {
    return stage_of_[id] != kNone && stage_of_[id] < s;
  }

  int64_t SizeOf(NodeId id) const {
    const Node& node = graph_.node(id);
    const auto* input = dynamic_cast<const InputOp*>(node.op.get());
    const bool is_byte =
        input != nullptr && input->format().storage == Storage::kUint8;
    return ElementCount(node.type.shape) *
           (node.type.per_sample ? pipeline_.block : 1) * (is_byte ? 1 : 4);
  }

  // The tensors in memory that reading the node means.
  void AddReads(NodeId id, const std::set<NodeId>& inside,
                std::set<NodeId>& reads) const {
    if (inside.count(id) > 0) return;
    if (is_stored_[id] || IsSource(id)) {
      reads.insert(id);
      return;
    }
    for (NodeId input : graph_.node(id).inputs) AddReads(input, inside, reads);
  }

  int64_t NodeBytes(int s) const {
    const std::set<NodeId>& inside = computed_[s];
    std::set<NodeId> reads;
    int64_t bytes = 0;
    for (NodeId id : inside) {
      if (summed_in_parts_[id] && IsFinished(s, id)) {
        bytes += SizeOf(id);  // adds up what is there
        continue;
      }
      for (NodeId input : graph_.node(id).inputs)
        AddReads(input, inside, reads);
      const bool is_written =
          is_stored_[id] &&
          std::any_of(users_[id].begin(), users_[id].end(),
                      [&](NodeId user) { return inside.count(user) == 0; });
      if (is_written && stage_of_[id] == s) bytes += SizeOf(id);
    }
    bytes += OutputBytes(s, reads);
    for (NodeId id : reads) bytes += SizeOf(id);
    return bytes;
  }

  // Gradients are added to what is there; parameters and their optimizer's
  // state are read and written, and gradients of other stages read.
  int64_t OutputBytes(int s, std::set<NodeId>& reads) const {
    int64_t bytes = 0;
    for (const ProfiledFuncs::Output& output : pipeline_.outputs) {
      const NodeId gradient = GradientOf(output.tensor);
      if (gradient == kNone) continue;
      const bool is_gradient = output.kind == "gradient" &&
                               BaseName(pipeline_.stages[s]) == output.func;
      const bool is_update =
          updates_[s].count(output.tensor) > 0 &&
          (output.kind == "parameter_out" || output.kind == "state_out");
      if (is_gradient || is_update) bytes += 2 * SizeOf(gradient);
      if (is_update && computed_[s].count(gradient) == 0)
        reads.insert(gradient);
    }
    return bytes;
  }

  // An intermediate reads what its node reads, a packing its node; both write
  // themselves.
  int64_t HelperBytes(int s, NodeId of) const {
    int64_t bytes = 0;
    for (const ProfiledFuncs::Allocation& allocation : pipeline_.allocations) {
      if (allocation.func == pipeline_.stages[s]) bytes += allocation.bytes;
    }
    if (of == kNone) return bytes;
    if (IsSource(of) || IsFinished(s, of)) {
      const int64_t size = SizeOf(of);
      return size + (bytes > 0 ? bytes : size);
    }
    std::set<NodeId> reads;
    for (NodeId input : graph_.node(of).inputs) AddReads(input, {}, reads);
    for (NodeId id : reads) bytes += SizeOf(id);
    return bytes;
  }

  const Graph& graph_;
  const Graph& forward_;
  const ProfiledFuncs& pipeline_;
  const std::vector<std::vector<NodeId>> users_;
  std::vector<std::set<NodeId>> computed_;      // nodes of each stage
  std::vector<std::set<std::string>> updates_;  // parameters of each stage
  std::vector<int> stage_of_;                   // where each node's FLOPs count
  std::vector<bool> is_stored_;                 // whether it has a Func
  std::vector<bool> summed_in_parts_;
};

}  // namespace

std::vector<Stage> StageTable(const Graph& graph, const Graph& forward,
                              const ProfiledFuncs& pipeline) {
  return StageTableBuilder(graph, forward, pipeline).Build();
}

}  // namespace kiln
