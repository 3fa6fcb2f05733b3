#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(ConcatTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("concat", Schedule::kFast);
}
TEST(ConcatTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("concat", Schedule::kNaive);
}

}  // namespace
}  // namespace kiln
