// How checks of random graphs fail.
#ifndef KILN_TESTS_RANDOM_GRAPHS_FAILURES_H_
#define KILN_TESTS_RANDOM_GRAPHS_FAILURES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace kiln {

// Something that must hold of a graph does not.
inline absl::Status Wrong(const std::string& what) {
  return absl::FailedPreconditionError(what);
}

// The status, with what failed before its message.
inline absl::Status Named(absl::string_view what, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(what, ": ", status.message()));
}

}  // namespace kiln

#endif  // KILN_TESTS_RANDOM_GRAPHS_FAILURES_H_
