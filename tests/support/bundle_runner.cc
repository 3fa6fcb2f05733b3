#include "tests/support/bundle_runner.h"

#include <HalideRuntime.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"

namespace kiln {
namespace {

using Json = nlohmann::json;

constexpr size_t kGuard = 256;         // bytes before and after every buffer
constexpr unsigned char kMark = 0xA5;  // what they hold

// 128-byte aligned memory between two guards.
class GuardedMemory {
 public:
  GuardedMemory(size_t bytes, unsigned char fill)
      : bytes_(bytes), storage_(bytes + 2 * kGuard + 128, kMark) {
    const auto address = reinterpret_cast<uintptr_t>(storage_.data()) + kGuard;
    start_ = kGuard + (128 - address % 128) % 128;
    std::fill_n(data(), bytes, fill);
  }
  unsigned char* data() { return storage_.data() + start_; }
  size_t bytes() const { return bytes_; }
  bool Intact() const {
    auto is_mark = [](unsigned char byte) { return byte == kMark; };
    const auto begin = storage_.begin() + static_cast<std::ptrdiff_t>(start_);
    return std::all_of(storage_.begin(), begin, is_mark) &&
           std::all_of(begin + static_cast<std::ptrdiff_t>(bytes_),
                       storage_.end(), is_mark);
  }

 private:
  size_t bytes_;
  size_t start_ = 0;
  std::vector<unsigned char> storage_;
};

template <typename T>
void Store(const std::vector<double>& from, GuardedMemory& to) {
  T* data = reinterpret_cast<T*>(to.data());
  for (size_t i = 0; i < from.size(); ++i) data[i] = static_cast<T>(from[i]);
}

template <typename T>
std::vector<double> Load(GuardedMemory& from) {
  const T* data = reinterpret_cast<const T*>(from.data());
  return {data, data + from.bytes() / sizeof(T)};
}

// One argument of one pipeline: its memory, its halide_buffer_t and its address
// in argv.
struct Bound {
  std::string kind, tensor;
  halide_type_t type = halide_type_of<float>();
  std::vector<int64_t> shape;  // row-major, with the samples or lanes first
  std::optional<GuardedMemory> memory;
  std::vector<halide_dimension_t> dimensions;
  halide_buffer_t buffer = {};
  float scalar = 0;
  uint32_t word = 0;        // of a seed, a step or accumulate
  void* pointer = nullptr;  // of the workspace

  int64_t Elements() const {
    int64_t count = 1;
    for (int64_t extent : shape) count *= extent;
    return count;
  }

  void Allocate() {
    // The first block stores the gradients, over what are NaNs.
    memory.emplace(static_cast<size_t>(Elements()) * type.bytes(),
                   kind == "gradient" ? 0xFF : 0);
    int32_t stride = 1;
    for (size_t d = shape.size(); d-- > 0;) {
      dimensions.emplace_back(0, static_cast<int32_t>(shape[d]), stride);
      stride *= static_cast<int32_t>(shape[d]);
    }
    buffer.type = type;
    buffer.dimensions = static_cast<int32_t>(dimensions.size());
    buffer.dim = dimensions.data();
    buffer.host = memory->data();
  }

  void Set(const std::vector<double>& values) {
    if (type == halide_type_of<uint8_t>())
      return Store<uint8_t>(values, *memory);
    if (type == halide_type_of<int32_t>())
      return Store<int32_t>(values, *memory);
    if (type == halide_type_of<double>()) return Store<double>(values, *memory);
    Store<float>(values, *memory);
  }
  std::vector<double> Get() {
    if (type == halide_type_of<int32_t>()) return Load<int32_t>(*memory);
    return type == halide_type_of<double>() ? Load<double>(*memory)
                                            : Load<float>(*memory);
  }
};

}  // namespace

class BundleRunner::Impl {
 public:
  explicit Impl(const Bundle& bundle)
      : bundle_(bundle), manifest_(Json::parse(*ManifestText(bundle))) {}

  std::vector<PipelineChoice> Pipelines() const {
    std::vector<PipelineChoice> choices;
    for (const Json& p : manifest_["pipelines"])
      choices.push_back({p["kind"], p["block"], p["optimizer"]});
    return choices;
  }

