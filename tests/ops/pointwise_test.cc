#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(PointwiseTest, FastScheduleMatchesTheInterpreter) { CheckOp("pointwise", Schedule::kFast); }
TEST(PointwiseTest, NaiveScheduleMatchesTheInterpreter) { CheckOp("pointwise", Schedule::kNaive); }

}  // namespace
}  // namespace kiln
