// ReadRunCurves: a log of `train --log`, line by line.

#include <cmath>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runtime/json_access.h"
#include "runtime/plot/curves.h"

namespace kiln {
inline namespace runtime {

namespace {

bool IsMeasure(const std::string& key, const Json& value) {
  return key != "event" && key != "epoch" && key != "step" &&
         key != "seconds" && key != "learning_rate" &&
         (value.is_number() || value.is_null());
}

RunCurves::Measure& MeasureOf(RunCurves& run, const std::string& name) {
  for (RunCurves::Measure& measure : run.measures) {
    if (measure.name == name) return measure;
  }
  run.measures.push_back({.name = name, .train = {}, .test = {}});
  return run.measures.back();
}

// Every number of `values`; null, a loss that is not finite, is none. Measures
// stay in the log's order, that of `names`.
void AddMeasures(const Json& values, const std::vector<std::string>& names,
                 double iteration, bool test, RunCurves& run) {
  for (const std::string& name : names) {
    const Json* value = FindMember(&values, name);
    if (value == nullptr || !IsMeasure(name, *value)) continue;
    RunCurves::Measure& measure = MeasureOf(run, name);
    (test ? measure.test : measure.train)
        .Add(iteration, Number(value).value_or(NAN));
  }
}

bool AddLine(const std::string& line, RunCurves& run) {
  // A line has an object of measures in it, and leaves room for more.
  const JsonOutline outline = OutlineJson(line, /*max_depth=*/16);
  if (outline.too_deep) return false;
  const Json json = ParseJson(line);
  const Json* event = FindMember(&json, "event");
  const std::optional<double> iteration = Number(FindMember(&json, "step"));
  if (event == nullptr || !iteration.has_value()) return false;
  const std::string* name = Text(event);
  if (name == nullptr) return true;
  const Json* test = FindMember(&json, "test");
  if (*name == "step") {
    AddMeasures(json, outline.names, *iteration, /*test=*/false, run);
  } else if (*name == "epoch" && test != nullptr) {
    if (!test->is_object()) return false;
    AddMeasures(*test, outline.names, *iteration, /*test=*/true, run);
  }
  return true;
}

}  // namespace

absl::StatusOr<RunCurves> ReadRunCurves(const std::string& path,
                                        const std::string& name) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::NotFoundError(
        absl::StrCat(path,
                     ": cannot be read; give a log that train --log "
                     "wrote"));
  }
  RunCurves run;
  run.name = name;
  MeasureOf(run, "loss");  // the first panel
  std::string line;
  for (int64_t number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    if (AddLine(line, run)) continue;
    if (file.eof()) break;  // a run that still writes: half of a line
    return absl::InvalidArgumentError(absl::StrCat(
        path, ":", number,
        ": is no line of a training log; give a file that train --log wrote"));
  }
  if (run.measures[0].train.Points().empty() &&
      run.measures[0].test.Points().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": holds no step of a training run"));
  }
  return run;
}

}  // namespace runtime
}  // namespace kiln
