// The binary of scripts/random_graphs: checks random graphs until told to stop.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "dsl/print.h"
#include "runtime/flag_set.h"
#include "tests/random_graphs/check.h"
#include "tests/random_graphs/counts.h"
#include "tests/support/random_graph.h"

namespace kiln {
namespace {

volatile std::sig_atomic_t interrupted = 0;

struct Options {
  int64_t count = 10000;
  uint64_t first_seed = 1;
  int64_t compile_every = 50;
  int64_t seed = -1;
};

std::string Reproduce(uint64_t seed, bool compile) {
  return absl::StrCat("scripts/random_graphs --seed=", seed,
                      compile ? "" : " --compile_every=0");
}

// One seed, told in full.
int RunOne(uint64_t seed, bool compile) {
  const auto random = MakeRandomGraph(seed);
  if (random.ok()) absl::PrintF("%s\n", ToText(random->model.graph));
  RandomGraphCounts counts;
  const absl::Status status = CheckRandomGraph(seed, compile, &counts);
  absl::PrintF("seed %d: %s\n%s\n", seed,
               status.ok() ? "passed" : status.ToString(), counts.ToString());
  return status.ok() ? 0 : 1;
}

class Run {
 public:
  explicit Run(const Options& options) : options_(options) {}

  int All() {
    for (int64_t i = 0; i < options_.count && !interrupted; ++i) {
      const uint64_t seed = options_.first_seed + static_cast<uint64_t>(i);
      const bool compile =
          options_.compile_every > 0 && i % options_.compile_every == 0;
      const absl::Status status = CheckRandomGraph(seed, compile, &counts_);
      ++checked_;
      if (!status.ok()) Fail(seed, compile, status);
      DrawProgress();
    }
    EndLine();
    absl::PrintF(
        "random_graphs: %s%d of %d graphs checked in %.0f s, %d "
        "failed\n%s\n",
        interrupted ? "interrupted: " : "", checked_, options_.count, Seconds(),
        static_cast<int64_t>(failed_.size()), counts_.ToString());
    for (const std::string& command : failed_) {
      absl::PrintF("failed: %s\n", command);
    }
    if (!failed_.empty()) return 1;
    constexpr int kEndedBySigint = 128 + SIGINT;
    return interrupted ? kEndedBySigint : 0;
  }

 private:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start_)
        .count();
  }

  void Fail(uint64_t seed, bool compile, const absl::Status& status) {
    EndLine();
    failed_.push_back(Reproduce(seed, compile));
    absl::PrintF("seed %d failed: %s\n  %s\n", seed, status.ToString(),
                 failed_.back());
    std::fflush(stdout);
  }

  // In place on a terminal; a line a minute elsewhere.
  void DrawProgress() {
    const double now = Seconds();
    if (now - drawn_ < (terminal_ ? 0.2 : 60)) return;
    drawn_ = now;
    const double left = now / static_cast<double>(checked_) *
                        static_cast<double>(options_.count - checked_);
    absl::PrintF("%s%d/%d graphs, %d compiled, %d failed, %.0f s left%s",
                 terminal_ ? "\r\x1b[K" : "", checked_, options_.count,
                 counts_.compiled, static_cast<int64_t>(failed_.size()), left,
                 terminal_ ? "" : "\n");
    line_open_ = terminal_;
    std::fflush(stdout);
  }

  void EndLine() {
    if (line_open_) absl::PrintF("\n");
    line_open_ = false;
  }

  const Options options_;
  const std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
  const bool terminal_ = isatty(STDOUT_FILENO) == 1;
  RandomGraphCounts counts_;
  std::vector<std::string> failed_;
  int64_t checked_ = 0;
  double drawn_ = 0;
  bool line_open_ = false;
};

int Main(const std::vector<const char*>& arguments) {
  Options options;
  FlagSet flags;
  flags.Add("count", &options.count, "N", "how many graphs");
  flags.Add("first_seed", &options.first_seed, "N", "the first one's seed");
  flags.Add("compile_every", &options.compile_every, "K",
            "compile every K-th graph; 0: none");
  flags.Add("seed", &options.seed, "N",
            "check this seed alone, compiled as well, and print its graph");
  absl::Status status = flags.Parse(arguments);
  if (flags.help_requested()) {
    absl::PrintF("%s", flags.Help());
    return 0;
  }
  if (status.ok() && options.count < 1) {
    status = absl::InvalidArgumentError("--count must be 1 or more");
  }
  if (status.ok() && options.compile_every < 0) {
    status = absl::InvalidArgumentError("--compile_every must be 0 or more");
  }
  if (status.ok() && options.seed < -1) {
    status = absl::InvalidArgumentError("--seed must be 0 or more");
  }
  if (!status.ok()) {
    absl::FPrintF(stderr, "random_graphs: %s\n", status.message());
    return 2;
  }
  if (options.seed >= 0) {
    return RunOne(static_cast<uint64_t>(options.seed),
                  options.compile_every > 0);
  }
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  return Run(options).All();
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) { return kiln::Main({argv + 1, argv + argc}); }
