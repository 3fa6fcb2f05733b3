#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(Conv2dTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("conv2d", Schedule::kFast);
}
TEST(Conv2dTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("conv2d", Schedule::kNaive);
}

}  // namespace
}  // namespace kiln
