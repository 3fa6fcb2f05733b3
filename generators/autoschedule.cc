#include "generators/autoschedule.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace kiln {

using Halide::Internal::Function;

namespace {

constexpr int kEstimatedSamples = 1024;
// A beam search of 32 states over lenet5's gradient has not ended after five
// minutes; the greedy one, of a single state, takes four seconds.
constexpr int kSecondsAllowed = 60;

int EmitWith(std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return Halide::Internal::generate_filter_main(
      static_cast<int>(pointers.size()), pointers.data());
}

// The first line that is an error, else the last one, fit for a generator's
// parameter, which may hold no '='.
std::string Reason(const std::string& said, int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    return absl::StrCat("no schedule within ", kSecondsAllowed, " s");
  std::string reason;
  for (absl::string_view line :
       absl::StrSplit(said, absl::ByAnyChar("\n\r"), absl::SkipEmpty())) {
    if (absl::StartsWith(line, "terminate called")) continue;
    reason = std::string(line);
    if (absl::StrContains(line, "Error:")) break;  // what follows, explains it
  }
  if (reason.empty() && WIFSIGNALED(status))
    reason = strsignal(WTERMSIG(status));
  if (reason.empty()) reason = "ended without a word";
  return absl::StrReplaceAll(reason, {{"=", ":"}, {"\t", " "}});
}

// Halide's errors become exceptions that cannot be caught across a plugin.
class LastWords : public Halide::CompileTimeErrorReporter {
 public:
  void warning(const char* message) override { std::fputs(message, stderr); }
  void error(const char* message) override {
    std::fputs(message, stderr);
    std::_Exit(1);
  }
};

// The arguments without the autoscheduler.
std::vector<std::string> WithoutAutoscheduler(
    const std::vector<std::string>& arguments) {
  std::vector<std::string> result;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "-p") {
      ++i;  // the plugin
    } else if (!absl::StartsWith(arguments[i], "autoscheduler")) {
      result.push_back(arguments[i]);
    }
  }
  return result;
}

}  // namespace

std::string WhyItFails(const std::function<int()>& work) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child < 0) return "no process";
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a build that is stopped leaves none
    close(ends[0]);
    dup2(ends[1], STDERR_FILENO);
    alarm(kSecondsAllowed);
    static LastWords last_words;
    Halide::set_custom_compile_time_error_reporter(&last_words);
    std::_Exit(work());
  }
  close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t count; (count = read(ends[0], buffer, sizeof(buffer))) > 0;)
    said.append(buffer, count);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  return Reason(said, status);
}

void ClearNaiveSchedule(const std::vector<Halide::Func>& outputs) {
  std::vector<Function> functions;
  for (const Halide::Func& output : outputs)
    functions.push_back(output.function());
  for (auto& [name, function] :
       Halide::Internal::build_environment(functions)) {
    Halide::Internal::FuncSchedule& schedule = function.schedule();
    schedule.compute_level() = Halide::LoopLevel::inlined();
    schedule.store_level() = Halide::LoopLevel::inlined();
    schedule.hoist_storage_level() = Halide::LoopLevel::inlined();
  }
}

Halide::Region EstimatedExtents(const Argument& argument) {
  Halide::Region region;
  for (int extent : argument.extents)
    region.push_back({0, extent == kAnyExtent ? kEstimatedSamples : extent});
  return region;
}

int EmitAutoscheduled(int argc, char** argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  std::string failure = WhyItFails([&] { return EmitWith(arguments); });
  if (failure.empty()) return 0;
  if (absl::c_linear_search(arguments, "schedule=Adams2019")) {
    std::vector<std::string> greedy = arguments;
    std::replace(greedy.begin(), greedy.end(),
                 std::string("schedule=Adams2019"),
                 std::string("schedule=Adams2019_greedy"));
    greedy.push_back(absl::StrCat("autoscheduler.beam_size=", 1));
    failure = WhyItFails([&] { return EmitWith(greedy); });
    if (failure.empty()) return 0;
  }
  arguments = WithoutAutoscheduler(arguments);
  arguments.push_back("failure=" + failure);
  return EmitWith(arguments);
}

}  // namespace kiln
