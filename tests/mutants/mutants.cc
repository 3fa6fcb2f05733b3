#include "tests/mutants/mutants.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "dsl/differentiate.h"
#include "dsl/ops/avg_pool.h"
#include "dsl/ops/concat.h"
#include "dsl/ops/conv2d.h"
#include "dsl/ops/max_pool.h"
#include "dsl/ops/pointwise.h"
#include "tests/mutants/expression_mutants.h"
#include "tests/mutants/rearrange_op.h"

namespace kiln {
namespace {

// Adds the wrong nodes that stand for `node`; its inputs are `inputs` now.
using Wrong = std::function<absl::StatusOr<NodeId>(
    Graph& graph, const Node& node, std::vector<NodeId> inputs)>;

// The graph with `target` made wrong; nothing where that does not type.
std::optional<Graph> Replace(const Graph& graph, NodeId target,
                             const Wrong& wrong) {
  Graph result;
  std::vector<NodeId> now(graph.size());
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    std::vector<NodeId> inputs;
    for (NodeId input : node.inputs) inputs.push_back(now[input]);
    const absl::StatusOr<NodeId> added =
        id == target
            ? wrong(result, node, std::move(inputs))
            : result.Add(node.op, std::move(inputs), node.name, node.where);
    if (!added.ok() || result.node(*added).type != node.type)
      return std::nullopt;
    now[id] = *added;
  }
  for (const Output& output : graph.outputs())
    result.AddOutput(output.kind, output.name, now[output.node]);
  if (!Verify(result).ok()) return std::nullopt;
  return result;
}

absl::StatusOr<NodeId> AddNamed(Graph& graph, OpPtr op,
                                std::vector<NodeId> inputs,
                                const Node& stands_for,
                                const std::string& role) {
  return graph.Add(std::move(op), std::move(inputs),
                   graph.UniqueName(absl::StrCat(stands_for.name, role)),
                   stands_for.where);
}

// Passes the node's result through `op`.
Wrong After(OpPtr op) {
  return [op](Graph& graph, const Node& node,
              std::vector<NodeId> inputs) -> absl::StatusOr<NodeId> {
    const absl::StatusOr<NodeId> right =
        graph.Add(node.op, std::move(inputs), node.name, node.where);
    if (!right.ok()) return right;
    return AddNamed(graph, op, {*right}, node, "_wrong");
  };
}

// Passes one of its operands through `op`.
Wrong Before(int operand, OpPtr op) {
  return [operand, op](Graph& graph, const Node& node,
                       std::vector<NodeId> inputs) -> absl::StatusOr<NodeId> {
    const absl::StatusOr<NodeId> moved =
        AddNamed(graph, op, {inputs[operand]}, node, "_operand");
    if (!moved.ok()) return moved;
    inputs[operand] = *moved;
    return graph.Add(node.op, std::move(inputs), node.name, node.where);
  };
}

Wrong Instead(OpPtr op) {
  return [op](Graph& graph, const Node& node, std::vector<NodeId> inputs) {
    return graph.Add(op, std::move(inputs), node.name, node.where);
  };
}

Wrong Exchanged(int a, int b) {
  return [a, b](Graph& graph, const Node& node, std::vector<NodeId> inputs) {
    std::swap(inputs[a], inputs[b]);
    return graph.Add(node.op, std::move(inputs), node.name, node.where);
  };
}

OpPtr Formula(const ScalarExpr& e) {
  return std::make_shared<PointwiseOp>("wrong", e);
}

// Ways to read a tensor of this type at the wrong places.
struct Rearrangement {
  std::string name;
  OpPtr op;
};

std::vector<Rearrangement> Rearrangements(const TensorType& type) {
  const int64_t size = ElementCount(type.shape);
  std::vector<int64_t> same(size), shifted(size), reversed(size);
  for (int64_t i = 0; i < size; ++i) {
    same[i] = i;
    shifted[i] = (i + 1) % size;
    reversed[i] = size - 1 - i;
  }
  std::vector<int64_t> dropped = same;
  dropped.back() = -1;
  auto op = [](const std::vector<int64_t>& places, int64_t sample_shift = 0) {
    return std::make_shared<RearrangeOp>(places, sample_shift);
  };
  std::vector<Rearrangement> all = {{"without its last element", op(dropped)}};
  auto add = [&](const std::string& name, const std::vector<int64_t>& places) {
    if (places != same) all.push_back({name, op(places)});
  };
  add("shifted by one element", shifted);
  add("read backwards", reversed);
  if (type.per_sample) all.push_back({"of the next sample", op(same, 1)});

  // [a][b] read as [b][a]: of the last two extents, and of the first two.
  const Shape& s = type.shape;
  const size_t rank = s.size();
  auto transposed = [&](int64_t outer, int64_t a, int64_t b, int64_t inner) {
    std::vector<int64_t> places;
    for (int64_t i = 0; i < outer; ++i)
      for (int64_t j = 0; j < a; ++j)
        for (int64_t k = 0; k < b; ++k)
          for (int64_t l = 0; l < inner; ++l)
            places.push_back(((i * b + k) * a + j) * inner + l);
    return places;
  };
  if (rank >= 2) {
    add("transposed", transposed(size / (s[rank - 2] * s[rank - 1]),
                                 s[rank - 2], s[rank - 1], 1));
  }
  if (rank == 4) {
    add("with its channels exchanged", transposed(1, s[0], s[1], s[2] * s[3]));
  }
  return all;
}

// The same geometry, a little off.
template <typename Geometry>
std::vector<std::pair<std::string, Geometry>> WrongGeometries(
    const Geometry& g) {
  std::vector<std::pair<std::string, Geometry>> wrong;
  auto add = [&](const std::string& name, auto change) {
    Geometry changed = g;
    change(changed);
    if (changed.ToString() != g.ToString()) wrong.push_back({name, changed});
  };
  add("padding + 1", [](Geometry& x) {
    ++x.padding.height;
    ++x.padding.width;
  });
  add("padding 0", [](Geometry& x) { x.padding = 0; });
  add("paddings exchanged",
      [](Geometry& x) { std::swap(x.padding.height, x.padding.width); });
  add("stride 1", [](Geometry& x) { x.stride = 1; });
  add("stride + 1", [](Geometry& x) {
    ++x.stride.height;
    ++x.stride.width;
  });
  add("strides exchanged",
      [](Geometry& x) { std::swap(x.stride.height, x.stride.width); });
  add("kernel exchanged",
      [](Geometry& x) { std::swap(x.kernel.height, x.kernel.width); });
  return wrong;
}

std::vector<std::pair<std::string, OpPtr>> WrongOps(const Node& node) {
  std::vector<std::pair<std::string, OpPtr>> ops;
  auto add = [&](const auto& geometry, auto make) {
    for (const auto& [name, wrong] : WrongGeometries(geometry))
      ops.push_back({name, make(wrong)});
  };
  const Shape& shape = node.type.shape;
  const Op* op = node.op.get();
  if (const auto* x = dynamic_cast<const Conv2dInputGradOp*>(op)) {
    add(x->geometry(), [&](const Conv2dGeometry& g) {
      return std::make_shared<Conv2dInputGradOp>(g, shape);
    });
  } else if (const auto* x = dynamic_cast<const Conv2dWeightGradOp*>(op)) {
    add(x->geometry(), [&](const Conv2dGeometry& g) {
      return std::make_shared<Conv2dWeightGradOp>(g);
    });
  } else if (const auto* x = dynamic_cast<const MaxPoolIndexOp*>(op)) {
    add(x->geometry(), [&](const PoolGeometry& g) {
      return std::make_shared<MaxPoolIndexOp>(g);
    });
  } else if (const auto* x = dynamic_cast<const MaxPoolGradOp*>(op)) {
    add(x->geometry(), [&](const PoolGeometry& g) {
      return std::make_shared<MaxPoolGradOp>(g, shape);
    });
  } else if (const auto* x = dynamic_cast<const AvgPoolGradOp*>(op)) {
    add(x->geometry(), [&](const PoolGeometry& g) {
      return std::make_shared<AvgPoolGradOp>(g, shape);
    });
  } else if (const auto* x = dynamic_cast<const ConcatGradOp*>(op)) {
    for (int64_t shift : {-1, 1}) {
      ops.push_back(
          {absl::StrCat("begin + ", shift),
           std::make_shared<ConcatGradOp>(x->begin() + shift, x->count())});
    }
  } else if (const auto* x = dynamic_cast<const PointwiseOp*>(op)) {
    const int arguments = static_cast<int>(node.inputs.size());
    for (const ScalarExpr& wrong : ExpressionMutants(x->value(), arguments)) {
      ops.push_back(
          {absl::StrCat(x->value().ToString(), " became ", wrong.ToString()),
           std::make_shared<PointwiseOp>(x->label(), wrong)});
    }
  }
  return ops;
}

class Breaker {
 public:
  explicit Breaker(const Graph& forward)
      : forward_size_(forward.size()), right_(*Differentiate(forward)) {}

