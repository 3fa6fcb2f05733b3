// The builder that model files use.
//
//   KILN_MODEL(m) {
//     Value x = m.Input("x", {784});
//     Value label = m.Labels("label", 10);
//     x = m.Relu(m.Dense("fc1", x, {.out = 32}));
//     x = m.Dense("fc2", x, {.out = 10});
//     m.Output("logits", x);
//     m.Loss(m.SoftmaxCrossEntropy(x, label));
//     m.Metric("accuracy", m.Accuracy(x, label));
//   }
//
// A mistake never aborts: the builder remembers the first one with its file and
// line, ignores what follows, and Build() returns it.
#ifndef KILN_DSL_MODEL_H_
#define KILN_DSL_MODEL_H_

#include <map>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dsl/activations.h"
#include "dsl/graph.h"
#include "dsl/ops/input.h"
#include "dsl/ops/parameter.h"

namespace kiln {

// A value of the model under construction; made and read by one ModelBuilder.
struct Value {
  NodeId id = -1;
  const class ModelBuilder* builder = nullptr;
};

// What training uses where the command line says nothing.
struct TrainingDefaults {
  std::string data = "digits";  // a generated set's name
  int64_t batch = 64;
  int64_t epochs = 2;
  int64_t steps = -1;  // -1: no limit
  std::string optimizer = "momentum";
  double learning_rate = 0.01;
  std::string learning_rate_schedule =
      "constant";  // or "step", or "cosine": decays over the run
  double momentum = 0.9;
  double weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.999;  // adam, adamw
  double alpha = 0.99;                // rmsprop
  double epsilon = 1e-8;              // these three
  int64_t lr_step_every = 0;     // "step": epochs from one step to the next
  double lr_gamma = 0.1;         // "step": the factor of each
  double min_learning_rate = 0;  // "cosine": the last
  int64_t warmup_steps = 0;      // a linear rise before any schedule
  double clip_norm = 0;          // of the whole gradient; 0: never
  // Ends the run when the metric called stop_metric is at least this after an
  // epoch; 0: never.
  double stop_at_accuracy = 0;
  std::string stop_metric = "accuracy";
  std::string stop_on = "test";  // the part that decides: or "train"
  // Ends the run after so many epochs without a better patience_metric ("loss",
  // or a metric's name), with the best epoch's weights; 0: never.
  int64_t patience = 0;
  std::string patience_metric = "loss";
  // PyTorch's plain rule decays every parameter. With `false`, those of one
  // dimension (biases, slopes) are left alone, except where a layer states its
  // own multiplier.
  bool decay_biases = true;
};

// One of the losses that are summed with their weights.
struct LossTerm {
  std::string name;
  double weight = 1;
  NodeId node = -1;
};

struct Model {
  Graph graph;  // forward: heads, loss, metrics
  TrainingDefaults defaults;
  std::vector<LossTerm> losses;
};

// The variant of a model that is wanted: the OPTIONS of kiln_add_model, by
// name.
using ModelOptions = std::map<std::string, std::string>;

// Reads "activation:relu,loss:l2", as kiln_add_model hands it to generators
// (Halide's command line keeps '=' for itself).
absl::StatusOr<ModelOptions> ParseModelOptions(absl::string_view text);

// Initial values of a layer; PyTorch's uniform(-1/sqrt(fan_in), 1/sqrt(fan_in))
// when not given. Multipliers scale the learning rate and the weight decay of
// training; a frozen layer is never updated, and its gradients not computed.
struct Conv2dOptions {
  int64_t out_channels = 0;
  Size2 kernel = 1;
  Size2 stride = 1;
  Size2 padding = 0;
  bool bias = true;
  std::optional<Initializer> weight_init = std::nullopt;
  std::optional<Initializer> bias_init = std::nullopt;
  bool frozen = false;
  double lr_multiplier = 1;
  double weight_decay_multiplier = 1;
  std::optional<double> bias_weight_decay_multiplier =
      std::nullopt;  // the weight's when not given
};

struct DenseOptions {
  int64_t out = 0;
  bool bias = true;
  std::optional<Initializer> weight_init = std::nullopt;
  std::optional<Initializer> bias_init = std::nullopt;
  bool frozen = false;
  double lr_multiplier = 1;
  double weight_decay_multiplier = 1;
  std::optional<double> bias_weight_decay_multiplier =
      std::nullopt;  // the weight's when not given
};

// A Size2 or none, written like one: `.stride = 2`, `.stride = {1, 5}`.
struct OptionalSize2 : std::optional<Size2> {
  using std::optional<Size2>::optional;
  OptionalSize2() = default;
  OptionalSize2(const std::optional<Size2>& size) : optional(size) {}
  OptionalSize2(int64_t height, int64_t width)
      : optional(Size2(height, width)) {}
};

struct PreluOptions {
  double init = 0.25;
  bool frozen = false;
  double lr_multiplier = 1;
  std::optional<double> weight_decay_multiplier = std::nullopt;  // 1
};

struct PoolOptions {
  Size2 kernel = 2;
  OptionalSize2 stride = std::nullopt;  // the kernel's size when not given
  Size2 padding = 0;
};

// The call site, captured for error messages.
using Where = std::source_location;

class ModelBuilder {
 public:
  explicit ModelBuilder(ModelOptions options = {})
      : options_(std::move(options)) {}
  ModelBuilder(const ModelBuilder&) =
      delete;  // values know the builder that made them
  ModelBuilder& operator=(const ModelBuilder&) = delete;

