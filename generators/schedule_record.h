// What has been measured to be best: the tuner's lock file of a model on a
// target, schedules/<model>.<target>.json.
//
//   {"kiln_schedules": 3, "model": "lenet5", "target": "x86-64-linux-avx512",
//    "pipelines": {"grad_b64": {"conv1": {
//        "family": "x c y", "tile": [4, 6], "us": 83.1, "computed_us": 84.0,
//        "space": [28, 6, "conv2d 1x32x32, 6x1x5x5, 6 kernel=5x5 stride=1x1
//                          padding=0x0 : 6x28x28"]}}}}
//
// `family` is not there where a node has but one. An entry counts only for what
// it was measured on (`space`: vectors and channels of the tiles' extents, and
// of which computation, see ComputationOf); a model that has changed ignores
// it, see Stale(). The figures are for people: microseconds of the stages that
// compute the node, as recorded and as computed.
#ifndef KILN_GENERATORS_SCHEDULE_RECORD_H_
#define KILN_GENERATORS_SCHEDULE_RECORD_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dsl/graph.h"
#include "generators/arguments.h"
#include "generators/schedule.h"

namespace kiln {

// A schedule that the compiler has chosen.
struct ScheduleChoice {
  std::string node;              // as a C name
  std::string computation;       // ComputationOf
  std::vector<Family> families;  // all that are right; the rule takes the first
  NodeSchedule computed;
  NodeSchedule chosen;
  bool is_tuned = false;  // `chosen` is the record's
};

// What a node computes, names aside: its op, the types of its inputs, its
// attributes and its type, in the words of ToText (dsl/print.h).
std::string ComputationOf(const Graph& graph, const Node& node);

// A pipeline's name in the record: "grad_b64", "step_momentum_b8".
std::string PipelineKey(const PipelineOptions& options);

class ScheduleRecord {
 public:
  // Errors, naming the file: it cannot be read, is no record, or of another
  // version.
  static absl::StatusOr<ScheduleRecord> Load(const std::string& path);

  // Null: nothing recorded, for a family that the node has not, for other
  // extents or another computation, or a tile that the space or the registers
  // do not hold.
  const NodeSchedule* Find(const PipelineOptions& options,
                           const std::string& node,
                           const std::string& computation,
                           const std::vector<Family>& families,
                           int registers) const;

  // Entries of the pipeline that Find has refused or was never asked for, each
  // "grad_b64 conv1: recorded for 28 x 6, now 24 x 6".
  std::vector<std::string> Stale(const PipelineOptions& options) const;

 private:
  struct Entry {
    int64_t vectors = 0, channels = 0;
    std::string computation;
    NodeSchedule schedule;
    std::string refused = "there is no such node";  // until Find takes it
  };
  // Why Find does not take it; "" when it does.
  static std::string Refusal(const Entry& entry, const std::string& computation,
                             const std::vector<Family>& families,
                             int registers);
  // By pipeline, then node.
  mutable std::map<std::string, std::map<std::string, Entry>> entries_;
};

}  // namespace kiln

#endif  // KILN_GENERATORS_SCHEDULE_RECORD_H_
