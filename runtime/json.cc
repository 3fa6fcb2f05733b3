#include "runtime/json.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace kiln {
inline namespace runtime {

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The bytes of the UTF-8 character that `text` begins with; 0 if it begins
// with none. No overlong forms, no surrogates, nothing beyond U+10FFFF.
size_t Utf8Length(absl::string_view text) {
  const auto byte = [text](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const int lead = byte(0);
  if (lead < 0x80) return text.empty() ? 0 : 1;
  const size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                        : lead >= 0xe0 && lead < 0xf0 ? 3
                        : lead >= 0xf0 && lead < 0xf5 ? 4
                                                      : 0;
  const int least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const int most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (length != 0 && (byte(1) < least || byte(1) > most)) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  }
  return length;
}

void AppendUtf8(std::string& text, uint32_t code) {
  const auto tail = [code](int shift) {
    return static_cast<char>(0x80 | ((code >> shift) & 0x3f));
  };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | code >> 12);
    text += tail(6);
  } else {
    text += static_cast<char>(0xf0 | code >> 18);
    text += tail(12);
    text += tail(6);
  }
  if (code >= 0x80) text += tail(0);
}

// The four digits after \u; -1 if they are not there.
int CodeUnit(absl::string_view text) {
  if (text.size() < 4) return -1;
  int unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = HexDigit(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

// Reads the text at `position`, after its opening quote, and leaves `position`
// after the closing one. False if it is none.
bool ReadText(absl::string_view json, size_t& position, std::string& text) {
  while (position < json.size()) {
    const char c = json[position];
    if (c == '"') {
      ++position;
      return true;
    }
    if (c != '\\') {
      const size_t length = Utf8Length(json.substr(position));
      if (length == 0 || static_cast<unsigned char>(c) < 0x20) return false;
      absl::StrAppend(&text, json.substr(position, length));
      position += length;
      continue;
    }
    if (++position == json.size()) return false;
    constexpr absl::string_view kEscapes = "\"\\/bfnrt";
    const size_t escape = kEscapes.find(json[position]);
    if (escape != absl::string_view::npos) {
      text += "\"\\/\b\f\n\r\t"[escape];
      ++position;
      continue;
    }
    if (json[position] != 'u') return false;
    int code = CodeUnit(json.substr(position + 1));
    position += 5;
    if (code < 0) return false;
    if (code >= 0xd800 && code < 0xe000) {  // half of a pair
      if (code >= 0xdc00 || json.substr(position, 2) != "\\u") return false;
      const int low = CodeUnit(json.substr(position + 2));
      if (low < 0xdc00 || low >= 0xe000) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      position += 6;
    }
    AppendUtf8(text, code);
  }
  return false;
}

// The length of the number that `text` begins with; 0 if it is none.
size_t NumberLength(absl::string_view text) {
  size_t i = 0;
  const auto digits = [&text, &i] {
    const size_t begin = i;
    while (i < text.size() && IsDigit(text[i])) ++i;
    return i > begin;
  };
  if (text[i] == '-') ++i;
  const size_t whole = i;
  if (!digits() || (text[whole] == '0' && i > whole + 1)) return 0;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (!digits()) return 0;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (!digits()) return 0;
  }
  return i;
}

}  // namespace

// Recursive descent: a value is parsed by the function of its kind, which
// returns false where the text is no JSON.
class JsonParser {
 public:
  JsonParser(absl::string_view text, int max_depth)
      : text_(text), max_depth_(max_depth) {}

  absl::StatusOr<JsonDocument> Parse() {
    JsonDocument document;
    document.text_ = text_;
    if (text_.size() >= std::numeric_limits<uint32_t>::max()) {
      return absl::InvalidArgumentError("it is larger than 4 GB");
    }
    SkipSpace();
    if (!ParseValue(0)) {
      if (too_deep_) return absl::InvalidArgumentError("it is nested too deep");
      return NoJson();
    }
    SkipSpace();
    if (position_ != text_.size()) return NoJson();
    document.nodes_ = std::move(nodes_);
    return document;
  }

 private:
  absl::Status NoJson() const {
    return absl::InvalidArgumentError(
        absl::StrCat("it is no JSON from byte ", position_, " on"));
  }

  void SkipSpace() {
    position_ = text_.find_first_not_of(" \t\r\n", position_);
    if (position_ == absl::string_view::npos) position_ = text_.size();
  }

  // The next character, or 0 at the end.
  char Peek() const {
    return position_ < text_.size() ? text_[position_] : '\0';
  }
  bool Skip(char c) {
    if (Peek() != c || position_ == text_.size()) return false;
    ++position_;
    return true;
  }

  bool ParseValue(int depth) {
    const size_t index = nodes_.size();
    nodes_.push_back({.begin = static_cast<uint32_t>(position_)});
    Json::Kind kind = Json::Kind::kNull;
    bool parsed = false;
    switch (Peek()) {
      case '{':
        kind = Json::Kind::kObject;
        parsed = ParseElements('}', depth);
        break;
      case '[':
        kind = Json::Kind::kArray;
        parsed = ParseElements(']', depth);
        break;
      case '"':
        kind = Json::Kind::kText;
        parsed = ParseText();
        break;
      case 't':
        kind = Json::Kind::kTrue;
        parsed = ParseWord("true");
        break;
      case 'f':
        kind = Json::Kind::kFalse;
        parsed = ParseWord("false");
        break;
      case 'n':
        parsed = ParseWord("null");
        break;
      default:
        kind = Json::Kind::kNumber;
        parsed = ParseNumber();
    }
    nodes_[index].kind = kind;
    nodes_[index].next = static_cast<uint32_t>(nodes_.size());
    return parsed;
  }

