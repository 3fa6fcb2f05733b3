#ifndef KILN_RUNTIME_CSV_READER_H_
#define KILN_RUNTIME_CSV_READER_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {
inline namespace runtime {

// Reads the records of a CSV file (RFC 4180) one after the other, in memory for
// one record and a piece of the file, so that the file may have any length:
// fields between commas, records at line ends (LF or CRLF), a field in quotes
// may hold commas, line ends and doubled quotes. A byte order mark at the
// beginning and lines without any character are skipped.
class CsvReader {
 public:
  // NotFound, naming the file, when it cannot be opened.
  static absl::StatusOr<CsvReader> Open(const std::string& path);

  // Reads the next record. False at the end of the file. DataLoss "file:line:
  // ..." for a quote in the wrong place or without its end, a lone carriage
  // return, a zero byte, a record longer than 2^28 bytes, and where reading
  // fails.
  absl::StatusOr<bool> Next();

  // The last record's fields, until the next call, and the line where it
  // begins, from 1.
  int64_t size() const { return static_cast<int64_t>(ends_.size()); }
  absl::string_view field(int64_t i) const {
    const size_t begin = i == 0 ? 0 : ends_[i - 1];
    return absl::string_view(text_).substr(begin, ends_[i] - begin);
  }
  int64_t line() const { return record_line_; }
  const std::string& path() const { return path_; }

 private:
  CsvReader(std::string path, FILE* file);

  static constexpr int kEnd = -1;  // of the file, or where reading fails

  // The next character, or kEnd.
  int Peek() { return position_ < filled_ ? buffer_[position_] : Refill(); }
  int Refill();
  void Advance() { ++position_; }

  absl::Status Record();
  absl::Status Field();
  absl::Status QuotedField();
  // What is wrong, in line `line`.
  absl::Status Bad(int64_t line, absl::string_view problem) const;

  std::string path_;
  std::unique_ptr<FILE, int (*)(FILE*)> file_;
  std::vector<unsigned char> buffer_;
  size_t position_ = 0, filled_ = 0;
  int64_t line_ = 1, record_line_ = 1;
  std::string text_;          // the fields of the record, without separators
  std::vector<size_t> ends_;  // where each ends in it
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_CSV_READER_H_
