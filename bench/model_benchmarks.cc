#include "bench/model_benchmarks.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runtime/aligned.h"
#include "runtime/arena.h"
#include "runtime/model.h"
#include "runtime/optimizer.h"
#include "runtime/peak.h"
#include "runtime/pipeline.h"
#include "runtime/random_data.h"

namespace kiln {

namespace {

template <typename T>
T ValueOrDie(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "kiln_bench: %s\n", value.status().ToString().c_str());
  std::exit(1);
}

// Everything a model's benchmarks run on; lives as long as they are registered.
struct Subject {
  explicit Subject(const Bundle& bundle)
      : model(ValueOrDie(Model::Create(bundle))) {
    const Manifest& manifest = model->manifest();
    model->Initialize(1);
    samples = manifest.defaults.batch;
    for (const PipelineSpec& spec : manifest.pipelines) {
      samples = std::max(samples, spec.block);
      workspace_bytes = std::max(workspace_bytes, spec.workspace_bytes);
    }
    data = MakeRandomDataset(manifest, samples, /*seed=*/1);
    binding = std::make_unique<DataBinding>(
        ValueOrDie(DataBinding::Create(manifest, data)));
    rows.resize(samples);
    std::iota(rows.begin(), rows.end(), 0);
    weight.assign(samples, 1.0f);
    for (Arena* arena : {&parameters_out, &gradient, &state}) {
      *arena = ValueOrDie(Arena::OfFloats(manifest.arena_floats));
    }
    workspace = ValueOrDie(Arena::Create(workspace_bytes));
    metrics.resize(manifest.metrics.size());
    for (const OutputSpec& output : manifest.outputs) {
      outputs.emplace_back(samples * ElementCount(output.shape));
      output_pointers.push_back(outputs.back().data());
    }
  }

  // The arguments of any pipeline. The learning rate is 0: the arithmetic is
  // the same, and the weights stay what they are.
  PipelineCall Call() {
    return {.data = binding.get(),
            .parameters = model->parameters().data(),
            .parameters64 = nullptr,
            .parameters_out = parameters_out.floats().data(),
            .state = state.floats().data(),
            .state_out = state.floats().data(),
            .gradient = gradient.floats().data(),
            .index = rows.data(),
            .weight = weight.data(),
            .scale = 1.0f / static_cast<float>(samples),
            .learning_rate = 0,
            .momentum = 0.9f,
            .weight_decay = 0,
            .workspace = workspace.data(),
            .outputs = output_pointers.data(),
            .loss = &loss,
            .loss64 = nullptr,
            .metrics = metrics.data()};
  }

  std::unique_ptr<Model> model;
  int64_t samples = 1, workspace_bytes = 0;
  Dataset data;
  std::unique_ptr<DataBinding> binding;
  AlignedVector<int32_t> rows;
  AlignedVector<float> weight;
  Arena parameters_out, gradient, state, workspace;
  float loss = 0;
  std::vector<float> metrics;
  std::vector<AlignedVector<float>> outputs;
  std::vector<float*> output_pointers;
};

// Runs `work`, which returns a Status, and reports its rates.
template <typename Work>
void Measure(benchmark::State& state, double samples, double flops,
             const Work& work) {
  const double peak = MeasurePeakGflops();
  for (auto _ : state) {
    const absl::Status status = work();
    if (!status.ok()) {
      state.SkipWithError(std::string(status.message()).c_str());
      break;
    }
  }
  using benchmark::Counter;
  const auto rate = Counter::kIsIterationInvariantRate;
  state.counters["us/sample"] =
      Counter(samples * 1e-6, rate | Counter::kInvert);
  state.counters["GFLOP/s"] = Counter(flops * 1e-9, rate);
  state.counters["peak"] = Counter(peak);
  state.counters["share"] = Counter(flops * 1e-9 / peak, rate);
}

void RegisterPipeline(const std::string& name, const Bundle& bundle,
                      std::shared_ptr<Subject> subject,
                      const PipelineSpec& spec) {
  const FlopCounts& flops = subject->model->manifest().flops;
  const bool backward =
      spec.kind == PipelineKind::kGrad || spec.kind == PipelineKind::kStep;
  const double samples = static_cast<double>(spec.block);
  const double work =
      samples * static_cast<double>(backward ? flops.useful_step()
                                             : flops.useful_forward);
  auto pipeline = std::make_shared<Pipeline>(
      ValueOrDie(Pipeline::Bind(bundle, subject->model->manifest(), spec)));
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    subject->gradient.Zero();
    Measure(state, samples, work,
            [&] { return pipeline->Call(subject->Call()); });
  });
}

void RegisterTrainStep(const std::string& name,
                       std::shared_ptr<Subject> subject) {
  const Manifest& manifest = subject->model->manifest();
  const OptimizerKind kind =
      ValueOrDie(ParseOptimizer(manifest.defaults.optimizer));
  auto optimizer = std::make_shared<Optimizer>(
      ValueOrDie(Optimizer::Create(*subject->model, kind)));
  const int64_t batch = manifest.defaults.batch;
  const double samples = static_cast<double>(batch);
  const double flops =
      samples * static_cast<double>(manifest.flops.useful_step());
  benchmark::RegisterBenchmark(
      absl::StrCat(name, "/train_step/", OptimizerName(kind), "/batch:", batch)
          .c_str(),
      [=](benchmark::State& state) {
        const auto rows = absl::MakeConstSpan(subject->rows).first(batch);
        Totals totals;
        Measure(state, samples, flops, [&] {
          return optimizer->Step(*subject->binding, rows,
                                 {.learning_rate = 0, .momentum = 0.9f},
                                 totals);
        });
      });
}

}  // namespace

void RegisterModelBenchmarks(const char* name, const Bundle& bundle) {
  auto subject = std::make_shared<Subject>(bundle);
  RegisterTrainStep(name, subject);
  for (const PipelineSpec& spec : subject->model->manifest().pipelines) {
    if (spec.kind == PipelineKind::kLoss64 || spec.kind == PipelineKind::kTrace)
      continue;  // for checks, not speed
    absl::string_view function = spec.function;
    absl::ConsumePrefix(&function, absl::StrCat(bundle.name, "_"));
    RegisterPipeline(absl::StrCat(name, "/", function), bundle, subject, spec);
  }
}

}  // namespace kiln
