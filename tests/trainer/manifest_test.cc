#include "runtime/manifest.h"

#include <zlib.h>

#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "runtime/training_options.h"
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
  EXPECT_EQ(manifest->defaults.beta2, 0.999) << "may be left out";
  EXPECT_EQ(manifest->flops.useful_step(), 48);
  EXPECT_EQ(manifest->dot.backward, "digraph backward {}");
  EXPECT_EQ(manifest->pipelines.size(), 12);
  EXPECT_EQ(manifest->pipelines[0].arguments[3].kind, ArgumentKind::kData);
  EXPECT_EQ(manifest->FindParameter("fc.bias"), 1);
  EXPECT_EQ(manifest->FindParameter("fc"), -1);
}

TEST(ManifestTest, ReadsWeightDecayMultipliers) {
  Json json = FakeManifest();
  json["parameters"][1]["weight_decay_multiplier"] = 0.0;
  const absl::StatusOr<Manifest> manifest = ParseManifest(json.dump());
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->parameters[0].weight_decay_multiplier, 1);
  EXPECT_EQ(manifest->parameters[1].weight_decay_multiplier, 0);
}

TEST(ManifestTest, ReadsTheTrainingDefaults) {
  Json json = FakeManifest();
  json["defaults"].update({{"optimizer", "adamw"},
                           {"learning_rate_schedule", "step"},
                           {"beta1", 0.1},
                           {"beta2", 0.2},
                           {"alpha", 0.3},
                           {"epsilon", 0.4},
                           {"lr_step_every", 5},
                           {"lr_gamma", 0.6},
                           {"min_learning_rate", 0.01},
                           {"warmup_steps", 7},
                           {"clip_norm", 0.8},
                           {"stop_at_accuracy", 0.9},
                           {"stop_metric", "width"},
                           {"stop_on", "train"},
                           {"patience", 10},
                           {"patience_metric", "height"}});
  const absl::StatusOr<Manifest> manifest = ParseManifest(json.dump());
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  const TrainingOptions options = *OptionsFromDefaults(manifest->defaults);
  EXPECT_EQ(options.epochs, 2);
  EXPECT_EQ(options.steps, -1);
  EXPECT_EQ(options.batch, 8);
  EXPECT_EQ(options.optimizer, OptimizerKind::kAdamW);
  EXPECT_EQ(options.learning_rate, 0.05);
  EXPECT_EQ(options.schedule, LearningRateSchedule::kStep);
  EXPECT_EQ(options.momentum, 0.9);
  EXPECT_EQ(options.beta1, 0.1);
  EXPECT_EQ(options.beta2, 0.2);
  EXPECT_EQ(options.alpha, 0.3);
  EXPECT_EQ(options.epsilon, 0.4);
  EXPECT_EQ(options.lr_step_every, 5);
  EXPECT_EQ(options.lr_gamma, 0.6);
  EXPECT_EQ(options.min_learning_rate, 0.01);
  EXPECT_EQ(options.warmup_steps, 7);
  EXPECT_EQ(options.clip_norm, 0.8);
  EXPECT_EQ(options.stop_at_accuracy, 0.9);
  EXPECT_EQ(options.stop_metric, "width");
  EXPECT_TRUE(options.stop_on_training_part);
  EXPECT_EQ(options.patience, 10);
  EXPECT_EQ(options.patience_metric, "height");
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
// scale, accumulate, workspace, loss, metric, 2 gradients.
INSTANTIATE_TEST_SUITE_P(
    All, ManifestContradictionTest,
    testing::Values(
        Contradiction{"Version", [](Json& j) { j["kiln_manifest"] = 2; },
                      "version 2"},
        Contradiction{"PreparedWithoutAPipeline",
                      [](Json& j) {
                        j["prepared"] = {{{"name", "w"},
                                          {"shape", {3, 4}},
                                          {"offset", 0},
                                          {"size", 12}}};
                        j["prepared_floats"] = 16;
                      },
                      "0 prepare pipelines for 1 prepared tensors"},
        Contradiction{"PreparedSize",
                      [](Json& j) {
                        j["prepared"] = {{{"name", "w"},
                                          {"shape", {3, 4}},
                                          {"offset", 0},
                                          {"size", 13}}};
                        j["prepared_floats"] = 16;
                      },
                      "prepared tensor w: size 13"},
        Contradiction{"PreparedOutsideItsArena",
                      [](Json& j) {
                        j["prepared"] = {{{"name", "w"},
                                          {"shape", {3, 4}},
                                          {"offset", 16},
                                          {"size", 12}}};
                        j["prepared_floats"] = 16;
                      },
                      "prepared tensor w: bad offset 16"},
        Contradiction{"PrepareWithNothingToPrepare",
                      [](Json& j) { j["pipelines"][0]["kind"] = "prepare"; },
                      "1 prepare pipelines for 0 prepared tensors"},
        Contradiction{"ConvolutionOfNothing",
                      [](Json& j) {
                        j["layers"][0]["convolution"] = {
                            {"input_shape", {1, 3, 3}},
                            {"kernel", {2, 2}},
                            {"stride", {1, 1}},
                            {"padding", {0, 0}},
                            {"weight", "fc.bias"}};
                      },
                      "bad convolution"},
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
        Contradiction{
            "WeightDecayMultiplier",
            [](Json& j) { j["parameters"][1]["weight_decay_multiplier"] = -1; },
            "fc.bias: bad weight_decay_multiplier"},
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
                      [](Json& j) { j["pipelines"][1]["arguments"].erase(13); },
                      "1 arguments of kind gradient, expected 2"},
        Contradiction{"DoubledGradient",
                      [](Json& j) {
                        Json& arguments = j["pipelines"][1]["arguments"];
                        arguments[13] = arguments[12];
                      },
                      "bound twice"},
        Contradiction{"GradientOfFrozen",
                      [](Json& j) {
                        j["pipelines"][1]["arguments"][13]["tensor"] = "gain";
                      },
                      "fake_grad_b1"},
        Contradiction{"GradientThatAlwaysAdds",
                      [](Json& j) { j["pipelines"][1]["arguments"].erase(8); },
                      "fake_grad_b1: 0 arguments of kind accumulate, expected "
                      "1"},
        Contradiction{"StepThatAccumulates",
                      [](Json& j) {
                        Json& step = j["pipelines"].back()["arguments"];
                        step.push_back(j["pipelines"][1]["arguments"][8]);
                      },
                      "fake_step_momentum_b8: 1 arguments of kind accumulate, "
                      "expected 0"},
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
                      [](Json& j) { j["defaults"]["batch"] = 0; }, "defaults"},
        Contradiction{"UnknownOptimizer",
                      [](Json& j) { j["defaults"]["optimizer"] = "adagrad"; },
                      "defaults: unknown optimizer \"adagrad\""},
        Contradiction{
            "StepWithoutItsLength",
            [](Json& j) { j["defaults"]["learning_rate_schedule"] = "step"; },
            "lr_step_every"},
        Contradiction{"StopOnWhat",
                      [](Json& j) { j["defaults"]["stop_on"] = "valid"; },
                      "\"valid\""},
        Contradiction{"FractionalPatience",
                      [](Json& j) { j["defaults"]["patience"] = 1.5; },
                      "patience"},
        Contradiction{"TextAsABeta",
                      [](Json& j) { j["defaults"]["beta1"] = "0.9"; }, "type"}),
    [](const auto& info) { return info.param.name; });

