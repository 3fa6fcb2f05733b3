// Pipelines with other schedules than those they would have: through a record,
// as the tuner makes them.
#ifndef KILN_TESTS_SUPPORT_FORCED_SCHEDULES_H_
#define KILN_TESTS_SUPPORT_FORCED_SCHEDULES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dsl/graph.h"
#include "generators/arguments.h"
#include "generators/pipeline.h"
#include "generators/schedule_record.h"

namespace kiln {

// The options of a gradient pipeline.
PipelineOptions GradOf(int block);

// An entry of a record, `"conv1": {...}`, and a record of one pipeline's.
std::string EntryText(const std::string& node, const TileSpace& space,
                      const NodeSchedule& schedule,
                      const std::string& computation);
std::string RecordText(const std::string& pipeline,
                       const std::vector<std::string>& entries);
absl::StatusOr<ScheduleRecord> ParseRecord(const std::string& text);

// What the pipeline of `training` for the JIT's target has chosen, and the
// outputs it then has.
std::vector<ScheduleChoice> Choices(
    const Graph& training, const PipelineOptions& options,
    std::vector<Halide::Func>* outputs = nullptr);

// The names of all Funcs that the outputs are computed of.
std::vector<std::string> FuncNames(const std::vector<Halide::Func>& outputs);

// The tile at `share` of the family's, by their cost: the dearest at 1.
Tile TileAt(const Family& family, double share);

// Computes the gradients of 13 random samples with the schedules that `pick`
// takes, and expects them within the bounds of rounding. Returns how many nodes
// are computed in another way than by default.
int ExpectSameResults(
    const Graph& training, int block,
    const std::function<NodeSchedule(const ScheduleChoice&)>& pick);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_FORCED_SCHEDULES_H_