  std::vector<Mutant> Run() {
    // The first node after the forward ones is the seed, the samples' weights.
    for (NodeId id = forward_size_ + 1; id < right_.size(); ++id) Break(id);
    return std::move(mutants_);
  }

 private:
  // "conv2d d_weight" for the node "conv1.d_weight" of a convolution; what
  // sums the adjoints of a value with several readers is of no one op.
  std::string Rule(const Node& node) const {
    const size_t dot = node.name.rfind('.');
    for (NodeId id = 0; dot != std::string::npos && id < forward_size_; ++id) {
      const Node& layer = right_.node(id);
      if (layer.name != node.name.substr(0, dot)) continue;
      std::string role = node.name.substr(dot + 1);
      while (!role.empty() && role.back() >= '0' && role.back() <= '9')
        role.pop_back();
      const auto* formula = dynamic_cast<const PointwiseOp*>(layer.op.get());
      return absl::StrCat(layer.op->name(),
                          formula ? " " + formula->label() : "", " ", role);
    }
    return "sum of adjoints";
  }

  void Add(NodeId id, const std::string& change, const Wrong& wrong,
           bool emittable = true) {
    std::optional<Graph> graph = Replace(right_, id, wrong);
    if (!graph) return;
    mutants_.push_back(
        {Rule(right_.node(id)), change, *std::move(graph), emittable});
  }