  absl::StatusOr<PipelineResult> Run(const PipelineChoice& choice,
                                     GraphValues values,
                                     const StepValues& step) {
    if (choice.kind == "infer" &&
        !manifest_.value("prepared", Json()).empty()) {
      absl::StatusOr<PipelineResult> prepared =
          Run({"prepare", 1, ""}, values, {});
      if (!prepared.ok()) return prepared.status();
      values.tensors.insert(prepared->prepared.begin(),
                            prepared->prepared.end());
    }
    const Json* pipeline = Find(choice);
    if (pipeline == nullptr) {
      return absl::NotFoundError(absl::StrCat("no ", choice.kind, " ",
                                              choice.optimizer, " of block ",
                                              choice.block));
    }
    const std::string function = (*pipeline)["function"];
    const auto* entry = std::find_if(
        bundle_.pipelines, bundle_.pipelines + bundle_.pipeline_count,
        [&](const PipelineEntry& e) { return e.function == function; });
    if (entry == bundle_.pipelines + bundle_.pipeline_count)
      return absl::NotFoundError(function + " is not linked");

    std::vector<Bound> arguments;
    for (const Json& argument : (*pipeline)["arguments"]) {
      absl::StatusOr<Bound> bound = Bind(argument, choice, values, step);
      if (!bound.ok()) return bound.status();
      arguments.push_back(*std::move(bound));
    }
    GuardedMemory workspace((*pipeline)["workspace_bytes"].get<size_t>(),
                            0xFF);  // all ones are a NaN
    PipelineResult result;
    for (int64_t first = 0; first < values.batch; first += choice.block) {
      FillLanes(choice.block, values, first, &arguments);
      const int error = Call(*entry, &workspace, &arguments);
      if (error != 0)
        return absl::InternalError(
            absl::StrCat(function, " gives error ", error));
      if (!workspace.Intact())
        return absl::InternalError(function + " wrote beside its workspace");
      for (Bound& argument : arguments) {
        if (argument.memory && !argument.memory->Intact()) {
          return absl::InternalError(absl::StrCat(
              function, " wrote beside ", argument.kind, " ", argument.tensor));
        }
        CollectBlock(choice.block, std::min(choice.block, values.batch - first),
                     &argument, &result);
      }
    }
    for (Bound& argument : arguments) CollectTotals(&argument, &result);
    return result;
  }

 private:
  const Json* Find(const PipelineChoice& choice) const {
    for (const Json& p : manifest_["pipelines"]) {
      if (p["kind"] == choice.kind && p["block"] == choice.block &&
          p["optimizer"] == choice.optimizer)
        return &p;
    }
    return nullptr;
  }

  const Json& Entry(const char* list, const std::string& name) const {
    for (const Json& entry : manifest_[list]) {
      if (entry["name"] == name) return entry;
    }
    return manifest_;  // no such entry: its "shape" is missing, and what reads
                       // it says so
  }

  absl::StatusOr<Bound> Bind(const Json& argument, const PipelineChoice& choice,
                             const GraphValues& values,
                             const StepValues& step) const {
    Bound b;
    b.kind = argument["kind"];
    b.tensor = argument.value("tensor", "");
    auto shaped = [&](const char* list, int64_t outermost) {
      b.shape = Entry(list, b.tensor)["shape"].get<std::vector<int64_t>>();
      if (outermost > 0) b.shape.insert(b.shape.begin(), outermost);
    };
    const std::vector<double>* content = nullptr;
    auto find = [&](const std::map<std::string, std::vector<double>>& tensors) {
      const auto tensor = tensors.find(b.tensor);
      if (tensor != tensors.end()) content = &tensor->second;
    };
    if (b.kind == "parameter" || b.kind == "parameter64") {
      if (b.kind == "parameter64") b.type = halide_type_of<double>();
      shaped("parameters", 0);
      find(values.tensors);
    } else if (b.kind == "prepared" || b.kind == "prepared_out") {
      shaped("prepared", 0);
      if (b.kind == "prepared") find(values.tensors);
    } else if (b.kind == "data") {
      if (Entry("inputs", b.tensor)["storage"] == "uint8")
        b.type = halide_type_of<uint8_t>();
      shaped("inputs", values.batch);
      find(values.tensors);
    } else if (b.kind == "target") {
      if (Entry("targets", b.tensor)["storage"] == "int32")
        b.type = halide_type_of<int32_t>();
      shaped("targets", values.batch);
      find(values.tensors);
    } else if (b.kind == "index") {
      b.type = halide_type_of<int32_t>();
      b.shape = {choice.block};
    } else if (b.kind == "weight") {
      b.shape = {choice.block};
    } else if (b.kind == "output") {
      shaped("outputs", choice.block);
    } else if (b.kind == "trace") {
      b.type = Entry("nodes", b.tensor)["dtype"] == "int32"
                   ? halide_type_of<int32_t>()
                   : halide_type_of<double>();
      shaped("nodes", 0);
    } else if (b.kind == "loss64") {
      b.type = halide_type_of<double>();
    } else if (b.kind == "gradient" || b.kind == "parameter_out" ||
               b.kind == "buffer_out" || b.kind == "state_out") {
      shaped("parameters", 0);
    } else if (b.kind == "state_in") {
      shaped("parameters", 0);
      find(step.state);
    } else if (b.kind == "scale") {
      b.scalar = static_cast<float>(values.scale);
    } else if (b.kind == "seed") {
      b.word = values.seed;
    } else if (b.kind == "step") {
      b.word = values.step;
    } else if (b.kind == "learning_rate") {
      b.scalar = static_cast<float>(step.learning_rate);
    } else if (b.kind == "momentum") {
      b.scalar = static_cast<float>(step.momentum);
    } else if (b.kind == "weight_decay") {
      b.scalar = static_cast<float>(step.weight_decay);
    } else if (b.kind != "loss" && b.kind != "metric" &&
               b.kind != "accumulate" && b.kind != "workspace") {
      return absl::UnimplementedError(absl::StrCat("argument kind ", b.kind));
    }
    if (IsScalar(b)) return b;
    b.Allocate();
    if (content != nullptr &&
        static_cast<int64_t>(content->size()) != b.Elements()) {
      return absl::InvalidArgumentError(
          absl::StrCat(b.tensor, " has the wrong size"));
    }
    const bool is_input = b.kind == "parameter" || b.kind == "parameter64" ||
                          b.kind == "data" || b.kind == "target" ||
                          b.kind == "prepared";
    if (is_input && content == nullptr)
      return absl::InvalidArgumentError(b.tensor + " has no values");
    if (content != nullptr) b.Set(*content);
    return b;
  }

