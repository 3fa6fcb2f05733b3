#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(SumTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("sum", Schedule::kFast);
}
TEST(SumTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("sum", Schedule::kNaive);
}

}  // namespace
}  // namespace kiln
