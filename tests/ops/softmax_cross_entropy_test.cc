#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(SoftmaxCrossEntropyTest, FastScheduleMatchesTheInterpreter) { CheckOp("softmax_cross_entropy", Schedule::kFast); }
TEST(SoftmaxCrossEntropyTest, NaiveScheduleMatchesTheInterpreter) { CheckOp("softmax_cross_entropy", Schedule::kNaive); }

}  // namespace
}  // namespace kiln
