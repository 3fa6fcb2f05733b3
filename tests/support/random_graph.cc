#include "tests/support/random_graph.h"

#include <utility>

#include "tests/support/random_graph/draft.h"
#include "tests/support/random_graph/image_layers.h"
#include "tests/support/random_graph/joins.h"
#include "tests/support/random_graph/outputs.h"
#include "tests/support/random_graph/pointwise.h"
#include "tests/support/random_graph/shapes.h"
#include "tests/support/random_graph/weighted_layers.h"
#include "tests/support/random_values.h"

namespace kiln {
namespace random_graph {
namespace {

void AddInput(Draft& draft) {
  InputFormat format;
  if (draft.Chance(35)) {
    const double scales[] = {1.0 / 255, 1.0 / 128, 0.005};
    format = {Storage::kUint8, scales[draft.Below(3)]};
    draft.Note("uint8 input");
  } else if (draft.Chance(25)) {
    format.scale = draft.Constant();
  }
  Shape shape;
  switch (draft.Below(8)) {
    case 0:
    case 1:
      shape = {draft.Between(1, 20)};
      break;
    case 2:
      shape = {draft.Between(1, 6), draft.Between(1, 6)};
      draft.Note("two-dimensional input");
      break;
    default:
      shape = {draft.Between(1, 3), draft.Between(3, 9), draft.Between(3, 9)};
  }
  const bool nonnegative = format.storage == Storage::kUint8;
  draft.Keep(draft.model().Input(draft.Name("x"), shape, format), false,
             nonnegative ? Sign::kNotNegative : Sign::kMixed);
}

void AddLayerOn(Draft& draft, int item) {
  const Shape shape = draft.ShapeOf(item);
  if (draft.Chance(22)) {
    if (draft.sign(item) == Sign::kMixed && draft.Chance(35)) {
      AddPrelu(draft, item);
    } else {
      Activate(draft, item);
    }
  } else if (draft.Chance(12)) {
    ApplyAnyFormula(draft, item);
  } else if (!shape.empty() && draft.Chance(7)) {
    AddRandomLayer(draft, item);
  } else if (shape.size() != 2 && !shape.empty() && draft.Chance(9)) {
    AddChannelAffine(draft, item);
  } else if (shape.size() == 3) {
    AddImageLayer(draft, item);
  } else if (shape.size() == 1 && draft.Chance(70)) {
    AddAnyDense(draft, item);
  } else {
    ChangeShape(draft, item);
  }
}

void AddLayer(Draft& draft) {
  if (draft.Chance(15)) return AddJoin(draft);
  if (draft.Chance(12) && !draft.twins().empty()) return AddTwin(draft);
  AddLayerOn(draft, draft.Pick());
}

absl::StatusOr<RandomGraph> Make(uint64_t seed,
                                 const RandomGraphOptions& options) {
  Draft draft(seed);
  for (int inputs = 1 + draft.Below(3); inputs > 0; --inputs) AddInput(draft);
  const int layers =
      options.least_layers +
      draft.Below(options.most_layers - options.least_layers + 1);
  for (int i = 0; i < layers; ++i) AddLayer(draft);
  AddHeadsAndMetrics(draft, AddLosses(draft));
  AddDeadCode(draft);
  absl::StatusOr<Model> model = draft.model().Build();
  if (!model.ok()) return model.status();
  return RandomGraph{*std::move(model), draft.features()};
}

}  // namespace
}  // namespace random_graph

const std::vector<std::string>& RandomGraphFeatures() {
  static const auto& features = *new std::vector<std::string>{
      "accuracy",
      "activation of a parameter",
      "binary accuracy",
      "branch that only a head reads",
      "dead branch",
      "frozen parameter",
      "head",
      "huber loss",
      "join",
      "join in both orders",
      "label read twice",
      "loss as a metric",
      "metric of a hidden value",
      "partials by the inputs",
      "partials by the output",
      "picture as a target",
      "several heads",
      "several losses",
      "shared weight",
      "sigmoid cross-entropy",
      "squared error",
      "symbolic partials",
      "twin",
      "twin of twins",
      "two heads of one value",
      "two-dimensional input",
      "uint8 input",
      "user-written loss",
      "weight of two parameters",
      "weighted loss",
      "weighted sum of losses",
  };
  return features;
}

absl::StatusOr<RandomGraph> MakeRandomGraph(uint64_t seed,
                                            const RandomGraphOptions& options) {
  return random_graph::Make(seed, options);
}

GraphValues RandomGraphValues(const Graph& graph, int64_t batch,
                              uint64_t seed) {
  GraphValues values = RandomValues(graph, batch, seed);
  for (const Node& node : graph.nodes()) {
    const auto tensor = values.tensors.find(node.name);
    if (tensor == values.tensors.end()) continue;
    const auto* input = dynamic_cast<const InputOp*>(node.op.get());
    const bool is_real =
        input != nullptr && input->format().storage == Storage::kFloat32;
    for (double& v : tensor->second) {
      // Uniform in +-1/sqrt(fan-in) has a gain of 0.58 a layer; 1.75 undoes it.
      // Both steps are exact in float32, or rounded to it.
      if (node.op->name() == "parameter") {
        v = static_cast<double>(static_cast<float>(1.75 * v));
      }
      if (is_real) v = static_cast<double>(static_cast<float>(2 * v - 1));
    }
  }
  return values;
}

}  // namespace kiln
