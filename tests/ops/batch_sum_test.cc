#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(BatchSumTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("batch_sum", Schedule::kFast);
}
TEST(BatchSumTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("batch_sum", Schedule::kNaive);
}

}  // namespace
}  // namespace kiln
