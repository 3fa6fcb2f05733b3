#include "runtime/weights_file.h"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/atomic_file.h"
#include "runtime/safetensors_header.h"
#include "runtime/storage.h"

namespace kiln {
inline namespace runtime {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the file's floats are copied as they lie in memory");

constexpr char kFormatKey[] = "format";
constexpr char kFormat[] = "kiln";
constexpr char kChecksumKey[] = "kiln.crc32";

constexpr uint64_t kLengthBytes = 8;
// The limit that the format's own readers have.
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
// The data start at a multiple of this, so that they may be mapped and used.
constexpr uint64_t kDataAlignment = 64;

absl::Status FileError(const std::string& path, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", problem));
}

bool HasMemoryFor(uint64_t bytes) {
  const auto release = [](void* memory) { std::free(memory); };
  return std::unique_ptr<void, decltype(release)>(std::malloc(bytes)) !=
             nullptr ||
         bytes == 0;
}

// REQUIRES: `header` has no checksum yet.
std::string Checksum(const SafetensorsHeader& header,
                     absl::Span<const absl::string_view> data) {
  const auto update = [](uLong crc, absl::string_view bytes) {
    if (bytes.empty()) return crc;  // a null pointer would reset it
    return crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()),
                   bytes.size());
  };
  uLong crc = update(crc32_z(0, nullptr, 0), SafetensorsHeaderText(header));
  for (const absl::string_view part : data) crc = update(crc, part);
  return absl::StrFormat("%08x", crc);
}

absl::string_view BytesOf(absl::Span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()),
          values.size() * sizeof(float)};
}

bool FitsShape(absl::Span<const int64_t> shape, uint64_t size) {
  uint64_t product = 1;
  for (const int64_t extent : shape) {
    if (extent < 1 || static_cast<uint64_t>(extent) > size / product) {
      return false;
    }
    product *= static_cast<uint64_t>(extent);
  }
  return product == size;
}

// The header of a file of these tensors, one after the other.
absl::StatusOr<SafetensorsHeader> MakeHeader(
    const std::string& path, absl::Span<const TensorView> tensors,
    const Metadata& metadata) {
  SafetensorsHeader header{.tensors = {}, .metadata = metadata};
  if (metadata.count(kFormatKey) + metadata.count(kChecksumKey) > 0) {
    return FileError(path, "the metadata keys format and kiln.crc32 are taken");
  }
  header.metadata[kFormatKey] = kFormat;
  uint64_t end = 0;
  std::set<std::string> names = {"", "__metadata__"};
  for (const TensorView& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      return FileError(path,
                       absl::StrCat("tensor name ", QuotedName(tensor.name),
                                    " is reserved or given twice"));
    }
    if (!FitsShape(tensor.shape, tensor.values.size())) {
      return FileError(path, absl::StrCat("tensor ", QuotedName(tensor.name),
                                          ": ", tensor.values.size(),
                                          " values do not fill its shape ",
                                          ShapeText(tensor.shape)));
    }
    const uint64_t begin = end;
    end += BytesOf(tensor.values).size();
    header.tensors.push_back({tensor.name, tensor.shape, begin, end});
  }
  // Reading the text back finds what JSON cannot carry.
  const std::string text = SafetensorsHeaderText(header);
  const auto read_back = ParseSafetensorsHeader(text, end);
  if (!read_back.ok() || read_back->metadata != header.metadata ||
      !std::equal(
          header.tensors.begin(), header.tensors.end(),
          read_back->tensors.begin(), read_back->tensors.end(),
          [](const auto& a, const auto& b) { return a.name == b.name; })) {
    return FileError(path, "a tensor name or metadata text is not UTF-8");
  }
  return header;
}

// Reads `size` bytes to `destination`.
bool ReadExactly(std::ifstream& file, void* destination, uint64_t size) {
  file.read(static_cast<char*>(destination),
            static_cast<std::streamsize>(size));
  return static_cast<uint64_t>(file.gcount()) == size;
}

// The size of a regular file.
absl::StatusOr<uint64_t> FileSize(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return absl::NotFoundError(
        absl::StrCat(path, ": no such weights file; check the path"));
  }
  if (!std::filesystem::is_regular_file(status)) {
    return FileError(path, "is no regular file; give a safetensors file");
  }
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error) return FileError(path, "its size cannot be read");
  return size;
}

// Takes the checksum out of the header and compares it with the content's.
absl::Status VerifyChecksum(SafetensorsHeader& header, absl::string_view data) {
  const auto stored = header.metadata.extract(kChecksumKey);
  if (stored.empty()) {
    const auto format = header.metadata.find(kFormatKey);
    if (format == header.metadata.end() || format->second != kFormat) {
      return absl::OkStatus();
    }
    return absl::DataLossError(
        "has lost its checksum, the file is damaged; use another copy");
  }
  if (stored.mapped() == Checksum(header, {data})) return absl::OkStatus();
  return absl::DataLossError(
      "the checksum does not fit, the file is damaged or was edited; use "
      "another copy");
}

}  // namespace

