#ifndef KILN_RUNTIME_SAFETENSORS_HEADER_H_
#define KILN_RUNTIME_SAFETENSORS_HEADER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {
inline namespace runtime {

// The JSON header of a safetensors file; runtime/weights_file.h states the
// format.
struct SafetensorsHeader {
  struct Tensor {
    std::string name;
    std::vector<int64_t> shape;
    uint64_t begin = 0;  // bytes from the start of the data
    uint64_t end = 0;
  };
  std::vector<Tensor> tensors;  // in the order of the data
  std::map<std::string, std::string> metadata;
};

// The header as compact JSON with sorted keys and no padding: equal headers
// give equal text, whoever wrote the file. Bytes that are no UTF-8 become
// U+FFFD.
std::string SafetensorsHeaderText(const SafetensorsHeader& header);

// Parses a header and checks that it describes F32 tensors that lie densely in
// `data_bytes` bytes of data. An int64 tensor called "num_batches_tracked" (or
// "....num_batches_tracked"), which PyTorch has beside each batch
// normalisation, is left out. Any text is safe to give. An error says what is
// wrong, without the file's name.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view text,
                                                         uint64_t data_bytes);

// A name out of a file as it may stand in a message: printable, one line,
// quoted, not too long.
std::string QuotedName(absl::string_view name);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_SAFETENSORS_HEADER_H_
