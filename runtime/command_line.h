#ifndef KILN_RUNTIME_COMMAND_LINE_H_
#define KILN_RUNTIME_COMMAND_LINE_H_

#include "runtime/bundle.h"

namespace kiln {
inline namespace runtime {

// The command line of a model's binary: `lenet5 <verb> [--flag=value ...]`.
// Verbs: summary, train, eval, gradcheck, graph, bench, matrix; --help lists
// them and
// `<verb> --help` explains one. Defaults are the manifest's.
//
// Results go to standard output. An error is exactly one line on standard error
// that says what, where and what to do. Returns the exit code: 0 only on
// success, 1 for any error.
int RunCommandLine(const Bundle& bundle, int argc, char** argv);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_COMMAND_LINE_H_
