#ifndef KILN_RUNTIME_QUOTING_H_
#define KILN_RUNTIME_QUOTING_H_

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace kiln {
inline namespace runtime {

// What a file holds, as a message may show it: in quotes, in one line whatever
// its bytes are, and cut where it is long.
inline std::string Quoted(absl::string_view text) {
  constexpr size_t kMost = 40;
  if (text.size() <= kMost) {
    return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
  }
  return absl::StrCat("\"", absl::Utf8SafeCEscape(text.substr(0, kMost)),
                      "..\"");
}

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_QUOTING_H_
