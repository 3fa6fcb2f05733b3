#include "runtime/data_sources.h"

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/csv_data.h"
#include "runtime/generated_sets.h"
#include "runtime/mnist_directory.h"
#include "runtime/png_directory.h"
#include "runtime/validation.h"

namespace kiln {
inline namespace runtime {
namespace {

enum class SourceKind { kGenerated, kCsv, kIdx, kPng };

absl::StatusOr<SourceKind> KindOf(const std::string& source) {
  if (IsGeneratedSet(source)) return SourceKind::kGenerated;
  std::error_code ignored;
  if (std::filesystem::is_directory(source, ignored)) {
    const bool is_png = !HasMnistFiles(source) && HasClassFolders(source);
    return is_png ? SourceKind::kPng : SourceKind::kIdx;
  }
  if (std::filesystem::exists(source, ignored)) return SourceKind::kCsv;
  if (absl::EndsWithIgnoreCase(source, ".csv")) {
    return absl::NotFoundError(
        absl::StrCat(source, ": no such file; check the path"));
  }
  return absl::NotFoundError(
      absl::StrCat("no data \"", source,
                   "\": it is no CSV file, no directory of MNIST's files or of "
                   "a folder of PNGs per class, nor ",
                   GeneratedSetNames()));
}

// A flag that would do nothing is a mistake.
absl::Status CheckOptions(const DataOptions& options, SourceKind kind) {
  const auto useless = [&](const char* flag, const char* use) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--", flag, " is for ", use, ", which ", options.source, " is not"));
  };
  if (kind != SourceKind::kCsv) {
    if (!options.x_columns.empty()) return useless("x_columns", "a CSV file");
    if (!options.y_columns.empty()) return useless("y_columns", "a CSV file");
  }
  if (kind != SourceKind::kPng && options.invert) {
    return useless("invert", "a directory of pictures");
  }
  return absl::OkStatus();
}

absl::StatusOr<DataPair> Read(const DataOptions& options, SourceKind kind,
                              const DataSpec& model) {
  switch (kind) {
    case SourceKind::kGenerated:
      return *MakeGeneratedSet(options.source, options.seed);
    case SourceKind::kCsv:
      return ReadCsvData(options, model);
    case SourceKind::kIdx:
      return ReadMnistDirectory(options.source);
    case SourceKind::kPng:
      return ReadPngDirectory(options.source, options.invert, model);
  }
  return absl::InternalError("unknown kind of data");
}

}  // namespace

absl::StatusOr<DataPair> LoadData(const DataOptions& options,
                                  const DataSpec& model) {
  const absl::StatusOr<SourceKind> kind = KindOf(options.source);
  if (!kind.ok()) return kind.status();
  absl::Status status = CheckOptions(options, *kind);
  if (!status.ok()) return status;
  absl::StatusOr<DataPair> data = Read(options, *kind, model);
  if (!data.ok()) return data;
  status = BindColumns(options.source, model, data->train);
  // A source without a test part need not have its columns either.
  if (status.ok() && data->test.samples > 0) {
    status = BindColumns(options.source, model, data->test);
  }
  if (status.ok() && options.validation != 0) {
    status = HoldBack(options.validation, options.seed, *data);
  }
  if (!status.ok()) return status;
  return data;
}

}  // namespace runtime
}  // namespace kiln
