#include "runtime/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace kiln {
inline namespace runtime {
namespace {

using Json = nlohmann::json;
using Tensor = SafetensorsHeader::Tensor;

constexpr char kMetadataKey[] = "__metadata__";
constexpr uint64_t kElementBytes = 4;  // of F32

absl::Status Invalid(absl::string_view problem) {
  return absl::InvalidArgumentError(problem);
}

absl::Status Invalid(const std::string& tensor, absl::string_view problem) {
  return Invalid(absl::StrCat("tensor ", QuotedName(tensor), ": ", problem));
}

// Watches a parse for what the finished value no longer shows, names given
// twice, and for nesting deeper than a header's (object, tensor, shape), of
// which a hostile file may hold millions of levels.
class ParseGuard {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (depth >= kDepth) problem_ = "it is nested too deep";
      if (depth >= kDepth) return false;
      names_[depth].clear();
    }
    // A key's depth counts the object that it stands in.
    if (event == Event::key && depth <= kDepth &&
        !names_[depth - 1]
             .insert(parsed.get_ref<const std::string&>())
             .second) {
      problem_ = absl::StrCat("it has ",
                              QuotedName(parsed.get_ref<const std::string&>()),
                              " twice");
    }
    return true;
  }
  const std::string& problem() const { return problem_; }

 private:
  static constexpr int kDepth = 3;
  std::array<std::set<std::string>, kDepth> names_;
  std::string problem_;
};

absl::StatusOr<Json> ParseObject(absl::string_view text) {
  // The parser would take a zero byte for the text's end.
  if (absl::StrContains(text, '\0')) return Invalid("bad header: a zero byte");
  ParseGuard guard;
  Json json = Json::parse(
      text,
      [&](int d, auto event, Json& parsed) { return guard(d, event, parsed); },
      /*allow_exceptions=*/false);
  if (!guard.problem().empty()) {
    return Invalid(absl::StrCat("bad header: ", guard.problem()));
  }
  if (!json.is_object()) return Invalid("bad header: it is no JSON object");
  return json;
}

absl::StatusOr<std::map<std::string, std::string>> ParseMetadata(
    const Json& json) {
  if (!json.is_object()) return Invalid("__metadata__ is no object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) {
      return Invalid(absl::StrCat("metadata ", QuotedName(key), " is no text"));
    }
    metadata[key] = value.get_ref<const std::string&>();
  }
  return metadata;
}

bool IsListOfCounts(const Json& json) {
  return json.is_array() &&
         std::all_of(json.begin(), json.end(), [](const Json& element) {
           return element.is_number_unsigned() &&
                  element.get<uint64_t>() <=
                      std::numeric_limits<int64_t>::max();
         });
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
bool IsCounter(const std::string& name, const Json& json) {
  return absl::EndsWith(name, "num_batches_tracked") && json.is_object() &&
         json.contains("dtype") && json["dtype"] == "I64";
}

absl::StatusOr<Tensor> ParseTensor(const std::string& name, const Json& json,
                                   uint64_t data_bytes) {
  if (!json.is_object() || json.size() != 3 || !json.contains("dtype") ||
      !json.contains("shape") || !json.contains("data_offsets")) {
    return Invalid(name, "not described by dtype, shape and data_offsets");
  }
  const Json& dtype = json["dtype"];
  if (!dtype.is_string()) return Invalid(name, "dtype is no text");
  const bool is_counter = IsCounter(name, json);
  if (dtype != "F32" && !is_counter) {
    return Invalid(
        name,
        absl::StrCat("dtype ", QuotedName(dtype.get_ref<const std::string&>()),
                     " is not F32; save it as float32"));
  }
  const Json& shape = json["shape"];
  const Json& offsets = json["data_offsets"];
  if (!IsListOfCounts(shape)) return Invalid(name, "shape is no list of sizes");
  if (!IsListOfCounts(offsets) || offsets.size() != 2) {
    return Invalid(name, "data_offsets are not two offsets");
  }
  Tensor tensor{.name = name,
                .shape = shape.get<std::vector<int64_t>>(),
                .begin = offsets[0].get<uint64_t>(),
                .end = offsets[1].get<uint64_t>()};
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
  return json.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace);
}

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view text,
                                                         uint64_t data_bytes) {
  absl::StatusOr<Json> json = ParseObject(text);
  if (!json.ok()) return json.status();

  SafetensorsHeader header;
  for (const auto& [name, value] : json->items()) {
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
                       return IsCounter(tensor.name, (*json)[tensor.name]);
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