  static bool IsWord(const Bound& b) {
    return b.kind == "seed" || b.kind == "step" || b.kind == "accumulate";
  }
  static bool IsScalar(const Bound& b) {
    return b.kind == "scale" || b.kind == "learning_rate" ||
           b.kind == "momentum" || b.kind == "weight_decay" || IsWord(b) ||
           b.kind == "workspace";
  }

  static void FillLanes(int64_t block, const GraphValues& values, int64_t first,
                        std::vector<Bound>* arguments) {
    std::vector<double> index(block), weight(block);
    for (int64_t lane = 0; lane < std::min(block, values.batch - first);
         ++lane) {
      index[lane] = static_cast<double>(first + lane);
      weight[lane] = BareWeight(values, first + lane);
    }
    for (Bound& b : *arguments) {
      if (b.kind == "index") b.Set(index);
      if (b.kind == "weight") b.Set(weight);
      if (b.kind == "accumulate") b.word = first > 0 ? ~uint32_t{0} : 0;
    }
  }

  static int Call(const PipelineEntry& entry, GuardedMemory* workspace,
                  std::vector<Bound>* arguments) {
    std::vector<void*> argv;
    for (Bound& b : *arguments) {
      b.pointer = workspace->data();
      b.buffer.dim =
          b.dimensions
              .data();  // the argument may have moved since it was bound
      argv.push_back(b.kind == "workspace" ? static_cast<void*>(&b.pointer)
                     : IsWord(b)           ? static_cast<void*>(&b.word)
                     : IsScalar(b)         ? static_cast<void*>(&b.scalar)
                                           : static_cast<void*>(&b.buffer));
    }
    return entry.argv(argv.data());
  }

  // What a block overwrites.
  static void CollectBlock(int64_t block, int64_t lanes, Bound* b,
                           PipelineResult* result) {
    if (b->kind == "loss" || b->kind == "loss64") result->loss += b->Get()[0];
    if (b->kind == "metric") result->metrics[b->tensor] += b->Get()[0];
    if (b->kind == "trace") result->trace[b->tensor] = b->Get();
    if (b->kind != "output") return;
    const std::vector<double> values = b->Get();
    std::vector<double>& head = result->heads[b->tensor];
    head.insert(head.end(), values.begin(),
                values.begin() + lanes * (b->Elements() / block));
  }

  // What the blocks accumulate.
  static void CollectTotals(Bound* b, PipelineResult* result) {
    if (b->kind == "prepared_out") result->prepared[b->tensor] = b->Get();
    if (b->kind == "gradient") result->gradients[b->tensor] = b->Get();
    if (b->kind == "parameter_out") result->parameters[b->tensor] = b->Get();
    if (b->kind == "buffer_out") result->next_state[b->tensor] = b->Get();
    if (b->kind == "state_out") result->state[b->tensor] = b->Get();
  }

  const Bundle& bundle_;
  const Json manifest_;
};

BundleRunner::BundleRunner(const Bundle& bundle)
    : impl_(std::make_unique<Impl>(bundle)) {}
BundleRunner::~BundleRunner() = default;
std::vector<PipelineChoice> BundleRunner::Pipelines() const {
  return impl_->Pipelines();
}

absl::StatusOr<PipelineResult> BundleRunner::Run(const PipelineChoice& choice,
                                                 const GraphValues& values,
                                                 const StepValues& step) const {
  return impl_->Run(choice, values, step);
}

}  // namespace kiln
