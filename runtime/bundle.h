// What the build emits for one model, as the runtime sees it: the manifest's
// text and a table of compiled pipelines. <model>_bundle.cc, written by
// `<model>.generator --bundle`, defines one of these per model.

#ifndef KILN_RUNTIME_BUNDLE_H_
#define KILN_RUNTIME_BUNDLE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {
inline namespace runtime {

// One compiled pipeline: its name in the manifest and Halide's argv entry
// point. args[i] is a halide_buffer_t* for a buffer and the address of the
// value for a scalar; the result is 0 on success.
struct PipelineEntry {
  const char* function;
  int (*argv)(void** args);
};

// All pointers are to static storage and live as long as the program.
struct Bundle {
  const char* name;
  absl::string_view manifest;  // ManifestText reads it
  const PipelineEntry* pipelines;
  int pipeline_count;
};

// The bundle's manifest, JSON. The build compresses it (zlib's format, RFC
// 1950) to a tenth, since it is much of what a small model's binary would hold;
// a manifest that begins with '{' is taken as it is. DataLoss where it is
// neither.
absl::StatusOr<std::string> ManifestText(const Bundle& bundle);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_BUNDLE_H_
