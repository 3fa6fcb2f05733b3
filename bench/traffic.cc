#include "bench/traffic.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "runtime/batch_plan.h"
#include "runtime/storage.h"

namespace kiln {

namespace {

constexpr int64_t kFloat = sizeof(float);

bool IsBackward(PipelineKind kind) {
  return kind == PipelineKind::kGrad || kind == PipelineKind::kStep;
}

// The node that holds the value: a reshape is its input by another name.
const NodeSpec& Resolve(const Manifest& manifest, const std::string& name) {
  const NodeSpec* node = &manifest.nodes[manifest.FindNode(name)];
  while (node->op == "reshape" && !node->inputs.empty())
    node = &manifest.nodes[manifest.FindNode(node->inputs[0])];
  return *node;
}

// What nodes of the backward pass read of the forward pass.
std::set<std::string> ReadByBackward(const Manifest& manifest) {
  std::set<std::string> names;
  for (const NodeSpec& node : manifest.nodes) {
    if (!node.backward) continue;
    for (const std::string& input : node.inputs) {
      const NodeSpec& source = Resolve(manifest, input);
      if (!source.backward) names.insert(source.name);
    }
  }
  return names;
}

const PipelineSpec* Find(const Manifest& manifest, PipelineKind kind,
                         int64_t block) {
  for (const PipelineSpec& spec : manifest.pipelines) {
    if (spec.kind == kind && spec.block == block &&
        (kind != PipelineKind::kStep || spec.optimizer == "momentum"))
      return &spec;
  }
  return nullptr;
}

}  // namespace

int64_t SavedBytes(const Manifest& manifest) {
  // The layers are the nodes that have a value for each sample.
  std::set<std::string> layers;
  for (const LayerSpec& layer : manifest.layers) layers.insert(layer.name);
  int64_t bytes = 0;
  for (const std::string& name : ReadByBackward(manifest)) {
    if (layers.count(name) == 0) continue;
    const NodeSpec& node = manifest.nodes[manifest.FindNode(name)];
    bytes += ElementCount(node.shape) * StorageSize(node.storage);
  }
  return bytes;
}

Traffic PipelineTraffic(const Manifest& manifest, const PipelineSpec& spec) {
  const std::set<std::string> read_again = ReadByBackward(manifest);
  Traffic traffic;
  const auto add = [&](int64_t times, int64_t bytes) {
    traffic.bytes += times * bytes;
    traffic.working_set += bytes;
  };
  const auto parameter_bytes = [&](const std::string& tensor) {
    return manifest.parameters[manifest.FindParameter(tensor)].size * kFloat;
  };
  for (const ArgumentSpec& argument : spec.arguments) {
    const std::string& tensor = argument.tensor;
    switch (argument.kind) {
      case ArgumentKind::kParameter: {
        const bool is_updated =
            spec.kind == PipelineKind::kStep &&
            !manifest.parameters[manifest.FindParameter(tensor)].frozen;
        const bool twice = IsBackward(spec.kind) &&
                           (is_updated || read_again.count(tensor) > 0);
        add(twice ? 2 : 1, parameter_bytes(tensor));
        break;
      }
      case ArgumentKind::kGradient:
        add(2, parameter_bytes(tensor));
        break;
      case ArgumentKind::kParameterOut:
      case ArgumentKind::kStateIn:
      case ArgumentKind::kBufferOut:
        add(1, parameter_bytes(tensor));
        break;
      case ArgumentKind::kStateOut:  // in place
        traffic.bytes += parameter_bytes(tensor);
        break;
      case ArgumentKind::kPrepared:
      case ArgumentKind::kPreparedOut:
        add(1, manifest.prepared[manifest.FindPrepared(tensor)].size * kFloat);
        break;
      case ArgumentKind::kData: {
        const InputSpec& input = manifest.inputs[manifest.FindInput(tensor)];
        add(1, spec.block * ElementCount(input.shape) *
                   StorageSize(input.storage));
        break;
      }
      case ArgumentKind::kTarget: {
        const TargetSpec& target =
            manifest.targets[manifest.FindTarget(tensor)];
        add(1, spec.block * target.elements() * StorageSize(target.storage));
        break;
      }
      case ArgumentKind::kOutput:
        add(1, spec.block * kFloat *
                   ElementCount(
                       manifest.outputs[manifest.FindOutput(tensor)].shape));
        break;
      default:  // scalars, and what is as small
        break;
    }
  }
  if (IsBackward(spec.kind)) add(2, spec.block * SavedBytes(manifest));
  return traffic;
}

Traffic StepTraffic(const Manifest& manifest, int64_t batch, bool fused) {
  std::vector<int64_t> blocks;
  for (const PipelineSpec& spec : manifest.pipelines) {
    if (spec.kind == PipelineKind::kGrad) blocks.push_back(spec.block);
  }
  std::sort(blocks.rbegin(), blocks.rend());
  if (fused) {
    // The smallest that holds the batch.
    int64_t block = blocks[0];
    for (int64_t other : blocks) {
      if (other >= batch) block = other;
    }
    return PipelineTraffic(manifest,
                           *Find(manifest, PipelineKind::kStep, block));
  }
  // The largest blocks that fit, then smaller ones.
  Traffic traffic;
  int64_t largest = 0, count = 0;
  for (int64_t block : blocks) {
    const bool is_last = block == blocks.back();
    for (; batch >= block || (is_last && batch > 0); batch -= block, ++count) {
      const Traffic one = PipelineTraffic(
          manifest, *Find(manifest, PipelineKind::kGrad, block));
      traffic.bytes += one.bytes;
      largest = std::max(largest, one.working_set);
    }
  }
  const int64_t slots = std::min<int64_t>(count, kMaxGradientSlots);
  const int64_t arena = manifest.arena_floats * kFloat;
  traffic.bytes += 3 * arena * (slots - 1)  // added up
                   + 5 * arena;  // updated: gradient, parameters, state
  // The parameters and one slot are in `largest`.
  traffic.working_set = largest + arena * slots;
  return traffic;
}

}  // namespace kiln
