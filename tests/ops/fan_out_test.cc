// Values with several readers.
#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(FanOutTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("fan_out", Schedule::kFast);
}
TEST(FanOutTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("fan_out", Schedule::kNaive);
}

}  // namespace
}  // namespace kiln
