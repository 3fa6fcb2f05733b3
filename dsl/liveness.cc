#include "dsl/liveness.h"

#include <algorithm>
#include <utility>

#include "dsl/ops/conv2d.h"
#include "dsl/pooled_mask.h"

namespace kiln {

namespace {

constexpr int64_t kValueBytes = 4;

bool IsOneOf(const Node& node, std::initializer_list<absl::string_view> ops) {
  return std::find(ops.begin(), ops.end(), node.op->name()) != ops.end();
}

class Estimator {
 public:
  explicit Estimator(const Graph& graph)
      : graph_(graph),
        users_(graph.Users()),
        keeping_(KeepingOf(graph)),
        position_(graph.size(), -1),
        last_read_(graph.size(), -1) {}

  LivenessEstimate Run() {
    OrderNodes();
    for (const NodeId id : order_) MarkReads(id, position_[id]);
    const int end = static_cast<int>(order_.size());
    std::vector<int64_t> change(end + 1);  // of what is alive, at a position
    for (const NodeId id : order_) {
      if (!IsStored(id)) continue;
      change[position_[id]] += Bytes(id);
      change[LastPosition(id) + 1] -= Bytes(id);
    }
    LivenessEstimate estimate;
    int peak = 0;
    int64_t alive = 0;
    for (int at = 0; at < end; ++at) {
      alive += change[at];
      const int64_t bytes = alive + ScratchWhileComputing(order_[at]);
      if (bytes > estimate.peak_bytes) {
        estimate.peak_bytes = bytes;
        peak = at;
      }
    }
    for (const NodeId id : order_) {
      const bool alive_at_peak = IsStored(id) && Bytes(id) > 0 &&
                                 position_[id] < peak &&
                                 LastPosition(id) > peak;
      if (alive_at_peak && !Reads(order_[peak], id))
        estimate.idle_at_peak.push_back(id);
    }
    return estimate;
  }

 private:
  int64_t Bytes(NodeId id) const {
    const TensorType& type = graph_.node(id).type;
    return type.per_sample ? kValueBytes * ElementCount(type.shape) : 0;
  }

  int LastPosition(NodeId id) const {
    return std::max(position_[id], last_read_[id]);
  }

  bool IsStored(NodeId id) const { return keeping_[id] == Keeping::kStored; }

  // A copy that lives while the node is computed: padded or transposed.
  int64_t ScratchBytes(NodeId id) const {
    const Node& node = graph_.node(id);
    if (node.op->name() == "dense_weight_grad") {
      // Of the data itself it gathers a few columns at a time.
      const Node& input = graph_.node(node.inputs[0]);
      const bool is_data =
          input.op->name() == "input" || input.op->name() == "regather";
      return is_data ? 0 : Bytes(node.inputs[0]);
    }
    const auto* convolution = dynamic_cast<const Conv2dOp*>(node.op.get());
    const auto* gradient =
        dynamic_cast<const Conv2dWeightGradOp*>(node.op.get());
    if (convolution == nullptr && gradient == nullptr) return 0;
    const Size2 padding = convolution != nullptr
                              ? convolution->geometry().padding
                              : gradient->geometry().padding;
    if (padding == Size2(0)) return 0;
    const Shape& shape = graph_.node(node.inputs[0]).type.shape;
    return kValueBytes * shape[0] * (shape[1] + 2 * padding.height) *
           (shape[2] + 2 * padding.width);
  }

  // What is summed in the tiles of a reader is computed where that is stored:
  // its copy lives beside the reader's buffer.
  int64_t ScratchWhileComputing(NodeId id) const {
    if (keeping_[id] == Keeping::kInTile) return 0;
    int64_t bytes = ScratchBytes(id);
    for (NodeId input : graph_.node(id).inputs) {
      if (keeping_[input] == Keeping::kInTile) bytes += ScratchBytes(input);
    }
    return bytes;
  }

