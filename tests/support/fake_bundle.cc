#include "tests/support/fake_bundle.h"

#include <HalideRuntime.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace kiln {

namespace {

using Json = nlohmann::json;

constexpr int kBadArgument = -77;

// Takes a call's arguments one after the other, in the manifest's order.
class Arguments {
 public:
  explicit Arguments(void** argv) : argv_(argv) {}

  template <typename T>
  T* Buffer(std::initializer_list<int> extents) {
    auto* buffer = static_cast<halide_buffer_t*>(*argv_++);
    ok_ = ok_ && buffer->host != nullptr &&
          buffer->type == halide_type_of<T>() &&
          buffer->dimensions == static_cast<int>(extents.size());
    int stride = 1, d = 0;
    for (int extent : extents) {
      if (!ok_) return nullptr;
      const halide_dimension_t& dim = buffer->dim[d++];
      ok_ = dim.min == 0 && dim.stride == stride &&
            (extent < 0 ? dim.extent >= 1 : dim.extent == extent);
      last_extent_ = dim.extent;
      stride *= dim.extent;
    }
    return reinterpret_cast<T*>(buffer->host);
  }

  template <typename T>
  T Scalar() {
    return *static_cast<T*>(*argv_++);
  }

  bool ok() const { return ok_; }
  int last_extent() const { return last_extent_; }

 private:
  void** argv_;
  bool ok_ = true;
  int last_extent_ = 0;
};

constexpr int kAnyExtent = -1;

// The arithmetic, in float for the product and in double for loss64.
template <typename T>
struct Network {
  const T* weight;
  const T* bias;
  const T* gain;

  void Read(Arguments& arguments) {
    weight = arguments.Buffer<T>({kFakeInputs, kFakeClasses});
    bias = arguments.Buffer<T>({kFakeClasses});
    gain = arguments.Buffer<T>({1});
  }

  void Logits(const uint8_t* x, T (&logits)[kFakeClasses]) const {
    for (int k = 0; k < kFakeClasses; ++k) {
      T sum = 0;
      for (int j = 0; j < kFakeInputs; ++j) {
        sum += weight[k * kFakeInputs + j] * static_cast<T>(x[j]) / T(255);
      }
      logits[k] = gain[0] * sum + bias[k];
    }
  }

  // Returns the loss; p becomes softmax(logits).
  T Loss(const uint8_t* x, int32_t label, T (&p)[kFakeClasses]) const {
    Logits(x, p);
    const T most = *std::max_element(p, p + kFakeClasses);
    const T logit = p[label];
    T sum = 0;
    for (T& value : p) sum += value = std::exp(value - most);
    for (T& value : p) value /= sum;
    return std::log(sum) + most - logit;
  }
};

// The samples that a call's lanes name.
struct Samples {
  const uint8_t* x;
  const int32_t* label = nullptr;
  const int32_t* index;
  const float* weight = nullptr;
  int count;

