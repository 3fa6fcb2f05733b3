// bin/kiln_bench: the training step and every pipeline of each model, on the
// fast schedule and on the naive one.
//
// Each row is the median of several repetitions, which are interleaved at
// random so that a busy minute of the machine falls on all alike; times are of
// the CPU, and the FMA peak is measured before each repetition on the same
// core. All of Google Benchmark's flags work: --benchmark_filter=lenet5/grad
// selects, --benchmark_repetitions=1 hurries, --benchmark_format=json has all.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "bench/model_benchmarks.h"
#include "lenet5.h"
#include "lenet5_naive.h"
#include "mnist_cnn.h"
#include "mnist_cnn_naive.h"
#include "runtime/text_table.h"
#include "xor_mlp.h"
#include "xor_mlp_naive.h"

namespace {

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
    kiln::TextTable table({"benchmark", ">us", ">us/sample", ">GFLOP/s",
                           ">FMA peak", ">share of peak"});
    for (const auto& [index, run] : results_) {
      const std::string name = run.run_name.function_name;
      if (run.error_occurred) {
        table.AddRow({name, run.error_message});
        continue;
      }
      const auto counter = [&run = run](const char* key) {
        return run.counters.at(key).value;
      };
      table.AddRow({name,
                    absl::StrFormat("%.2f", run.GetAdjustedCPUTime() * 1e-3),
                    absl::StrFormat("%.2f", counter("us/sample")),
                    absl::StrFormat("%.1f", counter("GFLOP/s")),
                    absl::StrFormat("%.1f", counter("peak")),
                    absl::StrFormat("%.1f %%", 100 * counter("share"))});
    }
    std::fputs(table.Text().c_str(), stdout);
  }

 private:
  std::map<int64_t, Run> results_;
};

}  // namespace

int main(int argc, char** argv) {
  // Defaults first: what the user says later wins.
  std::vector<std::string> arguments = {
      argv[0], "--benchmark_repetitions=5", "--benchmark_min_time=0.05",
      "--benchmark_enable_random_interleaving=true"};
  bool console = true;
  for (int i = 1; i < argc; ++i) {
    arguments.push_back(argv[i]);
    if (absl::StartsWith(argv[i], "--benchmark_format=")) console = false;
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 1;

  using namespace kiln::models;
  kiln::RegisterModelBenchmarks("lenet5", lenet5());
  kiln::RegisterModelBenchmarks("lenet5_naive", lenet5_naive());
  kiln::RegisterModelBenchmarks("mnist_cnn", mnist_cnn());
  kiln::RegisterModelBenchmarks("mnist_cnn_naive", mnist_cnn_naive());
  kiln::RegisterModelBenchmarks("xor_mlp", xor_mlp());
  kiln::RegisterModelBenchmarks("xor_mlp_naive", xor_mlp_naive());

  MedianTable medians;
  benchmark::RunSpecifiedBenchmarks(console ? &medians : nullptr);
  benchmark::Shutdown();
  return 0;
}