  // An array's or object's, up to `close`.
  bool ParseElements(char close, int depth) {
    if (depth == max_depth_) {
      too_deep_ = true;
      return false;
    }
    ++position_;
    SkipSpace();
    if (Skip(close)) return true;
    while (true) {
      const size_t key = position_;
      if (close == '}') {
        if (Peek() != '"' || !ParseText()) return false;
        SkipSpace();
        if (!Skip(':')) return false;
        SkipSpace();
      }
      const size_t index = nodes_.size();
      if (!ParseValue(depth + 1)) return false;
      if (close == '}') nodes_[index].key = static_cast<uint32_t>(key);
      SkipSpace();
      if (Skip(close)) return true;
      nodes_[index].is_last = false;
      if (!Skip(',')) return false;
      SkipSpace();
    }
  }

  bool ParseText() {
    ++position_;
    scratch_.clear();
    return ReadText(text_, position_, scratch_);
  }

  bool ParseWord(absl::string_view word) {
    if (text_.substr(position_, word.size()) != word) return false;
    position_ += word.size();
    return true;
  }

  bool ParseNumber() {
    if (position_ == text_.size()) return false;
    const size_t length = NumberLength(text_.substr(position_));
    if (length == 0) return false;
    // What no double holds would be read as something else.
    double value = 0;
    if (!absl::SimpleAtod(text_.substr(position_, length), &value) ||
        !std::isfinite(value)) {
      return false;
    }
    position_ += length;
    return true;
  }

  absl::string_view text_;
  int max_depth_;
  size_t position_ = 0;
  bool too_deep_ = false;
  std::string scratch_;
  std::vector<Json::Node> nodes_;
};

absl::StatusOr<JsonDocument> JsonDocument::Parse(absl::string_view text,
                                                 int max_depth) {
  return JsonParser(text, max_depth).Parse();
}

const Json::Node& Json::node() const { return document_->nodes_[index_]; }

bool Json::Is(Kind kind) const { return exists() && node().kind == kind; }

std::optional<bool> Json::Bool() const {
  if (!Is(Kind::kTrue) && !Is(Kind::kFalse)) return std::nullopt;
  return Is(Kind::kTrue);
}

std::optional<int64_t> Json::Integer() const {
  if (!is_number()) return std::nullopt;
  const absl::string_view text = document_->text_.substr(node().begin);
  const size_t length = NumberLength(text);
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + length, value);
  if (error != std::errc() || end != text.data() + length) return std::nullopt;
  return value;
}

std::optional<double> Json::Number() const {
  if (!is_number()) return std::nullopt;
  const absl::string_view text = document_->text_.substr(node().begin);
  double value = 0;
  if (!absl::SimpleAtod(text.substr(0, NumberLength(text)), &value)) {
    return std::nullopt;
  }
  return value;
}

std::string Json::Text() const {
  std::string text;
  size_t position = 0;
  if (is_text()) {
    position = node().begin + 1;
    ReadText(document_->text_, position, text);
  }
  return text;
}

Json Json::First() const {
  if ((!is_array() && !is_object()) || node().next == index_ + 1) return Json();
  return Json(document_, index_ + 1);
}

Json Json::Next() const {
  if (!exists() || node().is_last) return Json();
  return Json(document_, node().next);
}

std::string Json::Key() const {
  std::string key;
  size_t position = 0;
  if (exists() && node().key != 0) {
    position = node().key + 1;
    ReadText(document_->text_, position, key);
  }
  return key;
}

size_t Json::Size() const {
  size_t size = 0;
  for (Json value = First(); value.exists(); value = value.Next()) ++size;
  return size;
}

Json Json::Find(absl::string_view key) const {
  Json found;
  if (!is_object()) return found;
  for (Json value = First(); value.exists(); value = value.Next()) {
    if (value.Key() == key) found = value;
  }
  return found;
}

std::string JsonText(absl::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const char c = text[0];
    const size_t length = Utf8Length(text);
    constexpr absl::string_view kEscaped = "\"\\\b\f\n\r\t";
    const size_t escape = kEscaped.find(c);
    if (length == 0) {
      json += "\xef\xbf\xbd";
    } else if (escape != absl::string_view::npos) {
      json += '\\';
      json += "\"\\bfnrt"[escape];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppend(&json, "\\u", absl::Hex(c, absl::kZeroPad4));
    } else {
      absl::StrAppend(&json, text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  json += '"';
  return json;
}

std::string JsonNumber(double value) {
  if (!std::isfinite(value)) return "null";
  char digits[32];
  const auto written = std::to_chars(digits, digits + sizeof(digits), value);
  return std::string(digits, written.ptr);
}

JsonObject& JsonObject::Text(absl::string_view key, absl::string_view value) {
  return Value(key, JsonText(value));
}

JsonObject& JsonObject::Number(absl::string_view key, double value) {
  return Value(key, JsonNumber(value));
}

JsonObject& JsonObject::Integer(absl::string_view key, int64_t value) {
  return Value(key, absl::StrCat(value));
}

JsonObject& JsonObject::Bool(absl::string_view key, bool value) {
  return Value(key, value ? "true" : "false");
}

JsonObject& JsonObject::Value(absl::string_view key, absl::string_view json) {
  absl::StrAppend(&members_, members_.empty() ? "" : ",", JsonText(key), ":",
                  json);
  return *this;
}

std::string JsonArray(const std::vector<std::string>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ","), "]");
}

}  // namespace runtime
}  // namespace kiln
