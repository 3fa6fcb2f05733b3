// What kiln_add_model's OPTIONS do to a model.
#include <string>

#include "dsl/model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using testing::EndsWith;
using testing::Pair;
using testing::UnorderedElementsAre;

// A layer of `hidden` units with an activation.
absl::StatusOr<Model> Build(const std::string& options) {
  absl::StatusOr<ModelOptions> parsed = ParseModelOptions(options);
  if (!parsed.ok()) return parsed.status();
  ModelBuilder m(*parsed);
  Value x = m.Input("x", {2});
  Value y = m.Target("y", {1});
  x = m.Dense("fc1", x, {.out = m.IntOption("hidden", 3)});
  x = m.Activate(m.Option("activation", "tanh", {"tanh", "relu"}), x);
  x = m.Dense("fc2", x, {.out = 1});
  m.Output("out", x);
  m.Loss(m.L2(x, y));
  return m.Build();
}

int64_t Hidden(const Model& model) {
  for (const Node& node : model.graph.nodes()) {
    if (node.name == "fc1") return node.type.shape[0];
  }
  return -1;
}

TEST(ModelOptionsTest, AreReadFromTheGeneratorsArgument) {
  EXPECT_THAT(
      *ParseModelOptions("activation:relu,loss:l2"),
      UnorderedElementsAre(Pair("activation", "relu"), Pair("loss", "l2")));
  EXPECT_TRUE(ParseModelOptions("")->empty());
  EXPECT_EQ(ParseModelOptions("a:b,a:c").status().message(),
            "option a is given twice");
}

TEST(ModelOptionsTest, HaveTheModelsValuesWhereNothingIsSaid) {
  const Model model = *Build("");
  EXPECT_EQ(Hidden(model), 3);
  EXPECT_TRUE(model.graph.HasName("tanh1"));
}

TEST(ModelOptionsTest, ChangeTheModel) {
  const Model model = *Build("activation:relu,hidden:8");
  EXPECT_EQ(Hidden(model), 8);
  EXPECT_TRUE(model.graph.HasName("relu1"));
  EXPECT_FALSE(model.graph.HasName("tanh1"));
}

TEST(ModelOptionsTest, ThatTheModelDoesNotHaveAreRefused) {
  EXPECT_EQ(Build("activaton:relu").status().message(),
            "option activaton=relu: the model has no such option; it has "
            "activation (tanh), hidden (3)");
}

TEST(ModelOptionsTest, WithAValueOutsideTheChoicesAreRefused) {
  EXPECT_THAT(std::string(Build("activation:swish").status().message()),
              EndsWith(": option activation: \"swish\" is none of tanh, relu"));
}

TEST(ModelOptionsTest, WithANumberThatIsNoneAreRefused) {
  for (const char* wrong : {"0", "-1", "many", "1.5", ""}) {
    EXPECT_THAT(
        std::string(Build(std::string("hidden:") + wrong).status().message()),
        EndsWith(std::string(": option hidden: \"") + wrong +
                 "\" is no whole number of at least 1"));
  }
}

}  // namespace
}  // namespace kiln
