#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(ReshapeTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("reshape", Schedule::kFast);
}
TEST(ReshapeTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("reshape", Schedule::kNaive);
}

}  // namespace
}  // namespace kiln
