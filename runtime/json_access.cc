#include "runtime/json_access.h"

#include <limits>
#include <set>
#include <utility>

#include "absl/strings/match.h"

namespace kiln {
inline namespace runtime {

namespace {

// Not by a callback of the parser: with one, each object that ends has the
// parser look at all that its parent holds.
class Outliner : public Json::json_sax_t {
 public:
  explicit Outliner(size_t max_depth) : max_depth_(max_depth) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(int64_t) override { return true; }
  bool number_unsigned(uint64_t) override { return true; }
  bool number_float(double, const std::string&) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(Json::binary_t&) override { return true; }
  bool start_object(size_t) override { return Enter(); }
  bool start_array(size_t) override { return Enter(); }
  bool end_object() override { return Leave(); }
  bool end_array() override { return Leave(); }
  bool key(std::string& name) override {
    if (known_.insert(name).second) outline.names.push_back(name);
    if (!names_.back().insert(name).second && !outline.repeated.has_value()) {
      outline.repeated = name;
    }
    return true;
  }
  bool parse_error(size_t, const std::string&,
                   const Json::exception&) override {
    return false;
  }

  JsonOutline outline;

 private:
  bool Enter() {
    outline.too_deep = names_.size() == max_depth_;
    names_.emplace_back();
    return !outline.too_deep;
  }
  bool Leave() {
    names_.pop_back();
    return true;
  }

  const size_t max_depth_;
  std::set<std::string> known_;
  // Of each array (none) and object around the present place.
  std::vector<std::set<std::string>> names_;
};

template <typename T>
const T* PointerTo(const Json* json) {
  return json == nullptr ? nullptr : json->get_ptr<const T*>();
}

}  // namespace

Json ParseJson(absl::string_view text) {
  // The parser would take a zero byte for the text's end.
  if (absl::StrContains(text, '\0')) return Json::value_t::discarded;
  return Json::parse(text.data(), text.data() + text.size(),
                     /*cb=*/nullptr, /*allow_exceptions=*/false);
}

JsonOutline OutlineJson(absl::string_view text, size_t max_depth) {
  Outliner outliner(max_depth);
  (void)Json::sax_parse(text.data(), text.data() + text.size(), &outliner);
  return std::move(outliner.outline);
}

std::string DumpJson(const Json& json) {
  return json.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace);
}

const Json* FindMember(const Json* json, absl::string_view name) {
  const Json::object_t* object = Object(json);
  if (object == nullptr) return nullptr;
  const auto found = object->find(name);
  return found == object->end() ? nullptr : &found->second;
}

const Json::object_t* Object(const Json* json) {
  return PointerTo<Json::object_t>(json);
}

const Json::array_t* Array(const Json* json) {
  return PointerTo<Json::array_t>(json);
}

const std::string* Text(const Json* json) {
  return PointerTo<std::string>(json);
}

std::optional<bool> Bool(const Json* json) {
  const bool* truth = PointerTo<bool>(json);
  if (truth == nullptr) return std::nullopt;
  return *truth;
}

std::optional<int64_t> Integer(const Json* json) {
  // Parsed as unsigned, unless there is a minus.
  if (const uint64_t* natural = PointerTo<uint64_t>(json)) {
    if (*natural > std::numeric_limits<int64_t>::max()) return std::nullopt;
    return static_cast<int64_t>(*natural);
  }
  const int64_t* integer = PointerTo<int64_t>(json);
  if (integer == nullptr) return std::nullopt;
  return *integer;
}

std::optional<double> Number(const Json* json) {
  if (const double* real = PointerTo<double>(json)) return *real;
  if (const uint64_t* natural = PointerTo<uint64_t>(json)) return *natural;
  if (const int64_t* integer = PointerTo<int64_t>(json)) return *integer;
  return std::nullopt;
}

}  // namespace runtime
}  // namespace kiln
