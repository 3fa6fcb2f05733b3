// bin/kiln_bench_models: every pipeline of some models, on every schedule:
// Kiln's own, the naive one and those of Halide's autoschedulers.
#include <string>
#include <vector>

#include "bench/bench_main.h"
#include "bench/model_benchmarks.h"
#include "laboratory_models.inc"  // made by CMake: kLaboratoryModels

int main(int argc, char** argv) {
  if (!kiln::InitializeBenchmarks(argc, argv)) return 1;
  for (const auto& model : kiln::kLaboratoryModels) {
    const kiln::Bundle* naive = nullptr;
    for (const kiln::BenchmarkedModel& built : model.schedules) {
      if (std::string(built.schedule) == "naive") naive = &built.bundle();
    }
    for (const kiln::BenchmarkedModel& built : model.schedules)
      kiln::RegisterPipelines(model.name, built.bundle(), *naive);
  }
  return kiln::RunBenchmarks();
}
