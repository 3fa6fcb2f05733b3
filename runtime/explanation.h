#ifndef KILN_RUNTIME_EXPLANATION_H_
#define KILN_RUNTIME_EXPLANATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/manifest.h"

namespace kiln {
inline namespace runtime {

// One sample's way through a model, to be told as text or as LaTeX. Both go
// through the nodes of the training graph in order, in four parts: data and
// parameters, forward, loss, backward.
struct Explanation {
  const Manifest& manifest;
  std::vector<std::vector<double>> values;  // of manifest.nodes (trace.h)
  std::string sample;                       // "sample 0 of hand_421"
  std::string weights;                      // "initial weights of seed 1"
  int64_t max_values = 16;                  // a tensor of more is summed up
};

// Which part of the story a node belongs to.
enum class ExplainedPart { kSource, kForward, kLoss, kBackward };
ExplainedPart PartOf(const NodeSpec& node);

// A number to eight decimals, or eight digits where those would say little:
// 0.79705683, -1.2345678e-07.
std::string ExplainedNumber(double value);
// An element of the node's value: the same, but of a parameter, which is
// float32, as many digits as it takes to tell it from others: 0.24.
std::string ExplainedNumber(const NodeSpec& node, double value);

// Name, formula, shape and values of node i; what it is for.
std::string ExplainNode(const Explanation& e, size_t i);

// The whole as text.
std::string ExplainAsText(const Explanation& e);

// The whole as a LaTeX document that stands alone: article, with amsmath and
// longtable.
std::string ExplainAsLatex(const Explanation& e);

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_EXPLANATION_H_
