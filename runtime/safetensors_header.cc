#include "runtime/safetensors_header.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/json_access.h"

namespace kiln {
inline namespace runtime {
namespace {

using Tensor = SafetensorsHeader::Tensor;

constexpr char kMetadataKey[] = "__metadata__";
constexpr uint64_t kElementBytes = 4;  // of F32

absl::Status Invalid(absl::string_view problem) {
  return absl::InvalidArgumentError(problem);
}

absl::Status Invalid(const std::string& tensor, absl::string_view problem) {
  return Invalid(absl::StrCat("tensor ", QuotedName(tensor), ": ", problem));
}

absl::StatusOr<Json> ParseObject(absl::string_view text) {
  if (absl::StrContains(text, '\0')) return Invalid("bad header: a zero byte");
  // Object, tensor, shape: a hostile file may hold millions of levels.
  const JsonOutline outline = OutlineJson(text, /*max_depth=*/3);
  if (outline.too_deep) return Invalid("bad header: it is nested too deep");
  if (outline.repeated.has_value()) {
    return Invalid(absl::StrCat("bad header: it has ",
                                QuotedName(*outline.repeated), " twice"));
  }
  Json json = ParseJson(text);
  if (!json.is_object()) return Invalid("bad header: it is no JSON object");
  return json;
}

absl::StatusOr<std::map<std::string, std::string>> ParseMetadata(
    const Json& json) {
  const Json::object_t* object = Object(&json);
  if (object == nullptr) return Invalid("__metadata__ is no object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : *object) {
    const std::string* text = Text(&value);
    if (text == nullptr) {
      return Invalid(absl::StrCat("metadata ", QuotedName(key), " is no text"));
    }
    metadata[key] = *text;
  }
  return metadata;
}

// The array's numbers; none if it is no array of whole numbers that are not
// negative.
std::optional<std::vector<int64_t>> Counts(const Json* json) {
  const Json::array_t* array = Array(json);
  if (array == nullptr) return std::nullopt;
  std::vector<int64_t> counts;
  for (const Json& element : *array) {
    const std::optional<int64_t> count = Integer(&element);
    if (!count.has_value() || *count < 0) return std::nullopt;
    counts.push_back(*count);
  }
  return counts;
}

// Bytes of a tensor, or `limit` + 1 if it takes more than `limit`.
uint64_t BytesUpTo(uint64_t limit, const std::vector<int64_t>& shape,
                   uint64_t element_bytes) {
  // An extent of 0 anywhere makes a huge one elsewhere harmless.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  uint64_t bytes = element_bytes;
  for (const int64_t extent : shape) {
    if (static_cast<uint64_t>(extent) > limit / bytes) return limit + 1;
    bytes *= static_cast<uint64_t>(extent);
  }
  return bytes;
}

// The counter that PyTorch keeps beside each batch normalisation, an int64 in a
// state_dict: room in the file, and nothing that a model reads.
bool IsCounter(const std::string& name, const Json* json) {
  const std::string* dtype = Text(FindMember(json, "dtype"));
  return absl::EndsWith(name, "num_batches_tracked") && dtype != nullptr &&
         *dtype == "I64";
}

absl::StatusOr<Tensor> ParseTensor(const std::string& name, const Json& json,
                                   uint64_t data_bytes) {
  const Json* dtype_json = FindMember(&json, "dtype");
  const Json* shape_json = FindMember(&json, "shape");
  const Json* offsets_json = FindMember(&json, "data_offsets");
  if (json.size() != 3 || dtype_json == nullptr || shape_json == nullptr ||
      offsets_json == nullptr) {
    return Invalid(name, "not described by dtype, shape and data_offsets");
  }
  const std::string* dtype = Text(dtype_json);
  if (dtype == nullptr) return Invalid(name, "dtype is no text");
  const bool is_counter = IsCounter(name, &json);
  if (*dtype != "F32" && !is_counter) {
    return Invalid(name, absl::StrCat("dtype ", QuotedName(*dtype),
                                      " is not F32; save it as float32"));
  }
  std::optional<std::vector<int64_t>> shape = Counts(shape_json);
  if (!shape.has_value()) return Invalid(name, "shape is no list of sizes");
  const std::optional<std::vector<int64_t>> offsets = Counts(offsets_json);
  if (!offsets.has_value() || offsets->size() != 2) {
    return Invalid(name, "data_offsets are not two offsets");
  }
  Tensor tensor{.name = name,
                .shape = *std::move(shape),
                .begin = static_cast<uint64_t>((*offsets)[0]),
                .end = static_cast<uint64_t>((*offsets)[1])};
  if (tensor.begin > tensor.end || tensor.end > data_bytes) {
    return Invalid(name,
                   absl::StrCat("data_offsets ", tensor.begin, "..", tensor.end,
                                " leave the ", data_bytes, " bytes of data"));
  }
  const uint64_t stored = tensor.end - tensor.begin;
  if (BytesUpTo(data_bytes, tensor.shape,
                is_counter ? 2 * kElementBytes : kElementBytes) != stored) {
    return Invalid(name, absl::StrCat("its ", stored,
                                      " bytes of data do not fit its shape"));
  }
  return tensor;
}

// The format forbids holes and overlaps: sorted, each begins where the one
// before it ends, and the last ends with the data.
absl::Status CheckDense(const std::vector<Tensor>& tensors,
                        uint64_t data_bytes) {
  uint64_t end = 0;
  for (const Tensor& tensor : tensors) {
    if (tensor.begin < end) return Invalid(tensor.name, "overlaps another");
    if (tensor.begin > end) return Invalid(tensor.name, "follows a hole");
    end = tensor.end;
  }
  if (end == data_bytes) return absl::OkStatus();
  return Invalid(
      absl::StrCat(data_bytes - end, " trailing bytes after the last tensor"));
}

}  // namespace

std::string SafetensorsHeaderText(const SafetensorsHeader& header) {
  Json json = Json::object();
  if (!header.metadata.empty()) json[kMetadataKey] = header.metadata;
  for (const Tensor& tensor : header.tensors) {
    json[tensor.name] = {{"dtype", "F32"},
                         {"shape", tensor.shape},
                         {"data_offsets", {tensor.begin, tensor.end}}};
  }
  return DumpJson(json);
}

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view text,
                                                         uint64_t data_bytes) {
  absl::StatusOr<Json> json = ParseObject(text);
  if (!json.ok()) return json.status();

  SafetensorsHeader header;
  for (const auto& [name, value] : *Object(&*json)) {
    if (name == kMetadataKey) {
      auto metadata = ParseMetadata(value);
      if (!metadata.ok()) return metadata.status();
      header.metadata = *std::move(metadata);
      continue;
    }
    absl::StatusOr<Tensor> tensor = ParseTensor(name, value, data_bytes);
    if (!tensor.ok()) return tensor.status();
    header.tensors.push_back(*std::move(tensor));
  }
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const Tensor& a, const Tensor& b) {
              return std::tie(a.begin, a.end, a.name) <
                     std::tie(b.begin, b.end, b.name);
            });
  absl::Status dense = CheckDense(header.tensors, data_bytes);
  if (!dense.ok()) return dense;
  header.tensors.erase(
      std::remove_if(header.tensors.begin(), header.tensors.end(),
                     [&](const Tensor& tensor) {
                       return IsCounter(tensor.name,
                                        FindMember(&*json, tensor.name));
                     }),
      header.tensors.end());
  return header;
}

std::string QuotedName(absl::string_view name) {
  constexpr size_t kLongest = 100;
  const bool cut = name.size() > kLongest;
  return absl::StrCat("\"", absl::Utf8SafeCEscape(name.substr(0, kLongest)),
                      cut ? "...\"" : "\"");
}

}  // namespace runtime
}  // namespace kiln
