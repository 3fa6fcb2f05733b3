// The choices that a model leaves to kiln_add_model.
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "dsl/model.h"

namespace kiln {

absl::StatusOr<ModelOptions> ParseModelOptions(absl::string_view text) {
  ModelOptions options;
  for (absl::string_view option :
       absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> entry =
        absl::StrSplit(option, absl::MaxSplits(':', 1));
    if (!options.insert(entry).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("option ", entry.first, " is given twice"));
    }
  }
  return options;
}

std::string ModelBuilder::Option(const std::string& name,
                                 const std::string& otherwise,
                                 const std::vector<std::string>& choices,
                                 Where where) {
  asked_.emplace(name, otherwise);
  const auto given = options_.find(name);
  const std::string value = given == options_.end() ? otherwise : given->second;
  if (!choices.empty() &&
      std::find(choices.begin(), choices.end(), value) == choices.end()) {
    Fail(where, absl::StrCat("option ", name),
         absl::StrCat("\"", value, "\" is none of ",
                      absl::StrJoin(choices, ", ")));
  }
  return value;
}

int64_t ModelBuilder::IntOption(const std::string& name, int64_t otherwise,
                                Where where) {
  const std::string text =
      Option(name, absl::StrCat(otherwise), /*choices=*/{}, where);
  int64_t value = 0;
  if (absl::SimpleAtoi(text, &value) && value >= 1) return value;
  Fail(where, absl::StrCat("option ", name),
       absl::StrCat("\"", text, "\" is no whole number of at least 1"));
  return otherwise;
}

absl::Status ModelBuilder::CheckOptions() const {
  for (const auto& [name, value] : options_) {
    if (asked_.count(name) > 0) continue;
    const std::string has =
        absl::StrJoin(asked_, ", ", [](std::string* text, const auto& option) {
          absl::StrAppend(text, option.first, " (", option.second, ")");
        });
    return absl::InvalidArgumentError(absl::StrCat(
        "option ", name, "=", value, ": the model has no such option; it has ",
        has.empty() ? "none" : has));
  }
  return absl::OkStatus();
}

}  // namespace kiln
