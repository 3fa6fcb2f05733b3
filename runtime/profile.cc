#include "runtime/profile.h"

#include <kiln_update_momentum.h>
#include <kiln_update_sgd.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/aligned.h"
#include "runtime/arena.h"
#include "runtime/flat_buffer.h"
#include "runtime/optimizer.h"
#include "runtime/peak.h"
#include "runtime/pipeline.h"
#include "runtime/profile_marks.h"
#include "runtime/random_data.h"

namespace kiln {
inline namespace runtime {

namespace {

using Clock = std::chrono::steady_clock;

// Whether each call is among the quieter half: those that took no longer than
// the median. Their mean is as robust, and finer than a tick, of which some
// processors count 26 at a time: whole stages of a small net.
std::vector<bool> QuieterHalf(const std::vector<int64_t>& ticks) {
  std::vector<int64_t> sorted = ticks;
  const auto middle = sorted.begin() + sorted.size() / 2;
  std::nth_element(sorted.begin(), middle, sorted.end());
  std::vector<bool> quiet;
  for (int64_t t : ticks) quiet.push_back(t <= *middle);
  return quiet;
}

double MeanOf(const std::vector<int64_t>& ticks,
              const std::vector<bool>& chosen) {
  int64_t sum = 0, count = 0;
  for (size_t i = 0; i < ticks.size(); ++i) {
    if (!chosen[i]) continue;
    sum += ticks[i];
    ++count;
  }
  return static_cast<double>(sum) / static_cast<double>(count);
}

// Ticks from one mark to the next with nothing between: the least of several
// runs of marks.
double TicksOfAMark() {
  constexpr int kMarks = 1000;
  std::vector<int64_t> times(kMarks);
  int64_t least = std::numeric_limits<int64_t>::max();
  for (int run = 0; run < 20; ++run) {
    KeepProfileMarks(absl::MakeSpan(times));
    for (int i = 0; i < kMarks; ++i) kiln_profile_mark(i);
    KeepProfileMarks({});
    least = std::min(least, times.back() - times.front());
  }
  return static_cast<double>(least) / (kMarks - 1);
}

const PipelineSpec* PlainOf(const Manifest& manifest,
                            const PipelineSpec& profiled) {
  for (const PipelineSpec& spec : manifest.pipelines) {
    if (spec.kind == profiled.kind && spec.block == profiled.block &&
        spec.optimizer == profiled.optimizer)
      return &spec;
  }
  return nullptr;
}

// What the calls read and write, apart from the model's own.
class StepRunner {
 public:
  static absl::StatusOr<std::unique_ptr<StepRunner>> Create(
      const Bundle& bundle, const Model& model, const PipelineSpec& spec) {
    const Manifest& manifest = model.manifest();
    std::unique_ptr<StepRunner> runner(new StepRunner(model, spec));
    const PipelineSpec* plain = PlainOf(manifest, spec);
    if (plain == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          spec.function, " has no counterpart without marks to compare with"));
    }
    for (const PipelineSpec* of : {&spec, plain}) {
      absl::StatusOr<Pipeline> bound = Pipeline::Bind(bundle, manifest, *of);
      if (!bound.ok()) return bound.status();
      runner->pipelines_.push_back(*std::move(bound));
    }
    for (const auto& [arena, bytes] :
         {std::pair(&runner->workspace_,
                    std::max(spec.workspace_bytes, plain->workspace_bytes)),
          {&runner->parameters_out_, runner->arena_bytes()},
          {&runner->state_, runner->arena_bytes()},
          {&runner->gradient_, runner->arena_bytes()}}) {
      absl::StatusOr<Arena> made = Arena::Create(bytes);
      if (!made.ok()) return made.status();
      *arena = *std::move(made);
    }
    runner->data_ = MakeRandomDataset(manifest, spec.block, /*seed=*/1);
    absl::StatusOr<DataBinding> binding =
        DataBinding::Create(manifest, runner->data_);
    if (!binding.ok()) return binding.status();
    runner->binding_ = std::make_unique<DataBinding>(*binding);
    return runner;
  }

  absl::Status CallProfiled() { return Call(pipelines_[0]); }
  absl::Status CallPlain() { return Call(pipelines_[1]); }

  // Applies the gradient as optimizer.cc does where no step is fused.
  absl::Status Update(bool with_momentum) {
    const int64_t floats = model_.manifest().arena_floats;
    int code = 0;
    for (int64_t at = 0; at < floats && code == 0; at += kPieceFloats) {
      halide_dimension_t dimension;
      const auto piece = [&](Arena& arena) {
        return FlatBuffer(arena.floats().data() + at,
                          std::min(kPieceFloats, floats - at), dimension);
      };
      halide_buffer_t gradient = piece(gradient_), state = piece(state_),
                      parameters = piece(parameters_out_);
      code = with_momentum
                 ? kiln_update_momentum(&gradient, 0.0f, 0.9f, 0.0f,
                                        &parameters, &state)
                 : kiln_update_sgd(&gradient, 0.0f, 0.0f, &parameters);
    }
    if (code == 0) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("the update failed with ", code));
  }

 private:
  StepRunner(const Model& model, const PipelineSpec& spec)
      : model_(model),
        index_(spec.block),
        weight_(spec.block, 1.0f),
        metrics_(model.manifest().metrics.size()),
        scale_(1.0f / static_cast<float>(spec.block)) {
    std::iota(index_.begin(), index_.end(), 0);
  }

  int64_t arena_bytes() const {
    return model_.manifest().arena_floats * static_cast<int64_t>(sizeof(float));
  }

