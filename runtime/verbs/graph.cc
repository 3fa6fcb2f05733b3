// graph: the compiled graph, as the build wrote it into the manifest.

#include <cstdio>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/verbs/verb.h"

namespace kiln {
inline namespace runtime {

absl::Status RunGraph(const VerbContext& context) {
  std::string stage = "forward", format = "dot";
  FlagSet flags;
  flags.Add("stage", &stage, "STAGE",
            "forward (the model file's), backward (what the gradients need) or "
            "final (all that is compiled)");
  flags.Add("format", &format, "FORMAT", "dot (for Graphviz) or text");
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();

  if (format != "dot" && format != "text") {
    return absl::InvalidArgumentError(
        absl::StrCat("--format=", format, " is neither dot nor text"));
  }
  const GraphText& texts =
      format == "dot" ? context.manifest.dot : context.manifest.text;
  const std::string* text = stage == "forward"    ? &texts.forward
                            : stage == "backward" ? &texts.backward
                            : stage == "final"    ? &texts.final
                                                  : nullptr;
  if (text == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--stage=", stage, " is none of forward, backward and final"));
  }
  std::fputs(text->c_str(), stdout);
  if (!absl::EndsWith(*text, "\n")) std::fputs("\n", stdout);
  return absl::OkStatus();
}

}  // namespace runtime
}  // namespace kiln
