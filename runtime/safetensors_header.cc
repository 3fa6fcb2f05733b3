#include "runtime/safetensors_header.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/json.h"

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

// A name that the object, or an object in it, has twice; empty if none has.
std::string RepeatedKey(Json object) {
  std::set<std::string> keys;
  for (Json value = object.First(); value.exists(); value = value.Next()) {
    if (object.is_object() && !keys.insert(value.Key()).second) {
      return value.Key();
    }
    std::string repeated = RepeatedKey(value);
    if (!repeated.empty()) return repeated;
  }
  return "";
}

absl::StatusOr<std::map<std::string, std::string>> ParseMetadata(Json json) {
  if (!json.is_object()) return Invalid("__metadata__ is no object");
  std::map<std::string, std::string> metadata;
  for (Json value = json.First(); value.exists(); value = value.Next()) {
    if (!value.is_text()) {
      return Invalid(
          absl::StrCat("metadata ", QuotedName(value.Key()), " is no text"));
    }
    metadata[value.Key()] = value.Text();
  }
  return metadata;
}

// The array's numbers; none if it is no array of whole numbers that are not
// negative.
std::optional<std::vector<int64_t>> Counts(Json json) {
  if (!json.is_array()) return std::nullopt;
  std::vector<int64_t> counts;
  for (Json value = json.First(); value.exists(); value = value.Next()) {
    const std::optional<int64_t> count = value.Integer();
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
bool IsCounter(const std::string& name, Json json) {
  return absl::EndsWith(name, "num_batches_tracked") &&
         json.Find("dtype").Text() == "I64";
}

absl::StatusOr<Tensor> ParseTensor(const std::string& name, Json json,
                                   uint64_t data_bytes) {
  const Json dtype = json.Find("dtype");
  const Json shape_json = json.Find("shape");
  const Json offsets_json = json.Find("data_offsets");
  if (json.Size() != 3 || !dtype.exists() || !shape_json.exists() ||
      !offsets_json.exists()) {
    return Invalid(name, "not described by dtype, shape and data_offsets");
  }
  if (!dtype.is_text()) return Invalid(name, "dtype is no text");
  const bool is_counter = IsCounter(name, json);
  if (dtype.Text() != "F32" && !is_counter) {
    return Invalid(name, absl::StrCat("dtype ", QuotedName(dtype.Text()),
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
  // Names in their order, so that the same weights make the same file.
  std::map<std::string, std::string> members;
  if (!header.metadata.empty()) {
    JsonObject metadata;
    for (const auto& [key, value] : header.metadata) metadata.Text(key, value);
    members[kMetadataKey] = metadata.Json();
  }
  for (const Tensor& tensor : header.tensors) {
    members[tensor.name] = absl::StrCat(
        R"({"data_offsets":[)", tensor.begin, ",", tensor.end,
        R"(],"dtype":"F32","shape":[)", absl::StrJoin(tensor.shape, ","), "]}");
  }
  JsonObject json;
  for (const auto& [name, value] : members) json.Value(name, value);
  return json.Json();
}

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view text,
                                                         uint64_t data_bytes) {
  // Object, tensor, shape: a hostile file may hold millions of levels.
  const absl::StatusOr<JsonDocument> document =
      JsonDocument::Parse(text, /*max_depth=*/3);
  if (!document.ok()) {
    return Invalid(absl::StrCat("bad header: ", document.status().message()));
  }
  const Json json = document->root();
  if (!json.is_object()) return Invalid("bad header: it is no JSON object");
  const std::string repeated = RepeatedKey(json);
  if (!repeated.empty()) {
    return Invalid(
        absl::StrCat("bad header: it has ", QuotedName(repeated), " twice"));
  }

  SafetensorsHeader header;
  std::set<std::string> counters;
  for (Json value = json.First(); value.exists(); value = value.Next()) {
    const std::string name = value.Key();
    if (name == kMetadataKey) {
      auto metadata = ParseMetadata(value);
      if (!metadata.ok()) return metadata.status();
      header.metadata = *std::move(metadata);
      continue;
    }
    absl::StatusOr<Tensor> tensor = ParseTensor(name, value, data_bytes);
    if (!tensor.ok()) return tensor.status();
    header.tensors.push_back(*std::move(tensor));
    if (IsCounter(name, value)) counters.insert(name);
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
                       return counters.count(tensor.name) > 0;
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
