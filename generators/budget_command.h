// A generator's command line that asks for a budget, as GenGen's arguments.
#ifndef KILN_GENERATORS_BUDGET_COMMAND_H_
#define KILN_GENERATORS_BUDGET_COMMAND_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dsl/rewrite.h"
#include "generators/model_generator.h"

namespace kiln {

struct BudgetCommand {
  std::vector<std::string> arguments;  // for GenGen
  std::string record;                  // the path, or "" when there is none
  int64_t budget = 0;                  // bytes; 0: none
  int asked_block = 0;
  Notes notes;
};

// Two arguments are ours: budget=65536, in bytes, and
// emitted=grad:8:,step:8:sgd, all pipelines that the model is emitted as, by
// kind, block and optimizer. They are taken out, and block, recompute and
// root_stack say how the pipeline fits, with the schedules of tuned=RECORD
// where it has any. Where it cannot, the error names the smallest budget that
// does for all of `emitted`.
absl::StatusOr<BudgetCommand> FitCommand(const CompiledModel& model,
                                         std::vector<std::string> arguments);

// Adds budget, block asked for and notes to the record. Fails when the memory
// is not what was planned.
absl::Status CompleteRecord(const BudgetCommand& command);

}  // namespace kiln

#endif  // KILN_GENERATORS_BUDGET_COMMAND_H_