  void Break(NodeId id) {
    const Node& node = right_.node(id);
    if (node.type.dtype == DType::kFloat32) {
      Add(id, "sign", After(Formula(-Arg(0))));
      Add(id, "times 2", After(Formula(2 * Arg(0))));
      Add(id, "times 1.01", After(Formula(1.01 * Arg(0))));
    }
    if (const auto* pool = dynamic_cast<const AvgPoolGradOp*>(node.op.get())) {
      const Size2& kernel = pool->geometry().kernel;
      const double area = static_cast<double>(kernel.height * kernel.width);
      Add(id, "without 1 / area", After(Formula(area * Arg(0))));
    }
    for (const auto& [how, op] : Rearrangements(node.type))
      Add(id, "result " + how, After(op), /*emittable=*/false);
    for (int i = 0; i < static_cast<int>(node.inputs.size()); ++i)
      BreakOperand(id, i);
    for (const auto& [how, op] : WrongOps(node)) Add(id, how, Instead(op));
  }

  void BreakOperand(NodeId id, int i) {
    const Node& node = right_.node(id);
    const TensorType& type = right_.node(node.inputs[i]).type;
    const std::string operand = absl::StrCat("operand ", i, " ");
    for (const auto& [how, op] : Rearrangements(type))
      Add(id, operand + how, Before(i, op), /*emittable=*/false);
    if (type.dtype == DType::kFloat32)
      Add(id, operand + "left out", Before(i, Formula(1.0)));
    for (int j = 0; j < i; ++j)
      Add(id, absl::StrCat("operands ", j, " and ", i, " exchanged"),
          Exchanged(j, i));
  }

  const int forward_size_;
  const Graph right_;
  std::vector<Mutant> mutants_;
};

// The rules that the cases of an op are about; others are of what feeds it.
bool IsAbout(const std::string& op, const std::string& rule) {
  static const auto& more =
      *new std::map<std::string, std::vector<std::string>>{
          {"batch_sum", {"conv2d d_bias", "dense d_bias"}},
          {"fan_out", {"sum of adjoints"}},
          {"pad", {"pad", "crop"}},
          {"sum", {"sum d_input", "broadcast"}},
      };
  // What the cases multiply their values by.
  if (absl::StartsWith(rule, "pointwise project")) return false;
  const auto entry = more.find(op);
  if (entry == more.end()) return absl::StartsWith(rule, op);
  return std::any_of(
      entry->second.begin(), entry->second.end(),
      [&](const std::string& name) { return absl::StartsWith(rule, name); });
}

}  // namespace

std::vector<Mutant> Mutants(const Graph& forward) {
  return Breaker(forward).Run();
}

std::vector<Mutant> MutantsOf(const std::string& op, const Graph& forward) {
  std::vector<Mutant> about;
  for (Mutant& mutant : Mutants(forward)) {
    if (IsAbout(op, mutant.rule)) about.push_back(std::move(mutant));
  }
  return about;
}

bool AreEquivalent(const RoundedTensors& wrong, const RoundedTensors& right) {
  for (const auto& [name, gradient] : wrong) {
    const std::vector<Rounded>& exact = right.at(name);
    double largest = 0;
    for (const Rounded& g : exact)
      largest = std::max(largest, std::abs(g.value()));
    for (size_t i = 0; i < gradient.size(); ++i) {
      const double change = std::abs(gradient[i].value() - exact[i].value());
      if (!(change <= 1e-13 * largest)) return false;
    }
  }
  return true;
}

}  // namespace kiln
