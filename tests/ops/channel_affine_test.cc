#include "gtest/gtest.h"
#include "tests/support/emitted_check.h"

namespace kiln {
namespace {

TEST(ChannelAffineTest, FastScheduleMatchesTheInterpreter) {
  CheckOp("channel_affine", Schedule::kFast);
}
TEST(ChannelAffineTest, NaiveScheduleMatchesTheInterpreter) {
  CheckOp("channel_affine", Schedule::kNaive);
}

}  // namespace
}  // namespace kiln
