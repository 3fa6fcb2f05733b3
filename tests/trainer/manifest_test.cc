#include "runtime/manifest.h"

#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/fake_bundle.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

using Json = nlohmann::json;

TEST(ManifestTest, ReadsEveryPart) {
  const absl::StatusOr<Manifest> manifest =
      ParseManifest(FakeManifest().dump());
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->model, "fake");
  ASSERT_EQ(manifest->parameters.size(), 3);
  EXPECT_EQ(manifest->parameters[0].init.kind, InitSpec::Kind::kUniform);
  EXPECT_EQ(manifest->parameters[0].init.high, 0.5);
  EXPECT_EQ(manifest->parameters[1].learning_rate_multiplier, 2);
  EXPECT_TRUE(manifest->parameters[2].frozen);
  EXPECT_EQ(manifest->inputs[0].storage, Storage::kUint8);
  EXPECT_EQ(manifest->targets[0].classes, 3);
  EXPECT_EQ(manifest->defaults.optimizer, "momentum");
  EXPECT_EQ(manifest->flops.useful_step(), 48);
  EXPECT_EQ(manifest->dot.backward, "digraph backward {}");
  EXPECT_EQ(manifest->pipelines.size(), 12);
  EXPECT_EQ(manifest->pipelines[0].arguments[3].kind, ArgumentKind::kData);
  EXPECT_EQ(manifest->FindParameter("fc.bias"), 1);
  EXPECT_EQ(manifest->FindParameter("fc"), -1);
}

struct Contradiction {
  const char* name;
  std::function<void(Json&)> break_it;
  const char* complaint;
};

class ManifestContradictionTest : public testing::TestWithParam<Contradiction> {
};

TEST_P(ManifestContradictionTest, IsRefusedByName) {
  Json json = FakeManifest();
  GetParam().break_it(json);
  EXPECT_TRUE(IsOneLineError(ParseManifest(json.dump()),
                             {"manifest: ", GetParam().complaint}));
}

// pipelines[1] is fake_grad_b1: 3 parameters, data, target, index, weight,
// scale, workspace, loss, metric, 2 gradients.
INSTANTIATE_TEST_SUITE_P(
    All, ManifestContradictionTest,
    testing::Values(
        Contradiction{"Version", [](Json& j) { j["kiln_manifest"] = 2; },
                      "version 2"},
        Contradiction{"MissingMember", [](Json& j) { j.erase("flops"); },
                      "flops"},
        Contradiction{"WrongType", [](Json& j) { j["arena_floats"] = "48"; },
                      "arena_floats"},
        Contradiction{"Fraction", [](Json& j) { j["arena_floats"] = 48.5; },
                      "arena_floats"},
        Contradiction{"SizeOfShape",
                      [](Json& j) { j["parameters"][0]["size"] = 13; },
                      "fc.weight: size 13"},
        Contradiction{"NegativeExtent",
                      [](Json& j) {
                        j["parameters"][0]["shape"] = {-3, -4};
                      },
                      "bad shape"},
        Contradiction{"OverflowingShape",
                      [](Json& j) {
                        const int64_t huge = int64_t{1} << 40;
                        j["parameters"][0]["shape"] = {huge, huge};
                      },
                      "bad shape"},
        Contradiction{"UnalignedOffset",
                      [](Json& j) { j["parameters"][1]["offset"] = 12; },
                      "multiple of 16"},
        Contradiction{"NegativeOffset",
                      [](Json& j) { j["parameters"][1]["offset"] = -16; },
                      "multiple of 16"},
        Contradiction{"Overlap",
                      [](Json& j) { j["parameters"][1]["offset"] = 0; },
                      "overlaps"},
        Contradiction{"PastTheArena",
                      [](Json& j) { j["parameters"][2]["offset"] = 48; },
                      "past arena_floats"},
        Contradiction{"Count", [](Json& j) { j["parameter_count"] = 17; },
                      "parameter_count 17"},
        Contradiction{"TwoOfAName",
                      [](Json& j) { j["parameters"][1]["name"] = "gain"; },
                      "two parameters are called gain"},
        Contradiction{
            "UnknownInit",
            [](Json& j) { j["parameters"][0]["init"]["kind"] = "magic"; },
            "unknown init \"magic\""},
        Contradiction{"InitialValues",
                      [](Json& j) {
                        j["parameters"][1]["init"] = {{"kind", "values"},
                                                      {"values", {1, 2}}};
                      },
                      "fc.bias: 2 initial values for 3 elements"},
        Contradiction{"TraceOfABlock",
                      [](Json& j) { j["pipelines"][2]["kind"] = "trace"; },
                      "a trace is of one sample"},
        Contradiction{
            "TraceOfAnotherKind",
            [](Json& j) { j["pipelines"][1]["kind"] = "trace"; },
            "fake_grad_b1: 3 arguments of kind parameter, expected 0"},
        Contradiction{"NodeWithoutFormula",
                      [](Json& j) {
                        j["nodes"] = {{{"name", "fc"}, {"op", "dense"}}};
                      },
                      "attributes"},
        Contradiction{"LabelStorage",
                      [](Json& j) { j["targets"][0]["storage"] = "float32"; },
                      "label: wrong storage"},
        Contradiction{"NoClasses",
                      [](Json& j) { j["targets"][0]["classes"] = 0; },
                      "needs classes"},
        Contradiction{"BadBlock",
                      [](Json& j) { j["pipelines"][1]["block"] = 0; },
                      "fake_grad_b1: bad block 0"},
        Contradiction{"UnknownTensor",
                      [](Json& j) {
                        j["pipelines"][1]["arguments"][0]["tensor"] = "fc.up";
                      },
                      "fake_grad_b1"},
        Contradiction{"ForgottenGradient",
                      [](Json& j) { j["pipelines"][1]["arguments"].erase(12); },
                      "1 arguments of kind gradient, expected 2"},
        Contradiction{"DoubledGradient",
                      [](Json& j) {
                        Json& arguments = j["pipelines"][1]["arguments"];
                        arguments[12] = arguments[11];
                      },
                      "bound twice"},
        Contradiction{"GradientOfFrozen",
                      [](Json& j) {
                        j["pipelines"][1]["arguments"][12]["tensor"] = "gain";
                      },
                      "fake_grad_b1"},
        Contradiction{"UnknownArgumentKind",
                      [](Json& j) {
                        j["pipelines"][1]["arguments"][5]["kind"] = "indices";
                      },
                      "unknown argument kind \"indices\""},
        Contradiction{
            "AllocationOutside",
            [](Json& j) { j["pipelines"][1]["allocations"][0]["offset"] = 65; },
            "leaves the workspace"},
        Contradiction{"TwoPipelinesOfAName",
                      [](Json& j) { j["pipelines"][1] = j["pipelines"][0]; },
                      "two pipelines"},
        Contradiction{"BadDefaults",
                      [](Json& j) { j["defaults"]["batch"] = 0; }, "defaults"}),
    [](const auto& info) { return info.param.name; });

TEST(ManifestTest, RefusesWhatIsNoJson) {
  EXPECT_TRUE(
      IsOneLineError(ParseManifest("{\"kiln_manifest\":1,"), {"manifest: "}));
  EXPECT_TRUE(IsOneLineError(ParseManifest("[]"), {"manifest: "}));
}

}  // namespace
}  // namespace kiln
