#ifndef KILN_RUNTIME_ATOMIC_FILE_H_
#define KILN_RUNTIME_ATOMIC_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace kiln {
inline namespace runtime {

// Writes `parts`, one after the other, to `path`, so that whoever opens `path`
// at any moment, also after a crash, finds either the old file or the whole new
// one: the bytes go to a temporary file in the same directory, are fsync'ed,
// and the file is renamed. On an error the temporary file is removed and `path`
// is as it was. A symbolic link stays one; what it points at is replaced.
// Errors, one line naming `path`: the directory is missing or not writable, the
// disk is full, `path` is a directory or a device.
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::Span<const absl::string_view> parts);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_ATOMIC_FILE_H_
