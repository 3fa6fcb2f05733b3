#include "tests/support/golden.h"

#include <string>

#include "gmock/gmock.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

TEST(LineDiffTest, ShowsChangedLinesWithTwoLinesAroundThem) {
  EXPECT_EQ(LineDiff("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nX\ne\nf\n"),
            "  b\n  c\n- d\n+ X\n  e\n  f\n");
  EXPECT_EQ(LineDiff("a\nb\n", "a\nb\n"), "");
  EXPECT_EQ(LineDiff("", "a"), "- \n+ a\n");
}

TEST(MatchesGoldenTest, TellsADifferenceAndAMissingFile) {
  const auto missing = MatchesGolden("no_such_golden", "text");
  EXPECT_FALSE(missing);
  EXPECT_THAT(
      std::string(missing.message()),
      HasSubstr("no_such_golden.txt; make it with KILN_UPDATE_GOLDENS=1"));
  const auto different =
      MatchesGolden("golden_test", "first line\nanother line\n");
  EXPECT_FALSE(different);
  EXPECT_THAT(std::string(different.message()),
              HasSubstr("- second line\n+ another line"));
  EXPECT_TRUE(MatchesGolden("golden_test", "first line\nsecond line\n"));
}

}  // namespace
}  // namespace kiln