  // Halide computes outputs one after the other, each with what it still lacks,
  // depth first, callees by their names.
  void OrderNodes() {
    for (const Output& output : graph_.outputs()) {
      if (output.kind != OutputKind::kGradient) Visit(output.node);
    }
    for (auto output = graph_.outputs().rbegin();
         output != graph_.outputs().rend(); ++output) {
      if (output->kind == OutputKind::kGradient) Visit(output->node);
    }
  }

  void Visit(NodeId id) {
    if (position_[id] >= 0) return;
    const Node& node = graph_.node(id);
    std::vector<NodeId> callees;
    if (node.op->name() != "regather") callees = node.inputs;
    std::sort(callees.begin(), callees.end(), [&](NodeId a, NodeId b) {
      return CName(graph_.node(a).name) < CName(graph_.node(b).name);
    });
    for (NodeId callee : callees) Visit(callee);
    position_[id] = static_cast<int>(order_.size());
    order_.push_back(id);
    // One pass over the windows finds both the maximum and its place.
    if (node.op->name() != "max_pool") return;
    for (NodeId user : users_[node.inputs[0]]) {
      if (graph_.node(user).op->name() == "max_pool_index" && user > id &&
          graph_.node(user).op->Attributes() == node.op->Attributes())
        Visit(user);
    }
  }

  // What the node reads, through what is not stored, is read at `position`.
  void MarkReads(NodeId id, int position) {
    const Node& node = graph_.node(id);
    if (node.op->name() == "regather") return;
    for (NodeId input : InputsRead(graph_, id)) {
      if (IsStored(input)) {
        last_read_[input] = std::max(last_read_[input], position);
      } else {
        MarkReads(input, position);
      }
    }
  }

  bool Reads(NodeId id, NodeId stored) const {
    const Node& node = graph_.node(id);
    if (node.op->name() == "regather") return false;
    const std::vector<NodeId> inputs = InputsRead(graph_, id);
    return std::any_of(inputs.begin(), inputs.end(), [&](NodeId input) {
      return IsStored(input) ? input == stored : Reads(input, stored);
    });
  }

  const Graph& graph_;
  const std::vector<std::vector<NodeId>> users_;
  const std::vector<Keeping> keeping_;
  std::vector<NodeId> order_;
  std::vector<int> position_;   // in the order, or -1
  std::vector<int> last_read_;  // of a stored value, or -1
};

}  // namespace

std::vector<Keeping> KeepingOf(const Graph& graph) {
  const std::vector<std::vector<NodeId>> users = graph.Users();
  std::vector<bool> is_output(graph.size());
  for (const Output& output : graph.outputs()) is_output[output.node] = true;
  std::vector<Keeping> keeping(graph.size(), Keeping::kStored);
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    const bool grows =
        node.op->name() == "reshape" &&
        node.type.shape.size() > graph.node(node.inputs[0]).type.shape.size();
    if (grows || IsOneOf(node, {"expand"})) keeping[id] = Keeping::kInlined;
    const bool feeds_pointwise =
        users[id].size() == 1 && !is_output[id] &&
        graph.node(users[id][0]).op->name() == "pointwise";
    if (!feeds_pointwise) continue;
    if (IsOneOf(node, {"max_pool_grad", "avg_pool_grad"}))
      keeping[id] = Keeping::kInlined;
    // Of several sums that meet in one reader, the last is in its tiles.
    const std::vector<NodeId>& siblings = graph.node(users[id][0]).inputs;
    const bool is_sum = IsOneOf(
        node, {"conv2d", "dense", "conv2d_input_grad", "dense_input_grad"});
    if (is_sum && *std::max_element(siblings.begin(), siblings.end()) == id)
      keeping[id] = Keeping::kInTile;
  }
  return keeping;
}

LivenessEstimate EstimateLiveness(const Graph& graph) {
  return Estimator(graph).Run();
}

std::vector<bool> BackwardNodes(const Graph& graph) {
  std::vector<bool> backward(graph.size());
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    backward[id] = node.op->name() == "sample_weight";
    for (NodeId input : node.inputs)
      backward[id] = backward[id] || backward[input];
  }
  return backward;
}

}  // namespace kiln
