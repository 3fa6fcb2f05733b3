#ifndef KILN_RUNTIME_JSON_H_
#define KILN_RUNTIME_JSON_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {
inline namespace runtime {

class JsonDocument;

// JSON (RFC 8259), for manifests, headers of weights and training logs: little
// code, no exceptions, and texts that nobody vouches for. nlohmann::json, which
// the compiler uses, takes a tenth of a model's binary.
//
// A value in a document, or none, where something was looked up in vain: of
// that, all questions have the answers of an empty value. Copied freely; valid
// while its document is.
class Json {
 public:
  Json() = default;  // none

  bool exists() const { return document_ != nullptr; }
  bool is_null() const { return Is(Kind::kNull); }
  bool is_text() const { return Is(Kind::kText); }
  bool is_number() const { return Is(Kind::kNumber); }
  bool is_array() const { return Is(Kind::kArray); }
  bool is_object() const { return Is(Kind::kObject); }

  // None of a value of another type. An integer is written as one: neither 5.0
  // nor one beyond 64 bits is.
  std::optional<bool> Bool() const;
  std::optional<int64_t> Integer() const;
  std::optional<double> Number() const;
  // The text without its quotes and escapes; empty of another type.
  std::string Text() const;

  // What is in an array or an object, in the order of the document:
  //   for (Json element = array.First(); element.exists();
  //        element = element.Next())
  Json First() const;
  Json Next() const;
  // The name that an object has the value under.
  std::string Key() const;
  // How many values an array or an object has.
  size_t Size() const;
  // The last of an object's values of that name, or none.
  Json Find(absl::string_view key) const;

  // The same value of the same document.
  friend bool operator==(const Json&, const Json&) = default;

 private:
  friend class JsonDocument;
  friend class JsonParser;
  enum class Kind : uint8_t {
    kNull,
    kFalse,
    kTrue,
    kNumber,
    kText,
    kArray,
    kObject
  };
  struct Node;

  Json(const JsonDocument* document, uint32_t index)
      : document_(document), index_(index) {}
  const Node& node() const;
  bool Is(Kind kind) const;

  const JsonDocument* document_ = nullptr;
  uint32_t index_ = 0;
};

// All values of a text in one list, each before what is in it.
struct Json::Node {
  Kind kind = Kind::kNull;
  bool is_last = true;  // of its array or object
  uint32_t key = 0;     // where the text has its key's opening quote, or 0
  uint32_t begin = 0;   // where the text has the value; of a text, its quote
  uint32_t next = 0;    // the first value that is not in this one
};

class JsonDocument {
 public:
  // `text` has to outlive the document. Arrays and objects may be nested
  // `max_depth` deep.
  static absl::StatusOr<JsonDocument> Parse(absl::string_view text,
                                            int max_depth = 32);

  Json root() const& { return Json(this, 0); }
  Json root() && = delete;

 private:
  friend class Json;
  friend class JsonParser;

  absl::string_view text_;
  std::vector<Json::Node> nodes_;
};

// `text` as JSON's text, in quotes; what is no UTF-8 is replaced by U+FFFD.
std::string JsonText(absl::string_view text);
// The number in as few digits as bring it back; null, if it is not finite.
std::string JsonNumber(double value);

// The members of an object, joined in braces.
class JsonObject {
 public:
  JsonObject& Text(absl::string_view key, absl::string_view value);
  JsonObject& Number(absl::string_view key, double value);
  JsonObject& Integer(absl::string_view key, int64_t value);
  JsonObject& Bool(absl::string_view key, bool value);
  // `json` is any value, written already.
  JsonObject& Value(absl::string_view key, absl::string_view json);

  std::string Json() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

// The values, each written already, joined in brackets.
std::string JsonArray(const std::vector<std::string>& values);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_JSON_H_
