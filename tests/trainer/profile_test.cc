// The profiled pipelines of the compiled models: the same bits as without
// marks, each stage marked once and in order.
#include "runtime/profile.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"
#include "mnist_cnn.h"
#include "runtime/data_binding.h"
#include "runtime/pipeline.h"
#include "runtime/profile_marks.h"
#include "runtime/random_data.h"
#include "tests/support/fake_bundle.h"
#include "xor_mlp.h"

namespace kiln {
namespace {

const PipelineSpec& PlainOf(const Manifest& manifest,
                            const PipelineSpec& profiled) {
  for (const PipelineSpec& spec : manifest.pipelines) {
    if (spec.kind == profiled.kind && spec.block == profiled.block &&
        spec.optimizer == profiled.optimizer)
      return spec;
  }
  ADD_FAILURE() << "nothing plain like " << profiled.function;
  return manifest.pipelines[0];
}

class ProfileTest : public testing::TestWithParam<const Bundle& (*)()> {
 protected:
  ProfileTest() : bundle_(GetParam()()), model_(*Model::Create(bundle_)) {
    model_->Initialize(3);
    data_ = MakeRandomDataset(manifest(), profiled().block, /*seed=*/5);
    binding_ =
        std::make_unique<DataBinding>(*DataBinding::Create(manifest(), data_));
  }

  const Manifest& manifest() const { return model_->manifest(); }
  const PipelineSpec& profiled() const { return manifest().profiled.at(0); }

  // Parameters and momentum after a step, then loss and metrics.
  std::vector<float> Step(const PipelineSpec& spec) {
    Pipeline pipeline = *Pipeline::Bind(bundle_, manifest(), spec);
    Arena workspace = *Arena::Create(spec.workspace_bytes);
    Arena parameters = *Arena::OfFloats(manifest().arena_floats);
    Arena state = *Arena::OfFloats(manifest().arena_floats);
    std::vector<int32_t> index(spec.block);
    std::iota(index.begin(), index.end(), 0);
    const std::vector<float> weight(spec.block, 1.0f);
    std::vector<float> results(1 + manifest().metrics.size());
    EXPECT_TRUE(pipeline
                    .Call({.data = binding_.get(),
                           .parameters = model_->parameters().data(),
                           .parameters_out = parameters.floats().data(),
                           .state = state.floats().data(),
                           .state_out = state.floats().data(),
                           .index = index.data(),
                           .weight = weight.data(),
                           .scale = 0.125f,
                           .learning_rate = 0.1f,
                           .momentum = 0.9f,
                           .weight_decay = 0.01f,
                           .workspace = workspace.data(),
                           .loss = results.data(),
                           .metrics = results.data() + 1})
                    .ok());
    for (const Arena* arena : {&parameters, &state})
      results.insert(results.end(), arena->floats().begin(),
                     arena->floats().end());
    return results;
  }

  const Bundle& bundle_;
  std::unique_ptr<Model> model_;
  Dataset data_;
  std::unique_ptr<DataBinding> binding_;
};

TEST_P(ProfileTest, IsTheMomentumStepOfTheLargestBlock) {
  int64_t largest = 0;
  for (const PipelineSpec& spec : manifest().pipelines) {
    EXPECT_TRUE(spec.stages.empty()) << spec.function;
    if (spec.kind == PipelineKind::kGrad)
      largest = std::max(largest, spec.block);
  }
  EXPECT_EQ(manifest().profiled.size(), 1);
  EXPECT_EQ(profiled().kind, PipelineKind::kStep);
  EXPECT_EQ(profiled().optimizer, "momentum");
  EXPECT_EQ(profiled().block, largest);
}

TEST_P(ProfileTest, MarksChangeNoBit) {
  const std::vector<float> plain = Step(PlainOf(manifest(), profiled()));
  const std::vector<float> marked = Step(profiled());
  ASSERT_EQ(marked.size(), plain.size());
  EXPECT_EQ(
      std::memcmp(marked.data(), plain.data(), plain.size() * sizeof(float)),
      0);
  float largest = 0;
  for (float value : plain) largest = std::max(largest, std::abs(value));
  EXPECT_GT(largest, 0) << "something was computed";
}

TEST_P(ProfileTest, StagesAreMarkedInTheirOrder) {
  std::vector<int64_t> times(profiled().stages.size() + 1, -1);
  KeepProfileMarks(absl::MakeSpan(times));
  Step(profiled());
  KeepProfileMarks({});
  EXPECT_EQ(times.back(), -1) << "there is no stage beyond the last";
  for (size_t s = 0; s < profiled().stages.size(); ++s) {
    EXPECT_GT(times[s], s == 0 ? 0 : times[s - 1]) << s;
  }
}

TEST_P(ProfileTest, UsefulFlopsAreThoseOfAStep) {
  int64_t flops = 0;
  for (const StageSpec& stage : profiled().stages) flops += stage.useful_flops;
  EXPECT_GT(flops, 0);
  EXPECT_EQ(flops, manifest().flops.useful_step() * profiled().block);
}

TEST_P(ProfileTest, MeasuresEveryStageAsOftenAsAsked) {
  const absl::StatusOr<Profile> profile =
      MeasureProfile(bundle_, *model_, {.steps = 7, .seconds = 60});
  ASSERT_TRUE(profile.ok()) << profile.status();
  EXPECT_EQ(profile->calls, 7);
  EXPECT_EQ(profile->stage_us.size(), profiled().stages.size());
  EXPECT_GT(
      std::accumulate(profile->stage_us.begin(), profile->stage_us.end(), 0.0),
      0);
  EXPECT_GT(profile->plain_us, 0);
  EXPECT_EQ(profile->update_us, 0) << "the step has it";
}

INSTANTIATE_TEST_SUITE_P(Models, ProfileTest,
                         testing::Values(models::xor_mlp, models::mnist_cnn),
                         [](const auto& info) {
                           return info.index == 0 ? "xor_mlp" : "mnist_cnn";
                         });

TEST(ProfileWithoutTest, SaysHowToGetOne) {
  const std::unique_ptr<Model> model = *Model::Create(FakeBundle());
  const absl::Status status = MeasureProfile(FakeBundle(), *model, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(),
            "fake was built without PROFILE in kiln_add_model: add it there "
            "and build again");
}

}  // namespace
}  // namespace kiln