  // A choice that kiln_add_model makes: OPTIONS activation=relu gives "relu"
  // for Option("activation", "tanh"), and without it one has "tanh". A value
  // that is not among `choices`, when there are any, is a mistake, and so is an
  // option of kiln_add_model that the model never asks for.
  std::string Option(const std::string& name, const std::string& otherwise,
                     const std::vector<std::string>& choices = {},
                     Where where = Where::current());
  // The same for a whole number of at least 1, such as a layer's width.
  int64_t IntOption(const std::string& name, int64_t otherwise,
                    Where where = Where::current());

  // Data. Shapes are per sample; labels are integers in [0, classes).
  Value Input(const std::string& name, Shape shape, InputFormat format = {},
              Where where = Where::current());
  Value Labels(const std::string& name, int64_t classes,
               Where where = Where::current());
  Value Target(const std::string& name, Shape shape,
               Where where = Where::current());

  // Layers with parameters, called `name`.weight and `name`.bias.
  Value Conv2d(const std::string& name, Value input,
               const Conv2dOptions& options, Where where = Where::current());
  Value Dense(const std::string& name, Value input, const DenseOptions& options,
              Where where = Where::current());
  Value Parameter(const std::string& name, ParameterSpec spec,
                  Where where = Where::current());

  // Layers without parameters, numbered by kind: pool1, tanh1, ...
  Value MaxPool(Value input, const PoolOptions& options = {},
                Where where = Where::current());
  Value AvgPool(Value input, const PoolOptions& options = {},
                Where where = Where::current());
  Value Pad(Value input, Size2 padding, Where where = Where::current());
  Value Flatten(Value input, Where where = Where::current());
  Value Tanh(Value input, Where where = Where::current()) {
    return Activate("tanh", input, where);
  }
  Value Sigmoid(Value input, Where where = Where::current()) {
    return Activate("sigmoid", input, where);
  }
  Value Relu(Value input, Where where = Where::current()) {
    return Activate("relu", input, where);
  }
  Value Identity(Value input, Where where = Where::current()) {
    return Activate("identity", input, where);
  }

  Value LeakyRelu(Value input, double slope = 0.01,
                  Where where = Where::current());
  Value Elu(Value input, double alpha = 1, Where where = Where::current());
  Value Selu(Value input, Where where = Where::current()) {
    return Activate("selu", input, where);
  }
  Value Softplus(Value input, Where where = Where::current()) {
    return Activate("softplus", input, where);
  }
  Value Gelu(Value input, Where where = Where::current()) {
    return Activate("gelu", input, where);
  }
  Value Silu(Value input, Where where = Where::current()) {
    return Activate("silu", input, where);
  }
  // x > 0 ? x : slope * x, with one learned slope: the parameter
  // "prelu1.weight" of shape 1.
  Value Prelu(Value input, const PreluOptions& options = {},
              Where where = Where::current());
  // relu(x), then relu(-x): twice the channels or features.
  Value Crelu(Value input, Where where = Where::current());

  // Values behind each other along the first axis, channels or features.
  Value Concat(const std::vector<Value>& inputs,
               Where where = Where::current());
  // Element by element, of values of one shape.
  Value Add(const std::vector<Value>& inputs, Where where = Where::current());
  Value Multiply(const std::vector<Value>& inputs,
                 Where where = Where::current());

  // An activation by its name: those of the table (activations.h), "prelu" and
  // "crelu", so that a model can take it from an option.
  Value Activate(const std::string& activation, Value input,
                 Where where = Where::current());
  // An activation of the model's own, as a formula of Arg(0):
  //   m.Activate("swish2", Arg(0) * Sigmoid(2 * Arg(0)), x)
  Value Activate(const std::string& label, ScalarExpr formula, Value input,
                 Where where = Where::current());
  // A formula of several values. `partials` as in PointwiseOp: derivatives to
  // use instead of the symbolic ones, each checked against it when the model is
  // built.
  Value Pointwise(const std::string& label, const std::vector<Value>& inputs,
                  ScalarExpr value, std::vector<ScalarExpr> partials = {},
                  Where where = Where::current());