  void Read(Arguments& arguments, bool labelled, int block) {
    x = arguments.Buffer<uint8_t>({kFakeInputs, kAnyExtent});
    count = arguments.last_extent();
    if (labelled) label = arguments.Buffer<int32_t>({count});
    index = arguments.Buffer<int32_t>({block});
    if (labelled) weight = arguments.Buffer<float>({block});
  }
  bool ok(int block) const {
    return std::all_of(index, index + block,
                       [&](int32_t i) { return 0 <= i && i < count; });
  }
  const uint8_t* row(int lane) const { return x + index[lane] * kFakeInputs; }
};

// Sums over a block: loss, accuracy, and, unless null, the gradient.
template <typename T>
void Accumulate(const Network<T>& network, const Samples& samples, int block,
                float scale, T& loss, float& accuracy, float* d_weight,
                float* d_bias) {
  loss = 0;
  accuracy = 0;
  const double factor =
      Fake().grad_calls <= Fake().wrong_calls ? Fake().gradient_factor : 1;
  for (int n = 0; n < block; ++n) {
    const T weight = samples.weight[n];
    const uint8_t* x = samples.row(n);
    const int32_t label = samples.label[samples.index[n]];
    T p[kFakeClasses];
    loss += weight * network.Loss(x, label, p);
    const int guess = std::max_element(p, p + kFakeClasses) - p;
    accuracy += weight * (guess == label);
    if (d_weight == nullptr) continue;
    if (Fake().record) {
      (weight > 0 ? Fake().trained_rows : Fake().idle_rows)
          .push_back(samples.index[n]);
    }
    for (int k = 0; k < kFakeClasses; ++k) {
      const T d = weight * scale * (p[k] - (k == label));
      if (!Fake().zero_bias_gradient) d_bias[k] += d;
      for (int j = 0; j < kFakeInputs; ++j) {
        d_weight[k * kFakeInputs + j] +=
            factor * d * network.gain[0] * static_cast<T>(x[j]) / T(255);
      }
    }
  }
  if (d_weight != nullptr && Fake().nan_gradient) {
    d_weight[5] = std::numeric_limits<float>::quiet_NaN();
  }
}

template <int kBlock>
int Infer(void** argv) {
  Arguments arguments(argv);
  Network<float> network;
  Samples samples;
  network.Read(arguments);
  samples.Read(arguments, /*labelled=*/false, kBlock);
  if (arguments.Scalar<void*>() == nullptr) return kBadArgument;
  auto* logits = arguments.Buffer<float>({kFakeClasses, kBlock});
  if (!arguments.ok() || !samples.ok(kBlock)) return kBadArgument;
  for (int n = 0; n < kBlock; ++n) {
    float lane[kFakeClasses];
    network.Logits(samples.row(n), lane);
    std::copy_n(lane, kFakeClasses, logits + n * kFakeClasses);
  }
  return Fake().fail_with;
}

template <int kBlock>
int Eval(void** argv) {
  ++Fake().eval_calls;
  Arguments arguments(argv);
  Network<float> network;
  Samples samples;
  network.Read(arguments);
  samples.Read(arguments, /*labelled=*/true, kBlock);
  arguments.Scalar<void*>();
  auto* loss = arguments.Buffer<float>({});
  auto* accuracy = arguments.Buffer<float>({});
  if (!arguments.ok() || !samples.ok(kBlock)) return kBadArgument;
  Accumulate(network, samples, kBlock, 1, *loss, *accuracy, nullptr, nullptr);
  return Fake().fail_with;
}

template <int kBlock>
int Grad(void** argv) {
  ++Fake().grad_calls;
  if (Fake().allocate_in_grad) {
    void* volatile careless = std::malloc(64);
    std::free(careless);
  }
  Arguments arguments(argv);
  Network<float> network;
  Samples samples;
  network.Read(arguments);
  samples.Read(arguments, /*labelled=*/true, kBlock);
  const float scale = arguments.Scalar<float>();
  const auto accumulate = arguments.Scalar<uint32_t>();
  arguments.Scalar<void*>();
  auto* loss = arguments.Buffer<float>({});
  auto* accuracy = arguments.Buffer<float>({});
  auto* d_weight = arguments.Buffer<float>({kFakeInputs, kFakeClasses});
  auto* d_bias = arguments.Buffer<float>({kFakeClasses});
  if (!arguments.ok() || !samples.ok(kBlock)) return kBadArgument;
  if (accumulate == 0) {
    std::fill_n(d_weight, kFakeWeights, 0.0f);
    std::fill_n(d_bias, kFakeClasses, 0.0f);
  } else if (accumulate != ~uint32_t{0}) {
    return kBadArgument;
  }
  Accumulate(network, samples, kBlock, scale, *loss, *accuracy, d_weight,
             d_bias);
  return Fake().fail_with;
}

template <int kBlock, bool kMomentum>
int Step(void** argv) {
  ++Fake().step_calls;
  Arguments arguments(argv);
  Network<float> network;
  Samples samples;
  const float* v_in[2] = {};
  float* v_out[2] = {};
  network.Read(arguments);
  if (kMomentum) {
    v_in[0] = arguments.Buffer<float>({kFakeInputs, kFakeClasses});
    v_in[1] = arguments.Buffer<float>({kFakeClasses});
  }
  samples.Read(arguments, /*labelled=*/true, kBlock);
  const float scale = arguments.Scalar<float>();
  const float learning_rate = arguments.Scalar<float>();
  const float momentum = kMomentum ? arguments.Scalar<float>() : 0;
  const float weight_decay = arguments.Scalar<float>();
  arguments.Scalar<void*>();
  auto* loss = arguments.Buffer<float>({});
  auto* accuracy = arguments.Buffer<float>({});
  float* p_out[2];
  p_out[0] = arguments.Buffer<float>({kFakeInputs, kFakeClasses});
  p_out[1] = arguments.Buffer<float>({kFakeClasses});
  if (kMomentum) {
    v_out[0] = arguments.Buffer<float>({kFakeInputs, kFakeClasses});
    v_out[1] = arguments.Buffer<float>({kFakeClasses});
  }
  if (!arguments.ok() || !samples.ok(kBlock)) return kBadArgument;
  if (p_out[0] == network.weight) return kBadArgument;

  float gradient[2][kFakeWeights] = {};
  Accumulate(network, samples, kBlock, scale, *loss, *accuracy, gradient[0],
             gradient[1]);
  const float* p_in[2] = {network.weight, network.bias};
  const int sizes[2] = {kFakeWeights, kFakeClasses};
  const float multipliers[2] = {1, 2};  // of the manifest
  const float decays[2] = {weight_decay, 0.5f * weight_decay};
  for (int t : {0, 1}) {
    for (int i = 0; i < sizes[t]; ++i) {
      float v = gradient[t][i] + decays[t] * p_in[t][i];
      if (kMomentum) v_out[t][i] = v = momentum * v_in[t][i] + v;
      p_out[t][i] = p_in[t][i] - learning_rate * multipliers[t] * v;
    }
  }
  return Fake().fail_with;
}

template <int kBlock>
int Loss64(void** argv) {
  Arguments arguments(argv);
  Network<double> network;
  Samples samples;
  network.Read(arguments);
  samples.Read(arguments, /*labelled=*/true, kBlock);
  arguments.Scalar<void*>();
  auto* loss = arguments.Buffer<double>({});
  if (!arguments.ok() || !samples.ok(kBlock)) return kBadArgument;
  float accuracy;
  Accumulate(network, samples, kBlock, 1, *loss, accuracy, nullptr, nullptr);
  return Fake().fail_with;
}

constexpr PipelineEntry kPipelines[] = {
    {"fake_infer_b1", Infer<1>},
    {"fake_infer_b4", Infer<4>},
    {"fake_infer_b8", Infer<8>},
    {"fake_eval_b8", Eval<8>},
    {"fake_grad_b1", Grad<1>},
    {"fake_grad_b4", Grad<4>},
    {"fake_grad_b8", Grad<8>},
    {"fake_step_sgd_b4", Step<4, false>},
    {"fake_step_sgd_b8", Step<8, false>},
    {"fake_step_momentum_b4", Step<4, true>},
    {"fake_step_momentum_b8", Step<8, true>},
    {"fake_loss64_b8", Loss64<8>},
};

// --- The manifest ------------------------------------------------------------

Json Argument(const std::string& kind, const std::string& tensor = "",
              const std::string& slot = "") {
  Json argument = {{"name", kind + "_" + tensor + slot}, {"kind", kind}};
  if (!tensor.empty()) argument["tensor"] = tensor;
  if (!slot.empty()) argument["slot"] = slot;
  return argument;
}

Json PipelineArguments(const std::string& kind, bool momentum) {
  const bool step = kind == "step", labelled = kind != "infer";
  Json list = Json::array();
  const char* parameter = kind == "loss64" ? "parameter64" : "parameter";
  for (const char* p : {"fc.weight", "fc.bias", "gain"}) {
    list.push_back(Argument(parameter, p));
  }
  const auto trained = [&list](const char* kind, const char* slot = "") {
    list.push_back(Argument(kind, "fc.weight", slot));
    list.push_back(Argument(kind, "fc.bias", slot));
  };
  if (step && momentum) trained("state_in", "momentum");
  list.push_back(Argument("data", "x"));
  if (labelled) list.push_back(Argument("target", "label"));
  list.push_back(Argument("index"));
  if (labelled) list.push_back(Argument("weight"));
  if (step || kind == "grad") list.push_back(Argument("scale"));
  if (kind == "grad") list.push_back(Argument("accumulate"));
  if (step) list.push_back(Argument("learning_rate"));
  if (step && momentum) list.push_back(Argument("momentum"));
  if (step) list.push_back(Argument("weight_decay"));
  list.push_back(Argument("workspace"));
  if (kind == "infer") {
    list.push_back(Argument("output", "logits"));
  } else if (kind == "loss64") {
    list.push_back(Argument("loss64"));
  } else {
    list.push_back(Argument("loss"));
    list.push_back(Argument("metric", "accuracy"));
  }
  if (kind == "grad") trained("gradient");
  if (step) trained("parameter_out");
  if (step && momentum) trained("state_out", "momentum");
  return list;
}

Json PipelineJson(const std::string& kind, int block,
                  const std::string& optimizer = "") {
  const std::string middle = optimizer.empty() ? kind : kind + "_" + optimizer;
  return {{"function", "fake_" + middle + "_b" + std::to_string(block)},
          {"kind", kind},
          {"block", block},
          {"optimizer", optimizer},
          {"schedule", "naive"},
          {"workspace_bytes", 128},
          {"allocations", {{{"name", "x"}, {"bytes", 64}, {"offset", 64}}}},
          {"arguments", PipelineArguments(kind, optimizer == "momentum")}};
}

}  // namespace

