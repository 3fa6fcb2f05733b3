#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(PadTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("pad", Schedule::kFast);
}
TEST(PadTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("pad", Schedule::kNaive);
}

}  // namespace
}  // namespace kiln
