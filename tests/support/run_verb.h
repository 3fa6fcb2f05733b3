// A verb of the fake bundle's command line, run in this process.

#ifndef KILN_TESTS_SUPPORT_RUN_VERB_H_
#define KILN_TESTS_SUPPORT_RUN_VERB_H_

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/command_line.h"
#include "tests/support/fake_bundle.h"

namespace kiln {

struct Outcome {
  int code = 0;
  std::string out, err;
};

inline Outcome RunVerb(std::vector<std::string> arguments,
                       const Bundle& bundle = FakeBundle()) {
  arguments.insert(arguments.begin(), bundle.name);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = RunCommandLine(bundle, argv.size() - 1, argv.data());
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

inline bool IsOneLine(const std::string& text) {
  return !text.empty() && text.find('\n') == text.size() - 1;
}

// Every mistake: no output, one line that says `complaint`, exit code not 0.
inline testing::AssertionResult Refuses(
    const std::vector<std::string>& arguments, const std::string& complaint) {
  const Outcome outcome = RunVerb(arguments);
  if (outcome.code != 0 && outcome.out.empty() && IsOneLine(outcome.err) &&
      outcome.err.find(complaint) != std::string::npos) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "code " << outcome.code << "\nstdout: " << outcome.out
         << "\nstderr: " << outcome.err;
}

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_RUN_VERB_H_
