#include "bench/model_benchmarks.h"

#include <benchmark/benchmark.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "bench/agreement.h"
#include "bench/measure.h"
#include "bench/subject.h"
#include "bench/threads.h"
#include "bench/traffic.h"
#include "runtime/optimizer.h"

namespace kiln {

namespace {

using benchmark::State;

// By the wall where several threads work; by this thread's own CPU time where
// one does, which a neighbour's turn on the core does not lengthen.
void UseTimeOf(benchmark::internal::Benchmark* registered, int threads) {
  if (threads > 1) registered->UseRealTime();
}

Work PipelineWork(const Manifest& manifest, const PipelineSpec& spec) {
  const FlopCounts& flops = manifest.flops;
  double useful = 0;
  switch (spec.kind) {
    case PipelineKind::kGrad:
    case PipelineKind::kStep:
      useful = static_cast<double>(flops.useful_step());
      break;
    case PipelineKind::kInfer:
      useful = static_cast<double>(flops.useful_inference);
      break;
    case PipelineKind::kEval:
      useful = static_cast<double>(flops.useful_forward);
      break;
    default:
      break;
  }
  const double samples = static_cast<double>(spec.block);
  return {.samples = samples,
          .flops = samples * useful,
          .traffic = PipelineTraffic(manifest, spec)};
}

// Of a batch, in blocks of the smallest size that holds it, or the largest.
Work InferenceWork(const Manifest& manifest, int64_t batch) {
  const PipelineSpec* best = nullptr;
  for (const PipelineSpec& spec : manifest.pipelines) {
    if (spec.kind != PipelineKind::kInfer) continue;
    const bool is_better =
        best == nullptr ||
        (best->block < batch ? spec.block > best->block
                             : spec.block >= batch && spec.block < best->block);
    if (is_better) best = &spec;
  }
  const int64_t calls = (batch + best->block - 1) / best->block;
  Work work = PipelineWork(manifest, *best);
  work.traffic.bytes *= calls;
  work.samples = static_cast<double>(batch);
  work.flops =
      work.samples * static_cast<double>(manifest.flops.useful_inference);
  return work;
}

}  // namespace

void RegisterWholeStep(const char* name, const Bundle& bundle, int64_t batch,
                       int threads) {
  if (!CanUseThreads(threads)) return;
  auto* registered = benchmark::RegisterBenchmark(
      absl::StrCat(name, "/step/batch:", batch, "/threads:", threads).c_str(),
      [=, &bundle](State& state) {
        // Made here: what is not selected takes no memory.
        Subject subject(bundle, batch);
        Optimizer optimizer = ValueOrDie(
            Optimizer::Create(*subject.model, OptimizerKind::kMomentum));
        UseThreads(*subject.model, threads);
        const Manifest& manifest = subject.model->manifest();
        const double samples = static_cast<double>(batch);
        const Work work = {
            .samples = samples,
            .flops =
                samples * static_cast<double>(manifest.flops.useful_step()),
            .traffic = StepTraffic(manifest, batch, optimizer.IsFused(batch)),
            .threads = threads};
        Totals totals;
        Measure(state, work, [&] {
          return optimizer.Step(*subject.binding, subject.Rows(batch),
                                {.learning_rate = 0, .momentum = 0.9f}, totals);
        });
      });
  UseTimeOf(registered, threads);
}

void RegisterInference(const char* name, const Bundle& bundle, int64_t batch,
                       int threads) {
  if (!CanUseThreads(threads)) return;
  auto* registered = benchmark::RegisterBenchmark(
      absl::StrCat(name, "/infer/batch:", batch, "/threads:", threads).c_str(),
      [=, &bundle](State& state) {
        Subject subject(bundle, batch);
        UseThreads(*subject.model, threads);
        const Manifest& manifest = subject.model->manifest();
        Work work = InferenceWork(manifest, batch);
        work.threads = threads;
        std::vector<std::vector<float>> outputs;
        Measure(state, work, [&] {
          return subject.model->Infer(*subject.binding, subject.Rows(batch),
                                      outputs);
        });
      });
  UseTimeOf(registered, threads);
}

void RegisterPipelines(const char* name, const Bundle& bundle,
                       const Bundle& naive) {
  auto manifest = std::make_shared<Manifest>(ValueOrDie(ReadManifest(bundle)));
  // The runtime has no use for tiles, and so the manifest's reader none.
  const bool is_tuned =
      absl::StrContains(*ManifestText(bundle), "\"tuned\": true");
  for (const PipelineSpec& spec : manifest->pipelines) {
    const bool as_tuned = is_tuned && spec.schedule == "fast";
    if (spec.kind == PipelineKind::kLoss64 ||
        spec.kind == PipelineKind::kTrace ||
        spec.kind == PipelineKind::kPrepare || spec.optimizer == "sgd")
      continue;  // for checks, or once; and a step differs by its update alone
    absl::string_view function = spec.function;
    absl::ConsumePrefix(&function, absl::StrCat(bundle.name, "_"));
    benchmark::RegisterBenchmark(
        absl::StrCat(name, "/", function, "/",
                     as_tuned ? "tuned" : spec.schedule)
            .c_str(),
        [&bundle, &spec, &naive, manifest,
         checked =
             std::make_shared<std::optional<std::string>>()](State& state) {
          if (!spec.failure.empty())
            return state.SkipWithError(spec.failure.c_str());
          // Once: a benchmark's function runs several times.
          if (!checked->has_value())
            *checked = Disagreement(bundle, spec, naive);
          if (!(*checked)->empty())
            return state.SkipWithError((*checked)->c_str());
          Subject subject(bundle, spec.block);
          Pipeline pipeline =
              ValueOrDie(Pipeline::Bind(bundle, *manifest, spec));
          PipelineCall call = subject.Call();
          // As training does; tiles of other schedules may overlap.
          if (spec.schedule == "fast" || spec.schedule == "tuned")
            call.state_out = subject.InPlaceState();
          Measure(state, PipelineWork(*manifest, spec),
                  [&] { return pipeline.Call(call); });
        });
  }
}

}  // namespace kiln
