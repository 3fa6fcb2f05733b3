// Golden files: expected texts in tests/golden/, compared line by line.
#ifndef KILN_TESTS_SUPPORT_GOLDEN_H_
#define KILN_TESTS_SUPPORT_GOLDEN_H_

#include <string>

#include "gtest/gtest.h"

namespace kiln {

// Whether tests/golden/<name>.txt holds `text`; a failure prints the
// difference. With KILN_UPDATE_GOLDENS=1 in the environment the file is written
// instead: review the change with `git diff` as any other.
::testing::AssertionResult MatchesGolden(const std::string& name,
                                         const std::string& text);

// The lines that are only in `expected` as "- line", only in `actual` as "+
// line", and up to two lines around them.
std::string LineDiff(const std::string& expected, const std::string& actual);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_GOLDEN_H_
