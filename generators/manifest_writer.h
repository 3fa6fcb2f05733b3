// The manifest: all the runtime knows of a model, as JSON. Each pipeline's
// generator run writes its part (a record); the bundle step joins them with the
// graph's part and wraps the result in C++.
#ifndef KILN_GENERATORS_MANIFEST_WRITER_H_
#define KILN_GENERATORS_MANIFEST_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "dsl/rewrite.h"
#include "generators/arguments.h"
#include "generators/schedule_record.h"
#include "generators/workspace.h"

namespace kiln {

struct CompiledModel;

struct PipelineRecord {
  PipelineOptions options;
  std::vector<Argument> arguments;
  WorkspacePlan plan;
  std::vector<ScheduleChoice> choices;
  std::string schedule;      // "fast", "naive" or an autoscheduler's name
  std::string failure = "";  // why that autoscheduler did not schedule it
  // Of a profiled pipeline, for the tuner: see ProfilePass and TilesByCost.
  std::vector<std::string> stages = {};
  std::vector<std::vector<std::string>> stage_parts = {};
  std::string target = "";  // TargetName
  int registers = 0;
};

// Writes the record as JSON; its "function" is the file's name without ".json".
absl::Status WritePipelineRecord(const std::string& path,
                                 const PipelineRecord& record);

// Adds to a record that is written what a budget (bytes) made of the pipeline.
// Fails when its workspace and stack take more.
absl::Status AddBudgetToRecord(const std::string& path, int64_t budget,
                               int asked_block, const Notes& notes);

// Writes <name>.manifest.json, <name>.h, <name>_bundle.cc and <name>_main.cc
// into `directory`, from the model and the records of its pipelines.
absl::Status WriteBundle(const CompiledModel& model, const std::string& name,
                         const std::string& directory,
                         const std::vector<std::string>& record_paths);

}  // namespace kiln

#endif  // KILN_GENERATORS_MANIFEST_WRITER_H_
