// What float32 code may give for a graph: the value of every output and bounds
// on the rounding errors of any order of its operations (rounded.h).
#ifndef KILN_TESTS_SUPPORT_ROUNDING_BOUNDS_H_
#define KILN_TESTS_SUPPORT_ROUNDING_BOUNDS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dsl/graph.h"
#include "tests/support/interpreter.h"
#include "tests/support/pipeline_result.h"
#include "tests/support/rounded.h"

namespace kiln {

using RoundedTensors = std::map<std::string, std::vector<Rounded>>;

// The outputs of a graph by kind and name, as PipelineResult has them.
struct RoundedOutputs {
  RoundedTensors heads;       // [batch x shape]
  RoundedTensors metrics;     // one number each: sum of weight * metric
  std::vector<Rounded> loss;  // one number: sum of weight * loss, no scale
  RoundedTensors gradients;
  RoundedTensors next_state;
};

// Of a forward graph or a training graph.
absl::StatusOr<RoundedOutputs> InterpretOutputs(const Graph& graph,
                                                const GraphValues& values);

// The longest vector of bounds that BoundCheck would hold a tensor of these to,
// relative to the tensor.
double WidestBounds(const RoundedOutputs& outputs);

struct BoundReport {
  int64_t values = 0;    // compared
  int64_t likely = 0;    // of these: held to the likely error
  double worst = 0;      // largest share of its bound that an error used
  double tightness = 0;  // longest vector of bounds, relative to its tensor

  void Add(const BoundReport& other);
};

// Compares numbers with their bounds. An error names the element and says both
// numbers and the bound.
class BoundCheck {
 public:
  absl::Status Compare(const std::string& what,
                       const std::vector<double>& actual,
                       const std::vector<Rounded>& expected);

  // The same tensors, no more and no fewer.
  absl::Status Compare(const std::string& what,
                       const std::map<std::string, std::vector<double>>& actual,
                       const RoundedTensors& expected);

  // The loss and the metrics of a pipeline that gives them.
  absl::Status CompareTotals(const PipelineResult& actual,
                             const RoundedOutputs& expected);

  // A tensor is held to the worst case, as long as these bounds, as a vector,
  // are shorter than `kWorstCase` of the tensor; else to the likely errors. If
  // these are longer than `kWidest`, then little would be proved: OutOfRange,
  // since other values may cancel less. tests/mutants shows what bounds must
  // stay below.
  //
  // The likely error of a value assumes that no tie was decided by rounding:
  // where one was, other values are needed.
  static constexpr double kWorstCase = 0.001;
  static constexpr double kWidest = 0.1;

  // The bounds that Compare holds a tensor to.
  static std::vector<double> BoundsOf(const std::vector<Rounded>& tensor);

  const BoundReport& report() const { return report_; }

 private:
  BoundReport report_;
};

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_ROUNDING_BOUNDS_H_
