#include "tests/support/random_values.h"

#include <cmath>
#include <utility>

#include "dsl/ops/input.h"
#include "dsl/ops/parameter.h"

namespace kiln {
namespace {

double RoundToFloat(double value) {
  return static_cast<double>(static_cast<float>(value));
}

// Fills one source.
class SourceFiller {
 public:
  SourceFiller(int64_t batch, Random* random)
      : batch_(batch), random_(random) {}

  std::vector<double> Fill(const Node& node) {
    const int64_t elements = ElementCount(node.type.shape);
    const auto* parameter = dynamic_cast<const ParameterOp*>(node.op.get());
    if (parameter != nullptr && parameter->spec().buffer) {
      // Running statistics, of which a variance is positive.
      return Draw(elements, [&] { return random_->Uniform(0.5, 1.5); });
    }
    if (parameter != nullptr) {
      const double bound = 1 / std::sqrt(FanIn(node.type.shape));
      return Draw(elements, [&] { return random_->Uniform(-bound, bound); });
    }
    if (const auto* target = dynamic_cast<const TargetOp*>(node.op.get());
        target && target->classes() > 0) {
      return Draw(elements * batch_, [&] {
        return static_cast<double>(random_->Integer(target->classes()));
      });
    }
    const auto* input = dynamic_cast<const InputOp*>(node.op.get());
    if (input != nullptr && input->format().storage == Storage::kUint8) {
      return Draw(elements * batch_,
                  [&] { return static_cast<double>(random_->Integer(256)); });
    }
    return Draw(elements * batch_, [&] { return random_->Uniform(0, 1); });
  }

 private:
  static double FanIn(const Shape& weight) {
    const int64_t outputs = weight.size() > 1 ? weight[0] : 1;
    return static_cast<double>(ElementCount(weight) / outputs);
  }

  template <typename Value>
  std::vector<double> Draw(int64_t count, Value value) {
    std::vector<double> values(count);
    for (double& v : values) v = RoundToFloat(value());
    return values;
  }

  int64_t batch_;
  Random* random_;
};

}  // namespace

double Random::Uniform(double low, double high) {
  const double unit = static_cast<double>(engine_() >> 11) * 0x1p-53;
  return low + (high - low) * unit;
}

int64_t Random::Integer(int64_t count) {
  return static_cast<int64_t>(engine_() % static_cast<uint64_t>(count));
}

std::vector<double> RandomVector(int64_t size, uint64_t seed) {
  Random random(seed);
  std::vector<double> values(size);
  for (double& value : values) value = random.Uniform(-1, 1);
  return values;
}

std::vector<double> SpreadValues(int64_t count, uint64_t seed) {
  std::vector<double> values(count);
  for (int64_t i = 0; i < count; ++i) {
    // Odd multiples of 1 / count; an odd count would hit 0 in the middle, which
    // a shift by half a step avoids.
    const double shift = count % 2 == 0 ? 0 : 0.5;
    values[i] = (2 * (static_cast<double>(i) + shift) + 1) /
                    static_cast<double>(count) -
                1;
  }
  Random random(seed);
  for (int64_t i = count - 1; i > 0; --i)
    std::swap(values[i], values[random.Integer(i + 1)]);
  return values;
}

GraphValues RandomValues(const Graph& graph, int64_t batch, uint64_t seed) {
  Random random(seed);
  GraphValues values;
  values.batch = batch;
  values.scale = RoundToFloat(1.0 / static_cast<double>(batch));
  SourceFiller filler(batch, &random);
  for (const Node& node : graph.nodes()) {
    if (node.inputs.empty() && node.op->name() != "sample_weight" &&
        node.op->name() != "random")
      values.tensors[node.name] = filler.Fill(node);
  }
  for (int64_t n = 0; n < batch; ++n)
    values.weights.push_back(RoundToFloat(random.Uniform(0.5, 1.5)));
  return values;
}

}  // namespace kiln
