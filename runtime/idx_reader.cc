#include "runtime/idx_reader.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runtime/storage.h"

namespace kiln {
inline namespace runtime {
namespace {

constexpr int64_t kMaxElements = 0x7fffffff;
constexpr uint8_t kUnsignedByte = 8;

absl::Status Corrupt(const std::string& path, absl::string_view problem) {
  return absl::DataLossError(absl::StrCat(path, ": ", problem));
}

// A file's bytes, decompressed if it is gzip's; zlib tells by itself.
class GzipFile {
 public:
  explicit GzipFile(const std::string& path)
      : path_(path), file_(gzopen(path.c_str(), "rb"), gzclose) {}

  bool is_open() const { return file_ != nullptr; }

  // Reads as many bytes as there are, up to destination.size(). zlib verifies
  // the checksum of a gzip file when its end is reached.
  absl::StatusOr<size_t> Read(absl::Span<uint8_t> destination) {
    const int count = gzread(file_.get(), destination.data(),
                             static_cast<unsigned>(destination.size()));
    int error = Z_OK;
    const char* message = gzerror(file_.get(), &error);
    if (count < 0 || error != Z_OK) {
      // zlib puts the path before some of its messages.
      absl::string_view reason = error == Z_ERRNO ? strerror(errno) : message;
      const std::string prefix = absl::StrCat(path_, ": ");
      if (absl::StartsWith(reason, prefix)) reason.remove_prefix(prefix.size());
      return Corrupt(path_, absl::StrCat("damaged or truncated (", reason,
                                         "); download it again"));
    }
    return static_cast<size_t>(count);
  }

  // Reads exactly destination.size() bytes of what is called `what`.
  absl::Status Fill(absl::Span<uint8_t> destination, absl::string_view what) {
    const absl::StatusOr<size_t> count = Read(destination);
    if (!count.ok()) return count.status();
    if (*count == destination.size()) return absl::OkStatus();
    return Corrupt(path_,
                   absl::StrCat("ends within ", what, "; download it again"));
  }

 private:
  std::string path_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};

// Reads the magic number and the dimensions that follow it.
absl::StatusOr<std::vector<int64_t>> ReadShape(GzipFile& file,
                                               const std::string& path) {
  std::array<uint8_t, 4> magic;
  absl::Status status = file.Fill(absl::MakeSpan(magic), "its magic number");
  if (!status.ok()) return status;
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != kUnsignedByte ||
      magic[3] < 1) {
    return Corrupt(
        path, absl::StrFormat("magic number %02x%02x%02x%02x is not that of "
                              "an IDX file of unsigned bytes (000008 and the "
                              "number of dimensions)",
                              magic[0], magic[1], magic[2], magic[3]));
  }
  std::vector<int64_t> shape;
  int64_t elements = 1;
  for (int d = 0; d < magic[3]; ++d) {
    std::array<uint8_t, 4> bytes;
    status = file.Fill(absl::MakeSpan(bytes), "its dimensions");
    if (!status.ok()) return status;
    int64_t extent = 0;
    for (const uint8_t byte : bytes) extent = extent << 8 | byte;
    shape.push_back(extent);
    if (extent < 1 || extent > kMaxElements / elements) {
      return Corrupt(path, absl::StrCat("dimensions ", ShapeText(shape),
                                        " are none or more than ", kMaxElements,
                                        " elements"));
    }
    elements *= extent;
  }
  return shape;
}

// Reads the elements piece by piece: what the header promises is believed as
// the bytes arrive.
absl::Status ReadElements(GzipFile& file, const std::string& path,
                          IdxArray& array) {
  constexpr int64_t kPiece = 1 << 20;
  int64_t elements = 1;
  for (const int64_t extent : array.shape) elements *= extent;
  for (int64_t read = 0; read < elements;) {
    const int64_t piece = std::min(kPiece, elements - read);
    array.values.resize(read + piece);
    const absl::Status status =
        file.Fill(absl::MakeSpan(array.values).subspan(read),
                  absl::StrCat("its ", ShapeText(array.shape), " elements"));
    if (!status.ok()) return status;
    read += piece;
  }
  uint8_t excess;
  const absl::StatusOr<size_t> count = file.Read(absl::MakeSpan(&excess, 1));
  if (!count.ok()) return count.status();
  if (*count == 0) return absl::OkStatus();
  return Corrupt(path, absl::StrCat("goes on after its ",
                                    ShapeText(array.shape), " elements"));
}

}  // namespace

absl::StatusOr<IdxArray> ReadIdxFile(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is a directory, not an IDX file"));
  }
  GzipFile file(path);
  if (!file.is_open()) {
    return absl::NotFoundError(absl::StrCat(
        path, ": cannot be opened (", strerror(errno), "); check the path"));
  }
  absl::StatusOr<std::vector<int64_t>> shape = ReadShape(file, path);
  if (!shape.ok()) return shape.status();
  IdxArray array{.shape = *std::move(shape), .values = {}};
  const absl::Status status = ReadElements(file, path, array);
  if (!status.ok()) return status;
  return array;
}

}  // namespace runtime
}  // namespace kiln
