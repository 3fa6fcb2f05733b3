#include "tests/support/golden.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace kiln {
namespace {

struct DiffLine {
  char mark;  // '-', '+' or ' '
  std::string text;
};

// The shortest edit script, by the longest common subsequence.
std::vector<DiffLine> Diff(const std::vector<std::string>& a,
                           const std::vector<std::string>& b) {
  std::vector<std::vector<int>> common(a.size() + 1,
                                       std::vector<int>(b.size() + 1));
  for (size_t i = a.size(); i-- > 0;) {
    for (size_t j = b.size(); j-- > 0;) {
      common[i][j] = a[i] == b[j]
                         ? common[i + 1][j + 1] + 1
                         : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<DiffLine> lines;
  size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      lines.push_back({' ', a[i++]});
      ++j;
    } else if (j == b.size() ||
               (i < a.size() && common[i + 1][j] >= common[i][j + 1])) {
      lines.push_back({'-', a[i++]});
    } else {
      lines.push_back({'+', b[j++]});
    }
  }
  return lines;
}

}  // namespace

std::string LineDiff(const std::string& expected, const std::string& actual) {
  constexpr size_t kContext = 2;
  const std::vector<DiffLine> lines =
      Diff(absl::StrSplit(expected, '\n'), absl::StrSplit(actual, '\n'));
  std::vector<bool> shown(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].mark == ' ') continue;
    for (size_t k = i - std::min(i, kContext);
         k < std::min(lines.size(), i + kContext + 1); ++k)
      shown[k] = true;
  }
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (shown[i])
      absl::StrAppend(&text, std::string(1, lines[i].mark), " ", lines[i].text,
                      "\n");
  }
  return text;
}

::testing::AssertionResult MatchesGolden(const std::string& name,
                                         const std::string& text) {
  const std::string path = absl::StrCat(KILN_GOLDEN_DIR, "/", name, ".txt");
  const char* update = std::getenv("KILN_UPDATE_GOLDENS");
  if (update != nullptr && std::string(update) == "1") {
    std::ofstream file(path, std::ios::binary);
    file << text;
    if (file.flush()) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "cannot write " << path;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return ::testing::AssertionFailure()
           << "no golden " << path << "; make it with KILN_UPDATE_GOLDENS=1";
  std::stringstream expected;
  expected << file.rdbuf();
  if (expected.str() == text) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "differs from tests/golden/" << name
         << ".txt (- expected, + actual; KILN_UPDATE_GOLDENS=1 accepts it):\n"
         << LineDiff(expected.str(), text);
}

}  // namespace kiln