  // A learning rate of 0 keeps the parameters where they are.
  absl::Status Call(Pipeline& pipeline) {
    PipelineCall call = {.data = binding_.get(),
                         .parameters = model_.parameters().data(),
                         .parameters_out = parameters_out_.floats().data(),
                         .state = state_.floats().data(),
                         .state_out = state_.floats().data(),
                         .gradient = gradient_.floats().data(),
                         .index = index_.data(),
                         .weight = weight_.data(),
                         .scale = scale_,
                         .learning_rate = 0,
                         .momentum = 0.9f,
                         .weight_decay = 0,
                         .workspace = workspace_.data(),
                         .loss = &loss_,
                         .metrics = metrics_.data()};
    return pipeline.Call(call);
  }

  const Model& model_;
  std::vector<Pipeline> pipelines_;
  Arena workspace_, parameters_out_, state_, gradient_;
  Dataset data_;
  std::unique_ptr<DataBinding> binding_;
  std::vector<int32_t> index_;
  std::vector<float> weight_, metrics_;
  float loss_ = 0;
  float scale_;
};

// What the calls took, in ticks.
struct Samples {
  std::vector<std::vector<int64_t>> stages;  // by stage, then call
  std::vector<int64_t> plain, update;

  Samples(size_t stage_count, int64_t calls) : stages(stage_count) {
    for (std::vector<int64_t>& stage : stages) stage.reserve(calls);
    plain.reserve(calls);
    update.reserve(calls);
  }
};

template <typename Work>
absl::Status TimeInto(std::vector<int64_t>& ticks, const Work& work) {
  const int64_t start = ProfileTicks();
  absl::Status status = work();
  ticks.push_back(ProfileTicks() - start);
  return status;
}

// One call of each, in turn, so that what slows one down slows the others.
absl::Status MeasureOnce(StepRunner& runner, const PipelineSpec& spec,
                         bool update, bool momentum,
                         std::vector<int64_t>& marks, Samples& samples) {
  absl::Status status =
      TimeInto(samples.plain, [&] { return runner.CallPlain(); });
  if (!status.ok()) return status;
  if (update) {
    status = TimeInto(samples.update, [&] { return runner.Update(momentum); });
    if (!status.ok()) return status;
  }
  constexpr int64_t kUnmarked = -1;
  std::fill(marks.begin(), marks.end(), kUnmarked);
  KeepProfileMarks(absl::MakeSpan(marks).first(spec.stages.size()));
  status = runner.CallProfiled();
  marks.back() = ProfileTicks();
  KeepProfileMarks({});
  if (!status.ok()) return status;
  for (size_t s = 0; s < spec.stages.size(); ++s) {
    if (marks[s] == kUnmarked) {
      return absl::InternalError(absl::StrCat(
          spec.function, ": stage ", spec.stages[s].name, " was not marked"));
    }
    samples.stages[s].push_back(marks[s + 1] - marks[s]);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Profile> MeasureProfile(const Bundle& bundle, const Model& model,
                                       const ProfileOptions& options) {
  const Manifest& manifest = model.manifest();
  if (manifest.profiled.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(manifest.model,
                     " was built without PROFILE in kiln_add_model: add it "
                     "there and build again"));
  }
  const PipelineSpec& spec = manifest.profiled[0];
  absl::StatusOr<std::unique_ptr<StepRunner>> runner =
      StepRunner::Create(bundle, model, spec);
  if (!runner.ok()) return runner.status();
  const absl::StatusOr<OptimizerKind> optimizer =
      ParseOptimizer(manifest.defaults.optimizer);
  const bool momentum = optimizer.ok() && UsesMomentum(*optimizer);
  const bool has_update = spec.kind == PipelineKind::kGrad;

  Profile profile = {.pipeline = &spec, .update_has_momentum = momentum};
  profile.peak_gflops = MeasurePeakGflops();
  std::vector<int64_t> marks(spec.stages.size() + 1);
  Samples warm_up(spec.stages.size(), 1);
  absl::Status status =
      MeasureOnce(**runner, spec, has_update, momentum, marks, warm_up);
  if (!status.ok()) return status;

  Samples samples(spec.stages.size(), options.steps);
  const Clock::time_point begin = Clock::now();
  const int64_t first_tick = ProfileTicks();
  std::chrono::duration<double, std::micro> took{0};
  while (profile.calls == 0 || (profile.calls < options.steps &&
                                took.count() < options.seconds * 1e6)) {
    status = MeasureOnce(**runner, spec, has_update, momentum, marks, samples);
    if (!status.ok()) return status;
    ++profile.calls;
    took = Clock::now() - begin;
  }
  const double us_per_tick =
      took.count() / static_cast<double>(ProfileTicks() - first_tick);
  const double mark = TicksOfAMark();
  std::vector<int64_t> totals(profile.calls);
  for (const std::vector<int64_t>& stage : samples.stages) {
    for (int64_t i = 0; i < profile.calls; ++i) totals[i] += stage[i];
  }
  const std::vector<bool> quiet = QuieterHalf(totals);
  for (const std::vector<int64_t>& stage : samples.stages) {
    profile.stage_us.push_back(std::max(0.0, MeanOf(stage, quiet) - mark) *
                               us_per_tick);
  }
  const auto mean_us = [&](const std::vector<int64_t>& ticks) {
    return MeanOf(ticks, QuieterHalf(ticks)) * us_per_tick;
  };
  if (has_update) profile.update_us = mean_us(samples.update);
  profile.plain_us = mean_us(samples.plain);
  profile.mark_us = mark * us_per_tick;
  profile.peak_gflops = std::max(profile.peak_gflops, MeasurePeakGflops());
  return profile;
}

}  // namespace runtime
}  // namespace kiln