TEST(ManifestTest, RefusesWhatIsNoJson) {
  EXPECT_TRUE(
      IsOneLineError(ParseManifest("{\"kiln_manifest\":1,"), {"manifest: "}));
  EXPECT_TRUE(IsOneLineError(ParseManifest("[]"), {"manifest: "}));
}

TEST(ManifestTest, IsReadAsZlibCompressesIt) {
  Bundle bundle = FakeBundle();
  // Far more than the reader takes at once.
  const std::string text =
      FakeManifest().dump() + std::string(1 << 20, ' ') + "\n";
  std::string bytes(compressBound(text.size()), '\0');
  uLongf size = bytes.size();
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(bytes.data()), &size,
                     reinterpret_cast<const Bytef*>(text.data()), text.size()),
            Z_OK);
  bundle.manifest = absl::string_view(bytes).substr(0, size);
  EXPECT_EQ(ManifestText(bundle).value(), text);
  EXPECT_EQ(ReadManifest(bundle).value().model, "fake");
}

TEST(ManifestTest, RefusesADamagedBundle) {
  Bundle bundle = FakeBundle();
  std::string bytes(100, '\0');
  uLongf size = bytes.size();
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(bytes.data()), &size,
                     reinterpret_cast<const Bytef*>("{\"a\": 1}"), 8),
            Z_OK);
  bytes.resize(size);
  for (const std::string& damaged :
       {std::string(), std::string("x"), bytes.substr(0, size - 1), bytes + "x",
        bytes.substr(0, 5) + "\x7f" + bytes.substr(6)}) {
    bundle.manifest = damaged;
    EXPECT_TRUE(IsOneLineError(ReadManifest(bundle), {"fake", "damaged"}))
        << damaged.size() << " bytes";
  }
}

}  // namespace
}  // namespace kiln
