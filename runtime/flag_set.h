#ifndef KILN_RUNTIME_FLAG_SET_H_
#define KILN_RUNTIME_FLAG_SET_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/flags/marshalling.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace kiln {
inline namespace runtime {

// The flags of one verb. Values are read and written by Abseil's flag
// marshalling (numbers, bools, strings as there), and the command line follows
// its rules: --name=value, --name value, --bool, --nobool, the last one wins.
//
// ABSL_FLAG itself is not used, for its flags are global: every verb would
// accept the flags of all, with one default, where here each verb has its own
// and takes the defaults from the model's manifest; and ParseCommandLine ends
// the process at a wrong flag, in several lines.
class FlagSet {
 public:
  // Binds --name to *value, whose present value is the default. `help` is one
  // line; `placeholder` names the value in the help text ("FILE").
  template <typename T>
  void Add(absl::string_view name, T* value, absl::string_view placeholder,
           absl::string_view help) {
    flags_.push_back(
        {.name = std::string(name),
         .placeholder = std::string(placeholder),
         .help = std::string(help),
         .initial = absl::UnparseFlag(*value),
         .is_bool = std::is_same_v<T, bool>,
         .parse = [value](absl::string_view text, std::string* error) {
           return absl::ParseFlag(text, value, error);
         }});
  }

  // The same for a string flag that may stand alone: `--latex` then means
  // --latex=`alone`. Any other value needs the "=".
  void AddOptional(absl::string_view name, std::string* value,
                   absl::string_view placeholder, absl::string_view alone,
                   absl::string_view help) {
    Add(name, value, placeholder, help);
    flags_.back().alone = std::string(alone);
  }

  // Reads the arguments behind the verb. InvalidArgument, in one line, for an
  // unknown flag, a value that does not parse, a missing value, and anything
  // that is not a flag. Stops at --help.
  absl::Status Parse(absl::Span<const char* const> arguments);

  // Whether --help (or -h, -help) was among them.
  bool help_requested() const { return help_requested_; }

  // A line or two per flag, with its default.
  std::string Help() const;

 private:
  struct Flag {
    std::string name, placeholder, help, initial;
    bool is_bool;
    std::function<bool(absl::string_view text, std::string* error)> parse;
    std::string alone = {};  // the value where none is given; "": there is none
  };

  const Flag* Find(absl::string_view name) const;

  std::vector<Flag> flags_;
  bool help_requested_ = false;
};

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_FLAG_SET_H_