absl::Status WriteWeightsFile(const std::string& path,
                              absl::Span<const TensorView> tensors,
                              const Metadata& metadata) {
  absl::StatusOr<SafetensorsHeader> header =
      MakeHeader(path, tensors, metadata);
  if (!header.ok()) return header.status();

  // Length, header, then the data, which are written from where they are.
  std::vector<absl::string_view> parts(2);
  for (const TensorView& tensor : tensors) {
    parts.push_back(BytesOf(tensor.values));
  }
  header->metadata[kChecksumKey] =
      Checksum(*header, absl::MakeSpan(parts).subspan(2));
  std::string text = SafetensorsHeaderText(*header);
  const uint64_t unpadded = kLengthBytes + text.size();
  text.append((kDataAlignment - unpadded % kDataAlignment) % kDataAlignment,
              ' ');
  const uint64_t length = text.size();
  parts[0] = {reinterpret_cast<const char*>(&length), kLengthBytes};
  parts[1] = text;
  return WriteFileAtomically(path, parts);
}

absl::StatusOr<WeightsFile> WeightsFile::Read(const std::string& path) {
  const absl::StatusOr<uint64_t> size = FileSize(path);
  if (!size.ok()) return size.status();
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::PermissionDeniedError(
        absl::StrCat(path, ": cannot be opened; check its permissions"));
  }

  uint64_t length = 0;
  if (!ReadExactly(file, &length, kLengthBytes)) {
    return FileError(path, "shorter than a safetensors file's first 8 bytes");
  }
  if (length > kMaxHeaderBytes || length > *size - kLengthBytes) {
    return FileError(
        path, absl::StrCat("a header of ", length, " bytes in a file of ",
                           *size, "; truncated, or no safetensors file"));
  }
  std::string text(length, '\0');
  if (!ReadExactly(file, text.data(), length)) {
    return FileError(path, "cannot be read to its end");
  }
  const uint64_t data_bytes = *size - kLengthBytes - length;
  absl::StatusOr<SafetensorsHeader> header =
      ParseSafetensorsHeader(text, data_bytes);
  if (!header.ok()) return FileError(path, header.status().message());

  // The header accounts for every byte in whole floats.
  WeightsFile weights;
  weights.path_ = path;
  // The vector would end the program.
  if (!HasMemoryFor(data_bytes)) {
    return absl::ResourceExhaustedError(absl::StrCat(
        path, ": no memory for its ", data_bytes, " bytes of data"));
  }
  weights.data_.resize(data_bytes / sizeof(float));
  if (!ReadExactly(file, weights.data_.data(), data_bytes)) {
    return FileError(path, "cannot be read to its end");
  }
  const absl::Status intact = VerifyChecksum(*header, BytesOf(weights.data_));
  if (!intact.ok()) {
    return absl::DataLossError(absl::StrCat(path, ": ", intact.message()));
  }
  for (SafetensorsHeader::Tensor& tensor : header->tensors) {
    weights.tensors_.push_back(
        {std::move(tensor.name), std::move(tensor.shape),
         absl::MakeConstSpan(weights.data_)
             .subspan(tensor.begin / sizeof(float),
                      (tensor.end - tensor.begin) / sizeof(float))});
  }
  weights.metadata_ = std::move(header->metadata);
  return weights;
}

const TensorView* WeightsFile::Find(absl::string_view name) const {
  for (const TensorView& tensor : tensors_) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

absl::Status CopyTensors(const WeightsFile& file,
                         absl::Span<const TensorSlot> slots,
                         absl::string_view ignored_prefix) {
  std::set<std::string> known;
  for (const TensorSlot& slot : slots) {
    const TensorView* tensor = file.Find(slot.name);
    if (tensor == nullptr) {
      return FileError(file.path(),
                       absl::StrCat("no tensor ", QuotedName(slot.name),
                                    "; is it another model's file?"));
    }
    if (tensor->shape != slot.shape ||
        tensor->values.size() != slot.values.size()) {
      return FileError(
          file.path(),
          absl::StrCat("tensor ", QuotedName(slot.name), " has shape ",
                       ShapeText(tensor->shape), ", the model's has ",
                       ShapeText(slot.shape), "; is it another model's file?"));
    }
    known.insert(slot.name);
  }
  for (const TensorView& tensor : file.tensors()) {
    const bool ignored = !ignored_prefix.empty() &&
                         absl::StartsWith(tensor.name, ignored_prefix);
    if (!ignored && known.count(tensor.name) == 0) {
      return FileError(file.path(),
                       absl::StrCat("tensor ", QuotedName(tensor.name),
                                    " is none of the model's; is it another "
                                    "model's file?"));
    }
  }
  for (const TensorSlot& slot : slots) {
    const absl::Span<const float> values = file.Find(slot.name)->values;
    std::copy(values.begin(), values.end(), slot.values.begin());
  }
  return absl::OkStatus();
}

}  // namespace runtime
}  // namespace kiln
