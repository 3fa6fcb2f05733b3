#ifndef KILN_RUNTIME_WEIGHTS_FILE_H_
#define KILN_RUNTIME_WEIGHTS_FILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runtime/aligned.h"

namespace kiln {
inline namespace runtime {

// Weights on disk are safetensors files of F32 tensors
// (https://github.com/huggingface/safetensors):
//
//   8 bytes     length of the header, little-endian
//   header      JSON: {"<name>": {"dtype": "F32", "shape": [..],
//               "data_offsets": [begin, end]}, ..,
//               "__metadata__": {"<key>": "<text>", ..}}, padded with spaces
//   data        the tensors, little-endian, row-major, without gap or overlap;
//               offsets count from the start of the data
//
// Files written here carry two more metadata keys, which readers of safetensors
// ignore: "format" = "kiln", and "kiln.crc32" = 8 hexadecimal digits, the
// CRC-32 of the header without that key, as compact JSON with sorted keys,
// followed by the data. A flipped bit anywhere is therefore refused; a program
// that rewrites such a file has to leave both keys out. A file of another
// origin, such as a PyTorch state_dict, has neither and is read without.
using Metadata = std::map<std::string, std::string>;

// A tensor that lives elsewhere, to be written to a file.
struct TensorView {
  std::string name;
  std::vector<int64_t> shape;      // row-major, as in PyTorch
  absl::Span<const float> values;  // product of shape
};

// A place for a tensor's values, to be filled from a file.
struct TensorSlot {
  std::string name;
  std::vector<int64_t> shape;
  absl::Span<float> values;
};

// Writes the tensors, in the order given, and `metadata` to `path`, atomically
// (runtime/atomic_file.h). Errors: as there; two tensors of one name, an empty
// name or "__metadata__", values that are not as many as the shape says, the
// metadata keys "format" and "kiln.crc32", text that is not UTF-8.
absl::Status WriteWeightsFile(const std::string& path,
                              absl::Span<const TensorView> tensors,
                              const Metadata& metadata = {});

// A safetensors file in memory, verified.
class WeightsFile {
 public:
  // Reads and verifies `path`. Errors, one line naming the file and the reason:
  // missing, truncated, absurd header length, no JSON, duplicate names, a type
  // other than F32, offsets that leave the data, overlap, leave holes or do not
  // fit the shape, trailing bytes, a checksum that does not fit.
  // Never allocates more than a small multiple of the file's size.
  static absl::StatusOr<WeightsFile> Read(const std::string& path);

  const std::string& path() const { return path_; }
  // In the order of the data. The views point into this object and survive its
  // being moved.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  // Null when there is none of that name.
  const TensorView* Find(absl::string_view name) const;
  // As written; without "kiln.crc32".
  const Metadata& metadata() const { return metadata_; }

  WeightsFile(WeightsFile&&) = default;
  WeightsFile& operator=(WeightsFile&&) = default;

 private:
  WeightsFile() = default;

  std::string path_;
  AlignedVector<float> data_;
  std::vector<TensorView> tensors_;
  Metadata metadata_;
};

// Copies a tensor of the file into each slot: the file must hold every slot's
// tensor in the slot's shape, and no other, except those whose names begin with
// `ignored_prefix` when that is not empty ("optimizer." reads the parameters of
// a checkpoint alone). On an error, one line that names file and tensor, no
// slot has been touched.
absl::Status CopyTensors(const WeightsFile& file,
                         absl::Span<const TensorSlot> slots,
                         absl::string_view ignored_prefix = "");

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_WEIGHTS_FILE_H_
