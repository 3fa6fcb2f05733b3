#include "runtime/flag_set.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace kiln {
inline namespace runtime {

namespace {

template <typename... Parts>
absl::Status Refuse(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

}  // namespace

const FlagSet::Flag* FlagSet::Find(absl::string_view name) const {
  const auto found =
      std::find_if(flags_.begin(), flags_.end(),
                   [name](const Flag& flag) { return flag.name == name; });
  return found == flags_.end() ? nullptr : &*found;
}

absl::Status FlagSet::Parse(absl::Span<const char* const> arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const absl::string_view argument = arguments[i];
    absl::string_view name = argument;
    if (!absl::ConsumePrefix(&name, "-") || name.empty()) {
      return Refuse("unexpected argument \"", argument, "\"; see --help");
    }
    absl::ConsumePrefix(&name, "-");
    if (name == "help" || name == "h") {
      help_requested_ = true;
      return absl::OkStatus();
    }
    const size_t equals = name.find('=');
    const bool has_value = equals != absl::string_view::npos;
    absl::string_view value;
    if (has_value) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    const Flag* flag = Find(name);
    if (flag == nullptr && !has_value && absl::ConsumePrefix(&name, "no")) {
      flag = Find(name);
      if (flag != nullptr && !flag->is_bool) flag = nullptr;
      value = "false";
    } else if (flag != nullptr && !has_value) {
      if (flag->is_bool) {
        value = "true";
      } else if (!flag->alone.empty()) {
        value = flag->alone;
      } else if (i + 1 < arguments.size()) {
        value = arguments[++i];
      } else {
        return Refuse("--", name, " needs a value");
      }
    }
    if (flag == nullptr) {
      return Refuse("unknown flag ", argument, "; see --help");
    }
    std::string error;
    if (!flag->parse(value, &error)) {
      return Refuse("--", name, "=", value, " is not a valid value",
                    error.empty() ? "" : ": ", error);
    }
  }
  return absl::OkStatus();
}

std::string FlagSet::Help() const {
  std::string text;
  for (const Flag& flag : flags_) {
    const std::string usage =
        flag.is_bool ? absl::StrCat("--", flag.name)
        : flag.alone.empty()
            ? absl::StrCat("--", flag.name, "=", flag.placeholder)
            : absl::StrCat("--", flag.name, "[=", flag.placeholder, "]");
    absl::StrAppendFormat(&text, "  %-26s %s", usage, flag.help);
    if (!flag.initial.empty()) {
      absl::StrAppend(&text, " [", flag.initial, "]");
    }
    text += "\n";
  }
  return text;
}

}  // namespace runtime
}  // namespace kiln
