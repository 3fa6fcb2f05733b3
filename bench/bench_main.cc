#include "bench/bench_main.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/memory.h"
#include "runtime/text_table.h"

namespace kiln {

namespace {

bool wants_table = true;

// One table at the end, in the order of registration, of medians.
class MedianTable : public benchmark::BenchmarkReporter {
 public:
  // Says nothing: Debian's library would warn of itself in every run.
  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const bool is_result = run.run_type == Run::RT_Iteration
                                 ? run.repetitions <= 1
                                 : run.aggregate_name == "median";
      if (is_result || run.error_occurred) results_[run.family_index] = run;
    }
  }

  void Finalize() override {
    const std::vector<MemoryLevel> levels = MemoryLevels();
    TextTable table({"benchmark", ">us", ">us/sample", ">GFLOP/s", ">FMA peak",
                     ">share", ">GB/s", ">of", ">share"});
    for (const auto& [index, run] : results_) {
      const std::string name = run.run_name.function_name;
      if (run.error_occurred) {
        table.AddRow({name, run.error_message});
        continue;
      }
      const auto counter = [&run = run](const char* key) {
        return run.counters.at(key).value;
      };
      const double ns = counter("cores") > 1 ? run.GetAdjustedRealTime()
                                             : run.GetAdjustedCPUTime();
      const double gflops = counter("flops") / ns,
                   gbytes = counter("bytes") / ns;
      table.AddRow(
          {name, absl::StrFormat("%.2f", ns * 1e-3),
           absl::StrFormat("%.2f", ns * 1e-3 / counter("samples")),
           absl::StrFormat("%.1f", gflops),
           absl::StrFormat("%.1f", counter("peak")),
           absl::StrFormat("%.1f %%", 100 * gflops / counter("peak")),
           absl::StrFormat("%.1f", gbytes),
           absl::StrFormat("%s %.0f",
                           levels[static_cast<int>(counter("level"))].name,
                           counter("bandwidth")),
           absl::StrFormat("%.0f %%", 100 * gbytes / counter("bandwidth"))});
    }
    std::fputs(table.Text().c_str(), stdout);
  }

 private:
  std::map<int64_t, Run> results_;
};

}  // namespace

bool InitializeBenchmarks(int argc, char** argv) {
  // Defaults first: what the user says later wins.
  static std::vector<std::string> arguments = {
      argv[0], "--benchmark_repetitions=5", "--benchmark_min_time=0.05",
      "--benchmark_enable_random_interleaving=true"};
  for (int i = 1; i < argc; ++i) {
    arguments.push_back(argv[i]);
    if (absl::StartsWith(argv[i], "--benchmark_format=")) wants_table = false;
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  const std::vector<MemoryLevel> levels = MemoryLevels();
  for (size_t i = 0; i < levels.size(); ++i) {
    benchmark::AddCustomContext(
        absl::StrCat("level", i),
        absl::StrCat(levels[i].name, " ", levels[i].bytes));
  }
  return !benchmark::ReportUnrecognizedArguments(count, pointers.data());
}

int RunBenchmarks() {
  MedianTable medians;
  benchmark::RunSpecifiedBenchmarks(wants_table ? &medians : nullptr);
  benchmark::Shutdown();
  return 0;
}

}  // namespace kiln
