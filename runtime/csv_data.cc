#include "runtime/csv_data.h"

#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runtime/csv_columns.h"
#include "runtime/csv_reader.h"
#include "runtime/quoting.h"

namespace kiln {
inline namespace runtime {
namespace {

template <typename T>
void Append(T value, Column& column) {
  uint8_t bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  column.bytes.insert(column.bytes.end(), bytes, bytes + sizeof value);
}

// Parse one field and append it to the column, or return what is wrong with it.
std::string AppendFloat(absl::string_view text, Column& column) {
  float value = 0;
  // SimpleAtof would read hexadecimal digits too.
  if (!absl::SimpleAtof(text, &value) || absl::StrContains(text, 'x') ||
      absl::StrContains(text, 'X')) {
    return " is no number";
  }
  if (!std::isfinite(value)) {
    // SimpleAtof makes an infinity of 1e99 too.
    return absl::StrContains(absl::AsciiStrToLower(text), 'n')
               ? " is not finite"
               : " is out of float32's range";
  }
  Append(value, column);
  return "";
}

std::string AppendInteger(absl::string_view text, Column& column) {
  const bool is_label = column.spec.classes > 0;
  const int64_t most = is_label ? column.spec.classes - 1 : 255;
  int64_t value = 0;
  if (absl::SimpleAtoi(text, &value) && value >= 0 && value <= most) {
    if (is_label) {
      Append(static_cast<int32_t>(value), column);
    } else {
      Append(static_cast<uint8_t>(value), column);
    }
    return "";
  }
  return absl::StrCat(is_label ? " is no class, an integer from 0 to "
                               : " is no byte, an integer from 0 to ",
                      most);
}

// Appends a record's fields to the model's columns.
absl::Status AppendRecord(const CsvReader& reader, const CsvColumns& columns,
                          absl::Span<const int> fields,
                          std::vector<Column>& to) {
  const int* field = fields.data();
  for (Column& column : to) {
    for (int64_t i = column.spec.elements(); i > 0; --i, ++field) {
      const absl::string_view text = reader.field(*field);
      const std::string problem = column.spec.storage == Storage::kFloat32
                                      ? AppendFloat(text, column)
                                      : AppendInteger(text, column);
      if (problem.empty()) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          reader.path(), ":", reader.line(), ": column ",
          Quoted(columns.names[*field]), ": ", Quoted(text), problem));
    }
  }
  return absl::OkStatus();
}

Dataset Empty(const DataSpec& model, const std::string& origin) {
  Dataset data;
  for (const auto& [specs, columns] : {std::pair(&model.inputs, &data.inputs),
                                       {&model.targets, &data.targets}}) {
    for (const ColumnSpec& spec : *specs) {
      columns->push_back({.spec = spec, .bytes = {}, .origin = origin});
    }
  }
  return data;
}

absl::StatusOr<CsvColumns> ReadHeader(CsvReader& reader,
                                      const DataOptions& options,
                                      const DataSpec& model) {
  absl::StatusOr<bool> read = reader.Next();
  if (!read.ok()) return read.status();
  if (!*read) {
    return absl::InvalidArgumentError(
        absl::StrCat(reader.path(),
                     ": is empty; its first line names the "
                     "columns, each further one is a sample"));
  }
  std::vector<std::string> names;
  for (int64_t i = 0; i < reader.size(); ++i) {
    names.emplace_back(absl::StripAsciiWhitespace(reader.field(i)));
  }
  return ChooseColumns(reader.path(), std::move(names), options, model);
}

// Which part the record is for.
absl::StatusOr<Dataset*> PartOf(const CsvReader& reader,
                                const CsvColumns& columns, DataPair& data) {
  if (columns.part < 0) return &data.train;
  const absl::string_view part = reader.field(columns.part);
  if (part == "train") return &data.train;
  if (part == "test") return &data.test;
  return absl::InvalidArgumentError(absl::StrCat(
      reader.path(), ":", reader.line(), ": column \"part\": ", Quoted(part),
      " is neither train nor test"));
}

}  // namespace

absl::StatusOr<DataPair> ReadCsvData(const DataOptions& options,
                                     const DataSpec& model) {
  const std::string& path = options.source;
  absl::StatusOr<CsvReader> reader = CsvReader::Open(path);
  if (!reader.ok()) return reader.status();
  absl::StatusOr<CsvColumns> columns = ReadHeader(*reader, options, model);
  if (!columns.ok()) return columns.status();

  DataPair data = {.train = Empty(model, path), .test = Empty(model, path)};
  const int64_t fields = static_cast<int64_t>(columns->names.size());
  while (true) {
    absl::StatusOr<bool> read = reader->Next();
    if (!read.ok()) return read.status();
    if (!*read) break;
    if (reader->size() != fields) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", reader->line(), ": ", reader->size(),
                       " fields, but the header has ", fields));
    }
    absl::StatusOr<Dataset*> part = PartOf(*reader, *columns, data);
    if (!part.ok()) return part.status();
    absl::Status status =
        AppendRecord(*reader, *columns, columns->x, (*part)->inputs);
    if (status.ok()) {
      status = AppendRecord(*reader, *columns, columns->y, (*part)->targets);
    }
    if (!status.ok()) return status;
    ++(*part)->samples;
  }
  if (data.train.samples == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has no ", columns->part < 0 ? "" : "training ",
                     "samples below its header"));
  }
  return data;
}

}  // namespace runtime
}  // namespace kiln
