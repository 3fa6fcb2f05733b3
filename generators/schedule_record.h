// What has been measured to be best: the tuner's lock file of a model on a
// target, schedules/<model>.<target>.json.
//
//   {"kiln_schedules": 1, "model": "lenet5", "target": "x86-64-linux-avx512",
//    "pipelines": {"grad_b64": {"conv1": {"space": [28, 6], "tile": [4, 6],
//                                         "us": 83.1, "computed_us": 84.0}}}}
//
// An entry counts only for the extents it was measured on (`space`: vectors,
// channels); a model that has changed ignores it, see Stale(). The figures are
// for people: microseconds of the loops that compute the node, with this tile
// and with the computed one.
#ifndef KILN_GENERATORS_SCHEDULE_RECORD_H_
#define KILN_GENERATORS_SCHEDULE_RECORD_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "generators/arguments.h"
#include "generators/schedule.h"

namespace kiln {

// A tile that the compiler has chosen.
struct TileChoice {
  std::string node;  // as a C name
  TileSpace space;
  Tile computed;  // ChooseTile's
  Tile chosen;
  bool is_tuned = false;  // `chosen` is the record's
};

// A pipeline's name in the record: "grad_b64", "step_momentum_b8".
std::string PipelineKey(const PipelineOptions& options);

class ScheduleRecord {
 public:
  // Errors, naming the file: it cannot be read, is no record, or of another
  // version.
  static absl::StatusOr<ScheduleRecord> Load(const std::string& path);

  // Null: nothing recorded, for other extents, or a tile that the space or the
  // registers do not hold.
  const Tile* Find(const PipelineOptions& options, const std::string& node,
                   const TileSpace& space, int registers) const;

  // Entries of the pipeline that Find has refused or was never asked for, each
  // "grad_b64 conv1: recorded for 28 x 6, now 24 x 6".
  std::vector<std::string> Stale(const PipelineOptions& options) const;

 private:
  struct Entry {
    int64_t vectors = 0, channels = 0;
    Tile tile;
    std::string refused = "there is no such node";  // until Find takes it
  };
  // By pipeline, then node.
  mutable std::map<std::string, std::map<std::string, Entry>> entries_;
};

}  // namespace kiln

#endif  // KILN_GENERATORS_SCHEDULE_RECORD_H_
