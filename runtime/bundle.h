// What the build emits for one model, as the runtime sees it: the manifest's
// text and a table of compiled pipelines. <model>_bundle.cc, written by
// `<model>.generator --bundle`, defines one of these per model.

#ifndef KILN_RUNTIME_BUNDLE_H_
#define KILN_RUNTIME_BUNDLE_H_

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
  const char* manifest_json;
  const PipelineEntry* pipelines;
  int pipeline_count;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_BUNDLE_H_
