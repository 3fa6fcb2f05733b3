#include "bench/agreement.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "bench/subject.h"

namespace kiln {

namespace {

constexpr double kTolerance = 1e-4;

// What a call leaves, by name.
using Results = std::vector<std::pair<std::string, absl::Span<const float>>>;

Results ResultsOf(const Subject& subject, const PipelineSpec& spec) {
  const absl::Span<const float> loss(&subject.loss, 1);
  switch (spec.kind) {
    case PipelineKind::kInfer: {
      Results results;
      for (const auto& output : subject.outputs)
        results.emplace_back("an output", output);
      return results;
    }
    case PipelineKind::kEval:
      return {{"the loss", loss}};
    case PipelineKind::kGrad:
      return {{"the loss", loss}, {"the gradient", subject.gradient.floats()}};
    case PipelineKind::kStep:
      return {{"the loss", loss},
              {"the parameters", subject.parameters_out.floats()},
              {"the momentum", subject.state_out.floats()}};
    case PipelineKind::kPrepare:
      return {{"what is prepared", subject.prepared.floats()}};
    default:
      return {};
  }
}

absl::Status Call(Subject& subject, const PipelineSpec& spec) {
  Pipeline pipeline = ValueOrDie(
      Pipeline::Bind(subject.bundle, subject.model->manifest(), spec));
  return pipeline.Call(subject.Call());
}

}  // namespace

std::string Disagreement(const Bundle& bundle, const PipelineSpec& spec,
                         const Bundle& reference) {
  if (spec.kind == PipelineKind::kLoss64 || spec.kind == PipelineKind::kTrace)
    return "";
  Subject subject(bundle, spec.block), other(reference, spec.block);
  const PipelineSpec* naive = nullptr;
  for (const PipelineSpec& candidate : other.model->manifest().pipelines) {
    if (candidate.kind == spec.kind && candidate.block == spec.block &&
        candidate.optimizer == spec.optimizer)
      naive = &candidate;
  }
  if (naive == nullptr) return "";
  absl::Status status = Call(subject, spec);
  if (status.ok()) status = Call(other, *naive);
  if (!status.ok()) return std::string(status.message());

  const Results results = ResultsOf(subject, spec);
  const Results expected = ResultsOf(other, *naive);
  for (size_t i = 0; i < results.size(); ++i) {
    double largest = 0, difference = 0;
    for (size_t j = 0; j < expected[i].second.size(); ++j) {
      const double value = results[i].second[j], wanted = expected[i].second[j];
      largest = std::max(largest, std::abs(wanted));
      // Not a number counts as a difference without bound.
      const double distance = std::abs(value - wanted);
      difference =
          std::max(difference, std::isfinite(distance) ? distance : HUGE_VAL);
    }
    if (difference > kTolerance * largest) {
      return absl::StrCat(
          results[i].first, " differs from the naive schedule's by ",
          absl::StrFormat("%.2g, the largest is %.2g", difference, largest));
    }
  }
  return "";
}

}  // namespace kiln
