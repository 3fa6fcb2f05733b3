#include "tests/support/graph_testing.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dsl/ops/dense.h"
#include "dsl/ops/parameter.h"
#include "dsl/ops/pointwise.h"
#include "dsl/ops/reshape.h"
#include "dsl/ops/sum.h"
#include "gtest/gtest.h"

namespace kiln {

NodeId GraphMaker::Add(OpPtr op, std::vector<NodeId> inputs,
                       const std::string& name) {
  const std::string base = name.empty() ? std::string(op->name()) : name;
  absl::StatusOr<NodeId> id =
      graph_.Add(std::move(op), std::move(inputs),
                 name.empty() ? graph_.UniqueName(base) : base, {"test.cc", 1});
  if (id.ok()) return *id;
  ADD_FAILURE() << id.status().message();
  return 0;
}

NodeId GraphMaker::Input(const std::string& name, Shape shape,
                         InputFormat format) {
  return Add(std::make_shared<InputOp>(std::move(shape), format), {}, name);
}

NodeId GraphMaker::Labels(const std::string& name, int64_t classes) {
  return Add(TargetOp::Class(classes), {}, name);
}

NodeId GraphMaker::Target(const std::string& name, Shape shape) {
  return Add(TargetOp::Value(std::move(shape)), {}, name);
}

NodeId GraphMaker::Parameter(const std::string& name, Shape shape,
                             bool frozen) {
  return Add(std::make_shared<ParameterOp>(ParameterSpec{
                 std::move(shape), Initializer::Uniform(-1, 1), frozen}),
             {}, name);
}

NodeId GraphMaker::Trained(const std::string& name, Shape shape) {
  const NodeId x = Input(absl::StrCat(name, "_x"), {1});
  const NodeId weight = Parameter(name, {ElementCount(shape), 1});
  const NodeId flat = Add(std::make_shared<DenseOp>(), {x, weight},
                          absl::StrCat(name, "_flat"));
  if (shape.size() == 1) return flat;
  return Add(std::make_shared<ReshapeOp>(std::move(shape)), {flat},
             absl::StrCat(name, "_value"));
}

void GraphMaker::ProjectToLoss(NodeId value, const std::string& name,
                               bool square) {
  const Shape shape = graph_.node(value).type.shape;
  // A target has a shape; a scalar's is {1}.
  if (shape.empty())
    value = Add(std::make_shared<ReshapeOp>(Shape{1}), {value});
  const NodeId target = Target(name, shape.empty() ? Shape{1} : shape);
  const ScalarExpr error = Arg(0) - Arg(1);
  const NodeId terms =
      Add(std::make_shared<PointwiseOp>(
              "project", square ? error * error : Arg(0) * Arg(1)),
          {value, target});
  Loss(Add(std::make_shared<SumOp>(), {terms}));
}

NodeId FindNode(const Graph& graph, const std::string& name) {
  for (NodeId id = 0; id < graph.size(); ++id) {
    if (graph.node(id).name == name) return id;
  }
  return -1;
}

NodeId FindHead(const Graph& graph, const std::string& name) {
  for (const Output& output : graph.outputs()) {
    if (output.kind == OutputKind::kHead && output.name == name)
      return output.node;
  }
  return -1;
}

std::vector<std::string> ReadersOf(const Graph& graph,
                                   const std::string& name) {
  const NodeId id = FindNode(graph, name);
  std::vector<std::string> readers;
  if (id < 0) return readers;
  const std::vector<std::vector<NodeId>> users = graph.Users();
  for (NodeId user : users[id]) readers.push_back(graph.node(user).name);
  return readers;
}

std::vector<double> ValueOf(const Graph& graph, const GraphValues& values,
                            const std::string& name) {
  const absl::StatusOr<NodeValues> results = Interpret(graph, values);
  const NodeId id = FindNode(graph, name);
  if (!results.ok() || id < 0) {
    ADD_FAILURE() << (id < 0 ? absl::StrCat("no node is called ", name)
                             : std::string(results.status().message()));
    return {};
  }
  return (*results)[id];
}

}  // namespace kiln
