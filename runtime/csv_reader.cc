#include "runtime/csv_reader.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace kiln {
inline namespace runtime {
namespace {

constexpr size_t kPiece = 1 << 18;
constexpr size_t kMaxRecord = 1 << 28;

}  // namespace

CsvReader::CsvReader(std::string path, FILE* file)
    : path_(std::move(path)), file_(file, std::fclose), buffer_(kPiece) {}

absl::StatusOr<CsvReader> CsvReader::Open(const std::string& path) {
  FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    return absl::NotFoundError(absl::StrCat(
        path, ": cannot be opened (", strerror(errno), "); check the path"));
  }
  CsvReader reader(path, file);
  reader.Refill();
  const absl::string_view start(
      reinterpret_cast<const char*>(reader.buffer_.data()), reader.filled_);
  if (absl::StartsWith(start, "\xef\xbb\xbf")) reader.position_ = 3;
  return reader;
}

int CsvReader::Refill() {
  position_ = 0;
  filled_ = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
  return filled_ > 0 ? buffer_[0] : kEnd;
}

absl::Status CsvReader::Bad(int64_t line, absl::string_view problem) const {
  return absl::DataLossError(absl::StrCat(path_, ":", line, ": ", problem));
}

absl::StatusOr<bool> CsvReader::Next() {
  do {
    text_.clear();
    ends_.clear();
    record_line_ = line_;
    if (Peek() == kEnd) {
      if (!std::ferror(file_.get())) return false;
      return Bad(line_, absl::StrCat("reading failed: ", strerror(errno)));
    }
    absl::Status status = Record();
    if (!status.ok()) return status;
  } while (ends_.size() == 1 && text_.empty());
  return true;
}

absl::Status CsvReader::Record() {
  while (true) {
    absl::Status status = Peek() == '"' ? QuotedField() : Field();
    if (!status.ok()) return status;
    ends_.push_back(text_.size());
    if (Peek() != ',') break;
    Advance();
  }
  if (Peek() == '\r') {
    Advance();
    if (Peek() != '\n') {
      return Bad(line_, "a carriage return without a line feed");
    }
  }
  if (Peek() == kEnd) return absl::OkStatus();
  if (Peek() != '\n') {
    return Bad(line_, "text between a closing quote and the next comma");
  }
  Advance();
  ++line_;
  return absl::OkStatus();
}

absl::Status CsvReader::Field() {
  while (true) {
    const int c = Peek();
    if (c == ',' || c == '\n' || c == '\r' || c == kEnd) {
      return absl::OkStatus();
    }
    if (c == '"') return Bad(line_, "a quote within a field without quotes");
    if (c == 0) return Bad(line_, "a zero byte; this is no text file");
    if (text_.size() == kMaxRecord) return Bad(record_line_, "too long a line");
    text_.push_back(static_cast<char>(c));
    Advance();
  }
}

absl::Status CsvReader::QuotedField() {
  const int64_t opened = line_;
  Advance();
  while (true) {
    const int c = Peek();
    if (c == kEnd) return Bad(opened, "a quote is opened and never closed");
    if (c == 0) return Bad(line_, "a zero byte; this is no text file");
    if (text_.size() == kMaxRecord) return Bad(record_line_, "too long a line");
    Advance();
    if (c == '\n') ++line_;
    if (c == '"') {
      if (Peek() != '"') return absl::OkStatus();
      Advance();
    }
    text_.push_back(static_cast<char>(c));
  }
}

}  // namespace runtime
}  // namespace kiln
