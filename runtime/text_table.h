#ifndef KILN_RUNTIME_TEXT_TABLE_H_
#define KILN_RUNTIME_TEXT_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace kiln {
inline namespace runtime {

// A table for people: columns as wide as their widest cell, two spaces apart,
// a rule under the head. Cells of columns whose name starts with '>' are
// aligned to the right (the '>' is not shown).
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> columns);
  // Missing cells are empty.
  void AddRow(std::vector<std::string> cells);
  std::string Text() const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;  // the head first
};

// "61,706"
std::string WithCommas(int64_t number);

// "a", "a or b", "a, b or c"
std::string Alternatives(const std::vector<std::string>& names);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_TEXT_TABLE_H_
