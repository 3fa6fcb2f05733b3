#include "generators/schedule_record.h"

#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace kiln {

namespace {

constexpr int kVersion = 1;

}  // namespace

std::string PipelineKey(const PipelineOptions& options) {
  return absl::StrCat(KindName(options.kind),
                      options.optimizer.empty() ? "" : "_", options.optimizer,
                      "_b", options.block);
}

absl::StatusOr<ScheduleRecord> ScheduleRecord::Load(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  const auto json = nlohmann::json::parse(file, nullptr, /*exceptions=*/false);
  const auto invalid = [&](const std::string& why) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", why));
  };
  if (!json.is_object() || !json.contains("kiln_schedules"))
    return invalid("not a record of schedules");
  if (json["kiln_schedules"] != kVersion)
    return invalid(absl::StrCat("of version ", json["kiln_schedules"].dump(),
                                ", not ", kVersion));
  ScheduleRecord record;
  try {
    for (const auto& [pipeline, nodes] : json.at("pipelines").items()) {
      for (const auto& [node, entry] : nodes.items()) {
        record.entries_[{pipeline, node}] = {
            entry.at("space").at(0),
            entry.at("space").at(1),
            {entry.at("tile").at(0), entry.at("tile").at(1)}};
      }
    }
  } catch (const nlohmann::json::exception& error) {
    return invalid(error.what());
  }
  return record;
}

const Tile* ScheduleRecord::Find(const PipelineOptions& options,
                                 const std::string& node,
                                 const TileSpace& space) const {
  const std::string pipeline = PipelineKey(options);
  const auto found = entries_.find({pipeline, node});
  if (found == entries_.end()) return nullptr;
  const Entry& entry = found->second;
  if (entry.vectors == space.vectors && entry.channels == space.channels)
    return &entry.tile;
  stale_.insert(absl::StrCat(pipeline, " ", node, ": recorded for ",
                             entry.vectors, " x ", entry.channels, ", now ",
                             space.vectors, " x ", space.channels));
  return nullptr;
}

}  // namespace kiln
