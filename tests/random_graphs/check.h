// Everything that must hold of a model, checked on the random one of a seed.
#ifndef KILN_TESTS_RANDOM_GRAPHS_CHECK_H_
#define KILN_TESTS_RANDOM_GRAPHS_CHECK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "tests/random_graphs/counts.h"

namespace kiln {

// The graph of `seed` and its gradients in the interpreter, with passes on and
// off and against finite differences; with `compile`, also the emitted code
// for a block and a schedule that the seed chooses. Adds to `counts`.
absl::Status CheckRandomGraph(uint64_t seed, bool compile,
                              RandomGraphCounts* counts);

}  // namespace kiln

#endif  // KILN_TESTS_RANDOM_GRAPHS_CHECK_H_
