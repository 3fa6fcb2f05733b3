#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(DenseTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("dense", Schedule::kFast);
}
TEST(DenseTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("dense", Schedule::kNaive);
}

}  // namespace
}  // namespace kiln
