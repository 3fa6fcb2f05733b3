// The main of every <model>.generator.
//
//   <model>.generator --bundle --name=NAME --out=DIR --records=A.json,B.json
//       [options=activation:relu,loss:l2]
//       writes the manifest and its C++ wrapping
//   <model>.generator ARGUMENTS
//       emits one pipeline: the arguments are Halide's GenGen's, and those of
//       budget_command.h
//
// A wrong model is one line on standard error, "file:line: layer: what is
// wrong", and exit code 1.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "generators/autoschedule.h"
#include "generators/budget_command.h"
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

// GenGen, within a budget where the arguments name one.
int Emit(const kiln::CompiledModel& model, int argc, char** argv) {
  absl::StatusOr<kiln::BudgetCommand> command =
      kiln::FitCommand(model, {argv, argv + argc});
  if (!command.ok()) return Fail(command.status());
  std::vector<char*> arguments;
  for (std::string& argument : command->arguments)
    arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  const int code = Halide::Internal::generate_filter_main(
      static_cast<int>(command->arguments.size()), arguments.data());
  if (code != 0) return code;
  const absl::Status status = kiln::CompleteRecord(*command);
  return status.ok() ? 0 : Fail(status);
}

}  // namespace

int main(int argc, char** argv) {
  absl::StatusOr<kiln::CompiledModel> model =
      kiln::CompileModel(FlagValue(argc, argv, "options"));
  if (!model.ok()) return Fail(model.status());
  const bool is_bundle = argc > 1 && absl::string_view(argv[1]) == "--bundle";
  if (!is_bundle && !FlagValue(argc, argv, "autoscheduler").empty())
    return kiln::EmitAutoscheduled(argc, argv);
  if (!is_bundle) return Emit(*model, argc, argv);
  const std::vector<std::string> records = absl::StrSplit(
      FlagValue(argc, argv, "--records"), ',', absl::SkipEmpty());
  const absl::Status status =
      kiln::WriteBundle(*model, FlagValue(argc, argv, "--name"),
                        FlagValue(argc, argv, "--out"), records);
  return status.ok() ? 0 : Fail(status);
}
