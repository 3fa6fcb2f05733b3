// ReadRunCurves: a log of `train --log`, line by line.

#include <cmath>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runtime/json.h"
#include "runtime/plot/curves.h"

namespace kiln {
inline namespace runtime {

namespace {

bool IsMeasure(const std::string& key, Json value) {
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

// Every number of `values`, in the log's order; null, a loss that is not
// finite, is none. Of a name that stands there twice, the last.
void AddMeasures(Json values, double iteration, bool test, RunCurves& run) {
  for (Json value = values.First(); value.exists(); value = value.Next()) {
    const std::string key = value.Key();
    if (!IsMeasure(key, value) || value != values.Find(key)) continue;
    RunCurves::Measure& measure = MeasureOf(run, key);
    (test ? measure.test : measure.train)
        .Add(iteration, value.Number().value_or(NAN));
  }
}

bool AddLine(const std::string& line, RunCurves& run) {
  const absl::StatusOr<JsonDocument> document = JsonDocument::Parse(line);
  if (!document.ok()) return false;
  const Json json = document->root();
  const std::optional<double> iteration = json.Find("step").Number();
  if (!json.Find("event").exists() || !iteration.has_value()) return false;
  const std::string event = json.Find("event").Text();
  const Json test = json.Find("test");
  if (event == "step") {
    AddMeasures(json, *iteration, /*test=*/false, run);
  } else if (event == "epoch" && test.exists()) {
    if (!test.is_object()) return false;
    AddMeasures(test, *iteration, /*test=*/true, run);
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
