#include "bench/stage_timer/emitted_pipeline.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace kiln {

namespace {

constexpr int64_t kAlignment = 64;  // that the pipelines ask for
constexpr int kSamples = 256;       // of the data set, at least
constexpr int kAny = -1;            // an extent: as many samples as there are

int64_t Aligned(int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

int64_t Elements(const halide_buffer_t& buffer) {
  int64_t elements = 1;
  for (int d = 0; d < buffer.dimensions; ++d) elements *= buffer.dim[d].extent;
  return elements;
}

// Scattered, the same in each run.
uint32_t Scatter(int64_t i) {
  return static_cast<uint32_t>(i) * 2654435761u >> 8;
}

void Fill(const std::string& kind, const halide_buffer_t& buffer) {
  const int64_t elements = Elements(buffer);
  auto* floats = reinterpret_cast<float*>(buffer.host);
  auto* ints = reinterpret_cast<int32_t*>(buffer.host);
  for (int64_t i = 0; i < elements; ++i) {
    if (buffer.type.bits == 8) {
      buffer.host[i] = static_cast<uint8_t>(Scatter(i));
    } else if (buffer.type.code == halide_type_int) {
      ints[i] = static_cast<int32_t>(kind == "index" ? i : i % 2);  // labels
    } else if (kind == "weight") {
      floats[i] = 1;
    } else if (kind == "parameter" || kind == "data" || kind == "target" ||
               kind == "prepared") {
      floats[i] =
          (static_cast<float>(Scatter(i) % 1024) - 512) / 5120;  // +- 0.1
    }
  }
}

}  // namespace

absl::StatusOr<EmittedPipeline> LoadEmitted(const std::string& path) {
  EmittedPipeline pipeline;
  pipeline.path = path;
  std::ifstream file(path + ".json");
  const auto record =
      nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  std::string function;
  try {
    function = record.at("function");
    pipeline.block = record.at("block");
    pipeline.workspace_bytes = record.at("workspace_bytes");
    for (const auto& argument : record.at("arguments")) {
      pipeline.argument_kinds.push_back(argument.at("kind"));
      pipeline.argument_tensors.push_back(argument.value("tensor", ""));
      pipeline.argument_extents.push_back(
          argument.value("extents", std::vector<int>()));
    }
    if (record.contains("stages")) pipeline.stages = record["stages"];
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ".json: no record of a pipeline: ", error.what()));
  }
  void* library = dlopen((path + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return absl::NotFoundError(dlerror());
  void* argv = dlsym(library, (function + "_argv").c_str());
  void* metadata = dlsym(library, (function + "_metadata").c_str());
  if (argv == nullptr || metadata == nullptr)
    return absl::NotFoundError(absl::StrCat(path, ".so: no ", function));
  pipeline.function = reinterpret_cast<int (*)(void**)>(argv);
  pipeline.metadata =
      reinterpret_cast<const halide_filter_metadata_t* (*)()>(metadata)();
  return pipeline;
}

void SharedArguments::LayOut(const EmittedPipeline& pipeline) {
  const size_t count = pipeline.argument_kinds.size();
  buffers_.resize(count);
  dimensions_.resize(count);
  scalars_.resize(count);
  argv_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const std::string& kind = pipeline.argument_kinds[i];
    const halide_filter_argument_t& argument = pipeline.metadata->arguments[i];
    if (kind == "workspace") {
      argv_[i] = workspace_.get();
    } else if (argument.kind == halide_argument_kind_input_scalar) {
      // The bits of a seed and a step are zero then, whatever their type, and
      // those of accumulate: gradients are stored.
      const bool is_rate = kind == "learning_rate" || kind == "momentum";
      scalars_[i] = kind == "scale" ? 1.0f / static_cast<float>(pipeline.block)
                    : is_rate       ? 0.5f
                                    : 0.0f;
      argv_[i] = &scalars_[i];
    } else {
      dimensions_[i].assign(argument.dimensions, halide_dimension_t(0, 0, 0));
      buffers_[i] = halide_buffer_t{};
      buffers_[i].type = argument.type;
      buffers_[i].dimensions = argument.dimensions;
      buffers_[i].dim = dimensions_[i].data();
      argv_[i] = &buffers_[i];
    }
  }
}

void SharedArguments::Allocate(const EmittedPipeline& pipeline,
                               int64_t workspace_bytes) {
  int64_t total = kAlignment + Aligned(workspace_bytes);
  std::vector<int64_t> offsets(buffers_.size(), -1);
  for (size_t i = 0; i < buffers_.size(); ++i) {
    halide_buffer_t& buffer = buffers_[i];
    if (argv_[i] != &buffer) continue;
    int32_t stride = 1;
    for (int d = 0; d < buffer.dimensions; ++d) {
      const int extent = pipeline.argument_extents[i][d];
      buffer.dim[d].extent =
          extent == kAny ? std::max(kSamples, pipeline.block) : extent;
      buffer.dim[d].min = 0;
      buffer.dim[d].stride = stride;
      stride *= buffer.dim[d].extent;
    }
    offsets[i] = total;
    total += Aligned(Elements(buffer) * buffer.type.bytes());
  }
  memory_ = std::make_unique<unsigned char[]>(total);  // zeros
  const auto address = reinterpret_cast<uintptr_t>(memory_.get());
  unsigned char* first =
      memory_.get() + Aligned(static_cast<int64_t>(address)) - address;
  *workspace_ = first;
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (offsets[i] < 0) continue;
    buffers_[i].host = first + offsets[i] - kAlignment;
    Fill(pipeline.argument_kinds[i], buffers_[i]);
  }
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (pipeline.argument_kinds[i] != "state_out") continue;
    for (size_t j = 0; j < buffers_.size(); ++j) {
      if (pipeline.argument_kinds[j] == "state_in" &&
          pipeline.argument_tensors[j] == pipeline.argument_tensors[i])
        buffers_[i].host = buffers_[j].host;
    }
  }
}

absl::StatusOr<SharedArguments> SharedArguments::Make(
    const std::vector<EmittedPipeline>& pipelines) {
  const EmittedPipeline& first = pipelines.front();
  int64_t workspace_bytes = 0;
  for (const EmittedPipeline& pipeline : pipelines) {
    if (pipeline.argument_kinds != first.argument_kinds ||
        pipeline.block != first.block)
      return absl::InvalidArgumentError(absl::StrCat(
          pipeline.path, ": not the same pipeline as ", first.path));
    workspace_bytes = std::max(workspace_bytes, pipeline.workspace_bytes);
  }
  SharedArguments arguments;
  arguments.LayOut(first);
  arguments.Allocate(first, workspace_bytes);
  for (const EmittedPipeline& pipeline : pipelines) {
    if (const int code = pipeline.function(arguments.argv()); code != 0)
      return absl::InternalError(
          absl::StrCat(pipeline.path, ": Halide's error ", code));
  }
  return arguments;
}

}  // namespace kiln
