// ReadRunCurves: a log of `train --log`, line by line.

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runtime/plot/curves.h"

namespace kiln {
inline namespace runtime {

namespace {

using Json = nlohmann::json;

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
// stay in the log's order, that of `keys`.
void AddMeasures(const Json& values, const std::vector<std::string>& keys,
                 double iteration, bool test, RunCurves& run) {
  for (const std::string& key : keys) {
    const auto found = values.find(key);
    if (found == values.end() || !IsMeasure(key, *found)) continue;
    const Json& value = *found;
    RunCurves::Measure& measure = MeasureOf(run, key);
    (test ? measure.test : measure.train)
        .Add(iteration, value.is_null() ? NAN : value.get<double>());
  }
}

bool AddLine(const std::string& line, RunCurves& run) {
  // Of the line and what is in it, each once, in their order.
  std::vector<std::string> keys;
  const Json json = Json::parse(
      line,
      [&keys](int, Json::parse_event_t event, Json& parsed) {
        if (event != Json::parse_event_t::key) return true;
        const auto& key = parsed.get_ref<const std::string&>();
        if (std::find(keys.begin(), keys.end(), key) == keys.end())
          keys.push_back(key);
        return true;
      },
      /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("event") || !json.contains("step") ||
      !json["step"].is_number()) {
    return false;
  }
  const double iteration = json["step"].get<double>();
  if (json["event"] == "step") {
    AddMeasures(json, keys, iteration, /*test=*/false, run);
  } else if (json["event"] == "epoch" && json.contains("test")) {
    if (!json["test"].is_object()) return false;
    AddMeasures(json["test"], keys, iteration, /*test=*/true, run);
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
