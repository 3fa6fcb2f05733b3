// Passes of inference change nothing but rounding: how tests see that.
#ifndef KILN_TESTS_SUPPORT_INFERENCE_TESTING_H_
#define KILN_TESTS_SUPPORT_INFERENCE_TESTING_H_

#include <string>

#include "dsl/graph.h"
#include "dsl/model.h"
#include "dsl/prepare.h"
#include "gtest/gtest.h"

namespace kiln {

// The forward graph of a model that needs no loss: its heads are what is
// looked at. A mistake in it is a failure of the test.
Graph GraphOf(void (*define)(ModelBuilder&));

// Whether the heads of `after` are those of `before`, in double, within
// rounding; on random values.
::testing::AssertionResult HeadsAreSame(const Graph& before,
                                        const Graph& after);

// The same of infer, on what prepare gives.
::testing::AssertionResult HeadsAreSame(const Graph& before,
                                        const InferencePlan& plan);

// The three graphs of a plan and its notes, as text: for goldens.
std::string PlanText(const InferencePlan& plan);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_INFERENCE_TESTING_H_