  // Any other op, numbered by kind: how an op is used before, or without, a
  // method of its own.
  Value Apply(const std::string& kind, OpPtr op,
              const std::vector<Value>& inputs, Where where = Where::current());

  // Losses and metrics: a scalar per sample.
  Value SoftmaxCrossEntropy(Value logits, Value labels,
                            Where where = Where::current());
  // Binary cross-entropy on logits against targets in [0, 1], the mean over the
  // outputs.
  Value SigmoidCrossEntropy(Value logits, Value target,
                            Where where = Where::current());
  // Hinge of scores against classes: max(0, 1 - s z), the mean over the
  // outputs, with s = 1 where the target is above 1/2 and -1 elsewhere: targets
  // may be 0 and 1, or -1 and 1. Its derivative is 0 where s z = 1.
  Value Hinge(Value scores, Value target, Where where = Where::current());
  // |prediction - target|, summed over the outputs; derivative 0 at 0.
  Value L1(Value prediction, Value target, Where where = Where::current());
  // Half the square of the error where that is below delta, delta (|error| -
  // delta / 2) beyond, summed over the outputs.
  Value Huber(Value prediction, Value target, double delta = 1,
              Where where = Where::current());
  // (prediction - target)^2, summed over the outputs.
  Value L2(Value prediction, Value target, Where where = Where::current());
  Value WeightedSum(const std::vector<std::pair<double, Value>>& losses,
                    Where where = Where::current());
  // 1 where the largest logit is the label's; classes by the first maximum.
  Value Accuracy(Value logits, Value labels, Where where = Where::current());
  // The share of outputs on the target's side: prediction > threshold as target
  // > 0.5.
  Value BinaryAccuracy(Value prediction, Value target, double threshold,
                       Where where = Where::current());
  // The share of outputs with |prediction - target| <= tolerance.
  Value WithinTolerance(Value prediction, Value target, double tolerance,
                        Where where = Where::current());

  // What the model gives. Several losses are summed with their weights, and
  // each one's unweighted mean is a metric of its own, called by `name` or as
  // the value is.
  void Output(const std::string& name, Value value,
              Where where = Where::current());
  void Loss(Value value, double weight = 1, Where where = Where::current());
  void Loss(const std::string& name, Value value, double weight = 1,
            Where where = Where::current());
  void Metric(const std::string& name, Value value,
              Where where = Where::current());
  void Defaults(const TrainingDefaults& defaults,
                Where where = Where::current());

  // The finished forward model, verified; or the first mistake as "file:line:
  // layer: what is wrong".
  absl::StatusOr<Model> Build();

  // Per-sample type of a value, for models that compute sizes from it; a scalar
  // after a mistake.
  TensorType TypeOf(Value value) const;

 private:
  bool Made(Value value) const {
    return value.builder == this && value.id >= 0 && value.id < graph_.size();
  }
  Value Add(OpPtr op, std::vector<Value> inputs, const std::string& name,
            const Where& where);
  std::string AutoName(const std::string& kind) const;
  void CheckClasses(Value logits, Value labels, const std::string& name,
                    const Where& where);
  bool CheckName(const std::string& name, const Where& where);
  bool CheckOutput(const std::string& name, Value value, const Where& where);
  void Fail(const Where& where, const std::string& name,
            absl::string_view what);
  void CheckStopMetric(const std::string& name);
  // Adds the weight of `shape` ([out, in, ...]) and the bias of a layer.
  template <typename LayerOptions>
  void AddWeights(const std::string& name, const Shape& shape,
                  const LayerOptions& options, std::vector<Value>* inputs,
                  const Where& where);
  void AddLossMetrics();
  absl::Status LeaveBiasesUndecayed();

  absl::Status CheckOptions() const;

  const ModelOptions options_;
  ModelOptions asked_;  // for, with the values when not given
  Graph graph_;
  struct NamedLoss {
    std::string name;
    double weight;
    Value value;
    Where where;
  };
  std::vector<NamedLoss> losses_;
  std::vector<std::string> own_decay_;  // parameters that state a multiplier
  TrainingDefaults defaults_;
  Where defaults_where_ = Where::current();  // of Defaults(), once called
  absl::Status status_;
};

}  // namespace kiln

// Opens the definition of a model file's one model: `KILN_MODEL(m) { ... }`.
// kiln_add_model names it.
#define KILN_MODEL(builder) \
  void KilnModelDefinition(::kiln::ModelBuilder& builder)

// Defined by the model file through KILN_MODEL, called by its generator.
void KilnModelDefinition(kiln::ModelBuilder& builder);

#endif  // KILN_DSL_MODEL_H_
