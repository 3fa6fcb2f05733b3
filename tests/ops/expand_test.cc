#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(ExpandTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("expand", Schedule::kFast);
}
TEST(ExpandTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("expand", Schedule::kNaive);
}

}  // namespace
}  // namespace kiln
