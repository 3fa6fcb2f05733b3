// What an emitted pipeline gives for a whole batch.
#ifndef KILN_TESTS_SUPPORT_PIPELINE_RESULT_H_
#define KILN_TESTS_SUPPORT_PIPELINE_RESULT_H_

#include <map>
#include <string>
#include <vector>

#include "tests/support/interpreter.h"

namespace kiln {

// Only what the pipeline's kind computes is filled.
struct PipelineResult {
  std::map<std::string, std::vector<double>> heads;  // [batch x shape]
  double loss = 0;  // sum over the batch of weight * loss, without the scale
  std::map<std::string, double>
      metrics;  // sum over the batch of weight * metric
  Gradients gradients;
  std::map<std::string, std::vector<double>>
      trace;             // by node, of the last sample
  Gradients parameters;  // updated, of a step
  // What a prepare pipeline computes for infer.
  std::map<std::string, std::vector<double>> prepared;
  Gradients next_state;  // of the model: the buffers after the last block
  Gradients state;       // updated, of a step with an optimizer that has one
};

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_PIPELINE_RESULT_H_
