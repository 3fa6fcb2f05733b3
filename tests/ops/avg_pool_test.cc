#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(AvgPoolTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("avg_pool", Schedule::kFast);
}
TEST(AvgPoolTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("avg_pool", Schedule::kNaive);
}

}  // namespace
}  // namespace kiln
