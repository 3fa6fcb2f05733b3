#include "runtime/command_line.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runtime/manifest.h"
#include "runtime/verbs/verb.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr Verb kVerbs[] = {
    {"summary",
     "Layers, shapes, parameters, FLOPs and the memory of every pipeline",
     RunSummary},
    {"train", "Trains the model, from scratch or from --init", RunTrain},
    {"eval", "Loss and metrics of saved weights on the test part of the data",
     RunEval},
    {"gradcheck",
     "Checks every parameter's gradient against finite differences of the "
     "loss in float64",
     RunGradcheck},
    {"graph", "Prints the model's graph for Graphviz, or as text", RunGraph},
    {"bench",
     "Time of a training step and of inference, GFLOP/s and share of this "
     "core's measured FMA peak",
     RunBench},
    {"profile",
     "Time, FLOPs, bytes and share of the FMA peak of every stage of a "
     "training "
     "step",
     RunProfile},
    {"matrix", "Prints a convolution as the sparse matrix that it equals",
     RunMatrix},
    {"explain",
     "Walks one sample through the model: every value and every gradient, with "
     "its formula",
     RunExplain},
    {"plot",
     "Pictures: curves, boundaries, weights, feature maps, functions, surfaces",
     RunPlot},
};

// One line on standard error, whatever the message holds.
int Fail(const std::string& where, absl::string_view message) {
  const std::string line =
      absl::StrReplaceAll(message, {{"\n", " "}, {"\r", " "}});
  std::fprintf(stderr, "%s: %s\n", where.c_str(), line.c_str());
  return 1;
}

void PrintHelp(const Bundle& bundle) {
  std::printf(
      "%s: a model compiled by Kiln\n\n"
      "usage: %s <verb> [--flag=value ...]\n"
      "       %s <verb> --help     the verb's flags and their defaults\n\n"
      "verbs:\n",
      bundle.name, bundle.name, bundle.name);
  for (const Verb& verb : kVerbs) {
    std::printf("  %-10s %s\n", verb.name, verb.purpose);
  }
  std::printf(
      "\nResults go to standard output; an error is one line on standard\n"
      "error, and the exit code is 0 only on success.\n");
}

// Standard output may be a full disk or a closed pipe: that is a failure too.
absl::Status FlushOutput() {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("cannot write to standard output: ", std::strerror(errno)));
}

const Verb* FindVerb(absl::string_view name) {
  for (const Verb& verb : kVerbs) {
    if (name == verb.name) return &verb;
  }
  return nullptr;
}

// A model of which nothing was compiled can be looked at, and no more.
absl::Status CheckHasPipelines(const VerbContext& context) {
  const bool only_looks =
      context.verb.run == RunSummary || context.verb.run == RunGraph;
  if (only_looks || !context.manifest.count_only) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "this model is only counted: it has summary and graph alone; take "
      "COUNT_ONLY out of its kiln_add_model for the rest");
}

absl::Status Run(const VerbContext& context) {
  if (absl::Status status = CheckHasPipelines(context); !status.ok()) {
    return status;
  }
  return context.verb.run(context);
}

// The line of whoever runs out of memory, made while there is some.
char out_of_memory[256];

// Instead of an exception, which nothing here would catch: what runs a verb is
// compiled without (runtime/CMakeLists.txt). After what was printed, as ever.
[[noreturn]] void EndOutOfMemory() {
  std::fflush(stdout);
  std::fputs(out_of_memory, stderr);
  std::_Exit(1);
}

}  // namespace

int RunCommandLine(const Bundle& bundle, int argc, char** argv) {
  if (argc < 2) {
    return Fail(bundle.name, "no verb given; see --help");
  }
  const absl::string_view name = argv[1];
  absl::Status status;
  std::string where = bundle.name;
  if (name == "--help" || name == "-h" || name == "-help" || name == "help") {
    PrintHelp(bundle);
  } else if (const Verb* verb = FindVerb(name); verb == nullptr) {
    return Fail(bundle.name, absl::StrCat(absl::StartsWith(name, "-")
                                              ? "a verb comes first, not "
                                              : "unknown verb ",
                                          name, "; see --help"));
  } else {
    absl::StrAppend(&where, " ", name);
    std::snprintf(out_of_memory, sizeof(out_of_memory), "%s: out of memory\n",
                  where.c_str());
    const std::new_handler previous = std::set_new_handler(EndOutOfMemory);
    absl::StatusOr<Manifest> manifest = ReadManifest(bundle);
    status = manifest.ok() ? Run({bundle, *manifest, *verb,
                                  absl::MakeConstSpan(argv + 2, argc - 2)})
                           : manifest.status();
    std::set_new_handler(previous);
  }
  // First what was printed, then what went wrong.
  absl::Status flushed = FlushOutput();
  if (status.ok()) status = flushed;
  return status.ok() ? 0 : Fail(where, status.message());
}

}  // namespace runtime
}  // namespace kiln
