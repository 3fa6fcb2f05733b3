#include "generators/budget_command.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "dsl/evaluation_form.h"
#include "generators/budget.h"
#include "generators/manifest_writer.h"
#include "generators/schedule_record.h"

namespace kiln {

namespace {

constexpr int64_t kKilobyte = 1024;

// Takes "key=value" out of the arguments; "" where there is none.
std::string Take(absl::string_view key, std::vector<std::string>* arguments) {
  for (auto it = arguments->begin(); it != arguments->end(); ++it) {
    absl::string_view value = *it;
    if (!absl::ConsumePrefix(&value, absl::StrCat(key, "="))) continue;
    std::string taken(value);
    arguments->erase(it);
    return taken;
  }
  return "";
}

// The value of "key=value", which stays; "" where there is none.
std::string Peek(absl::string_view key, std::vector<std::string> arguments) {
  return Take(key, &arguments);
}

// "-f lenet5_grad_b64"
std::string FunctionOf(const std::vector<std::string>& arguments) {
  const auto flag = std::find(arguments.begin(), arguments.end(), "-f");
  return flag == arguments.end() || flag + 1 == arguments.end() ? "pipeline"
                                                                : flag[1];
}

absl::StatusOr<PipelineOptions> ParseOptions(const std::string& kind,
                                             const std::string& block,
                                             const std::string& schedule,
                                             const std::string& optimizer) {
  absl::StatusOr<PipelineKind> parsed = KindFromName(kind);
  if (!parsed.ok()) return parsed.status();
  PipelineOptions options;
  options.kind = *parsed;
  options.schedule = schedule == "naive" ? Schedule::kNaive : Schedule::kFast;
  options.optimizer = optimizer;
  if (!absl::SimpleAtoi(block, &options.block) || options.block < 1)
    return absl::InvalidArgumentError(absl::StrCat("block=", block));
  return options;
}

// "grad:8:,step:8:sgd"
absl::StatusOr<std::vector<PipelineOptions>> ParseEmitted(
    const std::string& text, const std::string& schedule) {
  std::vector<PipelineOptions> pipelines;
  for (const auto& entry : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(entry, ':');
    if (parts.size() != 3)
      return absl::InvalidArgumentError(absl::StrCat("emitted=", text));
    absl::StatusOr<PipelineOptions> options =
        ParseOptions(parts[0], parts[1], schedule, parts[2]);
    if (!options.ok()) return options.status();
    pipelines.push_back(*options);
  }
  return pipelines;
}

absl::Status DoesNotFit(const CompiledModel& model, const std::string& function,
                        int64_t budget,
                        const std::vector<PipelineOptions>& emitted,
                        const Halide::Target& target) {
  const absl::StatusOr<int64_t> smallest =
      SmallestBudget(model.training, emitted, target);
  if (!smallest.ok()) return smallest.status();
  return absl::ResourceExhaustedError(absl::StrCat(
      function, ": cannot be made to fit BUDGET ", budget / kKilobyte,
      "KB, whatever is computed again",
      NeedsWholeBatch(model.training)
          ? " (batch normalisation needs the whole batch in one block)"
          : " and in blocks of one sample",
      "; the smallest BUDGET that this model's pipelines fit is ",
      (*smallest + kKilobyte - 1) / kKilobyte, "KB"));
}

}  // namespace

absl::StatusOr<BudgetCommand> FitCommand(const CompiledModel& model,
                                         std::vector<std::string> arguments) {
  BudgetCommand command;
  const std::string budget = Take("budget", &arguments),
                    emitted = Take("emitted", &arguments);
  command.arguments = arguments;
  if (budget.empty()) return command;
  if (!absl::SimpleAtoi(budget, &command.budget) || command.budget < 1)
    return absl::InvalidArgumentError(absl::StrCat("budget=", budget));
  const std::string function = FunctionOf(arguments),
                    kind = Take("kind", &arguments),
                    block = Take("block", &arguments),
                    schedule = Take("schedule", &arguments),
                    optimizer = Take("optimizer", &arguments),
                    target = Take("target", &arguments);
  command.record = Take("record", &arguments);
  absl::StatusOr<PipelineOptions> asked =
      ParseOptions(kind, block, schedule, optimizer);
  if (!asked.ok()) return asked.status();
  absl::StatusOr<std::vector<PipelineOptions>> all =
      ParseEmitted(emitted, schedule);
  if (!all.ok()) return all.status();

  // What the record says of a node may take other memory. One that cannot be
  // read is reported when the pipeline is emitted.
  const std::string tuned = Peek("tuned", arguments);
  const absl::StatusOr<ScheduleRecord> schedules = ScheduleRecord::Load(tuned);
  if (schedules.ok()) {
    asked->tuned = &*schedules;
    for (PipelineOptions& options : *all) options.tuned = &*schedules;
  }
  const Halide::Target compiled_for(target);
  absl::StatusOr<BudgetFit> fit =
      FitBudget(model.training, *asked, command.budget, compiled_for);
  if (absl::IsResourceExhausted(fit.status()))
    return DoesNotFit(model, function, command.budget, *all, compiled_for);
  if (!fit.ok()) return fit.status();
  command.asked_block = asked->block;
  command.notes = BudgetNotes(function, *asked, command.budget, *fit);
  for (const auto& [key, value] :
       {std::pair<std::string, std::string>{"kind", kind},
        {"block", absl::StrCat(fit->options.block)},
        {"schedule", schedule},
        {"optimizer", optimizer},
        {"target", target},
        {"record", command.record},
        {"recompute", absl::StrJoin(fit->dropped, ",")},
        {"root_stack", absl::StrCat(fit->root_stack_bytes)}}) {
    if (!value.empty()) arguments.push_back(absl::StrCat(key, "=", value));
  }
  command.arguments = std::move(arguments);
  return command;
}

absl::Status CompleteRecord(const BudgetCommand& command) {
  if (command.budget == 0 || command.record.empty()) return absl::OkStatus();
  return AddBudgetToRecord(command.record, command.budget, command.asked_block,
                           command.notes);
}

}  // namespace kiln
