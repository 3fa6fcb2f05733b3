#include "runtime/text_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace kiln {
inline namespace runtime {

TextTable::TextTable(std::vector<std::string> columns) {
  for (std::string& name : columns) {
    right_.push_back(!name.empty() && name[0] == '>');
    if (right_.back()) name.erase(0, 1);
  }
  rows_.push_back(std::move(columns));
}

void TextTable::AddRow(std::vector<std::string> cells) {
  cells.resize(right_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::Text() const {
  std::vector<size_t> widths(right_.size(), 0);
  for (const auto& row : rows_) {
    for (size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], row[c].size());
    }
  }
  std::string text;
  size_t rule = 0;
  for (size_t width : widths) rule += width + 2;
  for (size_t r = 0; r < rows_.size(); ++r) {
    std::string line;
    for (size_t c = 0; c < widths.size(); ++c) {
      const std::string padding(widths[c] - rows_[r][c].size(), ' ');
      if (c > 0) line += "  ";
      line += right_[c] ? padding + rows_[r][c] : rows_[r][c] + padding;
    }
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&text, line, "\n");
    if (r == 0) absl::StrAppend(&text, std::string(rule - 2, '-'), "\n");
  }
  return text;
}

std::string WithCommas(int64_t number) {
  std::string text = absl::StrCat(number);
  const int64_t first_digit = number < 0 ? 1 : 0;
  for (int64_t at = static_cast<int64_t>(text.size()) - 3; at > first_digit;
       at -= 3) {
    text.insert(at, 1, ',');
  }
  return text;
}

std::string Alternatives(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    const char* separator = i == 0 ? "" : i + 1 == names.size() ? " or " : ", ";
    text += separator + names[i];
  }
  return text;
}

}  // namespace runtime
}  // namespace kiln
