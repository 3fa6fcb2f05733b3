// The main of every <model>.generator.
//
//   <model>.generator --bundle --name=NAME --out=DIR --records=A.json,B.json
//       [options=activation:relu,loss:l2]
//       writes the manifest and its C++ wrapping
//   <model>.generator ARGUMENTS
//       emits one pipeline: the arguments are Halide's GenGen's
//
// A wrong model is one line on standard error, "file:line: layer: what is
// wrong", and exit code 1.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "generators/autoschedule.h"
#include "generators/manifest_writer.h"
#include "generators/model_generator.h"

HALIDE_REGISTER_GENERATOR(kiln::ModelGenerator, kiln)

namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return 1;
}

// The value of flag=value, or "".
std::string FlagValue(int argc, char** argv, const std::string& flag) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, flag + "="))
      return std::string(argument);
  }
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  absl::StatusOr<kiln::CompiledModel> model =
      kiln::CompileModel(FlagValue(argc, argv, "options"));
  if (!model.ok()) return Fail(model.status());
  const bool is_bundle = argc > 1 && absl::string_view(argv[1]) == "--bundle";
  if (!is_bundle && !FlagValue(argc, argv, "autoscheduler").empty())
    return kiln::EmitAutoscheduled(argc, argv);
  if (!is_bundle) return Halide::Internal::generate_filter_main(argc, argv);
  const std::vector<std::string> records = absl::StrSplit(
      FlagValue(argc, argv, "--records"), ',', absl::SkipEmpty());
  const absl::Status status =
      kiln::WriteBundle(*model, FlagValue(argc, argv, "--name"),
                        FlagValue(argc, argv, "--out"), records);
  return status.ok() ? 0 : Fail(status);
}
