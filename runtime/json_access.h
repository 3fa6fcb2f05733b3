#ifndef KILN_RUNTIME_JSON_ACCESS_H_
#define KILN_RUNTIME_JSON_ACCESS_H_

// nlohmann::json without exceptions: what is read is looked up by functions
// that have none for an answer, instead of at() and get(), which would end the
// program for a text of another shape.

#ifdef INCLUDE_NLOHMANN_JSON_HPP_
#error "include runtime/json_access.h instead of nlohmann/json.hpp"
#endif
// In a namespace of its own: the linker must not take these functions for those
// of a program that uses the library with exceptions.
#define NLOHMANN_JSON_NAMESPACE nlohmann::kiln_no_exceptions
#define NLOHMANN_JSON_NAMESPACE_BEGIN \
  namespace nlohmann {                \
  inline namespace kiln_no_exceptions {
#define NLOHMANN_JSON_NAMESPACE_END \
  }                                 \
  }

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace kiln {
inline namespace runtime {

using Json = nlohmann::json;

// What `text` says; a discarded value if it is no JSON. However deep it is
// nested, neither this nor what frees the value recurs.
Json ParseJson(absl::string_view text);

// What a parsed value no longer shows. The walk ends with what is no JSON, and
// where something is too deep.
struct JsonOutline {
  bool too_deep = false;                // than the walk goes
  std::optional<std::string> repeated;  // a name that an object has twice
  // Of what is in objects, each once, in the text's order.
  std::vector<std::string> names;
};
JsonOutline OutlineJson(absl::string_view text, size_t max_depth);

// In one line; what is no UTF-8 is replaced by U+FFFD, and a number that is not
// finite by null. Recurs into what is nested: not for values that were parsed.
std::string DumpJson(const Json& json);

// Each answers for any value, and for none (nullptr): nullptr or nullopt if it
// is of another type.
const Json* FindMember(const Json* json, absl::string_view name);
const Json::object_t* Object(const Json* json);
const Json::array_t* Array(const Json* json);
const std::string* Text(const Json* json);
std::optional<bool> Bool(const Json* json);
// Of what was written as an integer, and fits.
std::optional<int64_t> Integer(const Json* json);
std::optional<double> Number(const Json* json);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_JSON_ACCESS_H_
