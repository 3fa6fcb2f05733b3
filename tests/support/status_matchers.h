#ifndef KILN_TESTS_SUPPORT_STATUS_MATCHERS_H_
#define KILN_TESTS_SUPPORT_STATUS_MATCHERS_H_

#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace kiln {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// What a user gets for a mistake: an error in one line that holds each of
// `parts` (the file's name, the reason).
template <typename Result>
testing::AssertionResult IsOneLineError(
    const Result& result, std::initializer_list<std::string> parts) {
  const absl::Status& status = StatusOf(result);
  if (status.ok()) return testing::AssertionFailure() << "it is OK";
  const std::string message(status.message());
  if (message.empty() || message.find('\n') != std::string::npos) {
    return testing::AssertionFailure() << "not one line: " << message;
  }
  for (const std::string& part : parts) {
    if (!absl::StrContains(message, part)) {
      return testing::AssertionFailure()
             << "\"" << message << "\" does not say \"" << part << "\"";
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_STATUS_MATCHERS_H_
