#include "generators/schedule_record.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"

namespace kiln {

namespace {

constexpr int kVersion = 3;

}  // namespace

std::string ComputationOf(const Graph& graph, const Node& node) {
  const std::string attributes = node.op->Attributes();
  return absl::StrCat(
      node.op->name(), " ",
      absl::StrJoin(node.inputs, ", ",
                    [&](std::string* out, NodeId input) {
                      absl::StrAppend(out, TypeString(graph.node(input).type));
                    }),
      attributes.empty() ? "" : " ", attributes, " : ", TypeString(node.type));
}

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
        record.entries_[pipeline][node] = {
            entry.at("space").at(0),
            entry.at("space").at(1),
            entry.at("space").at(2),
            {entry.value("family", ""),
             {entry.at("tile").at(0), entry.at("tile").at(1)}}};
      }
    }
  } catch (const nlohmann::json::exception& error) {
    return invalid(error.what());
  }
  return record;
}

const NodeSchedule* ScheduleRecord::Find(const PipelineOptions& options,
                                         const std::string& node,
                                         const std::string& computation,
                                         const std::vector<Family>& families,
                                         int registers) const {
  const auto pipeline = entries_.find(PipelineKey(options));
  if (pipeline == entries_.end()) return nullptr;
  const auto found = pipeline->second.find(node);
  if (found == pipeline->second.end()) return nullptr;
  Entry& entry = found->second;
  entry.refused = Refusal(entry, computation, families, registers);
  return entry.refused.empty() ? &entry.schedule : nullptr;
}

std::string ScheduleRecord::Refusal(const Entry& entry,
                                    const std::string& computation,
                                    const std::vector<Family>& families,
                                    int registers) {
  const auto& [name, tile] = entry.schedule;
  const auto family =
      std::find_if(families.begin(), families.end(),
                   [&](const Family& family) { return family.name == name; });
  if (family == families.end()) {
    return absl::StrCat("the family \"", name, "\" is none of \"",
                        absl::StrJoin(families, "\", \"",
                                      [](std::string* out, const Family& of) {
                                        absl::StrAppend(out, of.name);
                                      }),
                        "\"");
  }
  const TileSpace& space = family->space;
  if (entry.vectors != space.vectors || entry.channels != space.channels) {
    return absl::StrCat("recorded for ", entry.vectors, " x ", entry.channels,
                        ", now ", space.vectors, " x ", space.channels);
  }
  if (entry.computation != computation) {
    return absl::StrCat("recorded for ", entry.computation, ", now ",
                        computation);
  }
  if (!Contains(*family, tile, registers)) {
    return absl::StrCat("the tile ", tile.vectors, " x ", tile.channels,
                        " is none of ", space.vectors, " x ", space.channels,
                        " in ", registers, " registers");
  }
  return "";
}

std::vector<std::string> ScheduleRecord::Stale(
    const PipelineOptions& options) const {
  std::vector<std::string> stale;
  const std::string key = PipelineKey(options);
  const auto pipeline = entries_.find(key);
  if (pipeline == entries_.end()) return stale;
  for (const auto& [node, entry] : pipeline->second) {
    if (!entry.refused.empty())
      stale.push_back(absl::StrCat(key, " ", node, ": ", entry.refused));
  }
  return stale;
}

}  // namespace kiln