Json FakeManifest() {
  Json json = {
      {"kiln_manifest", 1},
      {"options", Json::object()},
      {"model", "fake"},
      {"parameter_count", 16},
      {"arena_floats", 48},
      {"losses", {{{"name", "loss"}, {"weight", 1.0}}}},
      {"metrics", {{{"name", "accuracy"}}}},
      {"defaults",
       {{"data", "digits"},
        {"batch", 8},
        {"epochs", 2},
        {"optimizer", "momentum"},
        {"learning_rate", 0.05},
        {"learning_rate_schedule", "constant"},
        {"momentum", 0.9},
        {"weight_decay", 0.0},
        {"steps", -1}}},
      {"flops",
       {{"forward", 100}, {"useful_forward", 24}, {"useful_backward", 24}}},
      {"graph",
       {{"forward", "digraph forward {}"},
        {"backward", "digraph backward {}"},
        {"final", "digraph final {}"}}},
      {"nodes", Json::array()},
      {"text",
       {{"forward", "forward text"},
        {"backward", "backward text"},
        {"final", "final text"}}},
  };
  json["parameters"] = {
      {{"name", "fc.weight"},
       {"c_name", "fc_weight"},
       {"shape", {3, 4}},
       {"offset", 0},
       {"size", 12},
       {"init", {{"kind", "uniform"}, {"low", -0.5}, {"high", 0.5}}},
       {"frozen", false},
       {"lr_multiplier", 1.0}},
      {{"name", "fc.bias"},
       {"c_name", "fc_bias"},
       {"shape", {3}},
       {"offset", 16},
       {"size", 3},
       {"init", {{"kind", "zeros"}}},
       {"frozen", false},
       {"lr_multiplier", 2.0},
       {"weight_decay_multiplier", 0.5}},
      {{"name", "gain"},
       {"c_name", "gain"},
       {"shape", {1}},
       {"offset", 32},
       {"size", 1},
       {"init", {{"kind", "constant"}, {"value", 1.5}}},
       {"frozen", true},
       {"lr_multiplier", 1.0}}};
  json["inputs"] = {{{"name", "x"},
                     {"shape", {4}},
                     {"storage", "uint8"},
                     {"scale", 1.0 / 255}}};
  json["targets"] = {{{"name", "label"},
                      {"kind", "class"},
                      {"classes", 3},
                      {"shape", Json::array()},
                      {"storage", "int32"}}};
  json["outputs"] = {{{"name", "logits"}, {"shape", {3}}}};
  json["layers"] = {{{"name", "fc"},
                     {"op", "dense"},
                     {"output_shape", {3}},
                     {"parameters", 15},
                     {"flops", 27}}};
  json["pipelines"] = Json::array();
  for (int block : {1, 4, 8}) {
    json["pipelines"].push_back(PipelineJson("infer", block));
    json["pipelines"].push_back(PipelineJson("grad", block));
  }
  json["pipelines"].push_back(PipelineJson("eval", 8));
  json["pipelines"].push_back(PipelineJson("loss64", 8));
  for (int block : {4, 8}) {
    json["pipelines"].push_back(PipelineJson("step", block, "sgd"));
    json["pipelines"].push_back(PipelineJson("step", block, "momentum"));
  }
  return json;
}

Bundle FakeBundleWith(const std::string& manifest_json) {
  return {.name = "fake",
          .manifest = manifest_json,
          .pipelines = kPipelines,
          .pipeline_count = std::size(kPipelines)};
}

const Bundle& FakeBundle() {
  static const std::string manifest = FakeManifest().dump();
  static const Bundle bundle = FakeBundleWith(manifest);
  return bundle;
}

FakeBehaviour& Fake() {
  static FakeBehaviour behaviour;
  return behaviour;
}

}  // namespace kiln
