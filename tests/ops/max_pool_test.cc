#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(MaxPoolTest, FastScheduleMatchesTheInterpreter) { CheckOp("max_pool", Schedule::kFast); }
TEST(MaxPoolTest, NaiveScheduleMatchesTheInterpreter) { CheckOp("max_pool", Schedule::kNaive); }

}  // namespace
}  // namespace kiln
