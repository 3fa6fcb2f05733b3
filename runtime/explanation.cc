#include "runtime/explanation.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/storage.h"

namespace kiln {
inline namespace runtime {

namespace {

constexpr int kValuesPerLine = 8;

// "(gradient of the loss by h1; head prediction)", or nothing.
std::string Role(const NodeSpec& node) {
  std::vector<std::string> roles;
  if (!node.adjoint_of.empty()) {
    roles.push_back(absl::StrCat(node.adjoint_is_part ? "part of the " : "",
                                 "gradient of the loss by ", node.adjoint_of));
  }
  for (const std::string& output : node.outputs) {
    if (output.rfind("gradient ", 0) != 0) roles.push_back(output);
  }
  if (roles.empty()) return "";
  return absl::StrCat("  (", absl::StrJoin(roles, "; "), ")");
}

std::string ValueLines(const NodeSpec& node, const std::vector<double>& values,
                       size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    absl::StrAppend(&text, i % kValuesPerLine == 0 ? (i ? "\n   " : "") : "",
                    " ", ExplainedNumber(node, values[i]));
  }
  return text;
}

std::string PartText(const Explanation& e, ExplainedPart part,
                     const char* heading) {
  std::string text;
  for (size_t i = 0; i < e.values.size(); ++i) {
    if (PartOf(e.manifest.nodes[i]) == part)
      absl::StrAppend(&text, ExplainNode(e, i));
  }
  return text.empty() ? "" : absl::StrCat("\n", heading, "\n", text);
}

}  // namespace

ExplainedPart PartOf(const NodeSpec& node) {
  if (node.backward) return ExplainedPart::kBackward;
  if (node.inputs.empty()) return ExplainedPart::kSource;
  for (const std::string& output : node.outputs) {
    if (output == "loss") return ExplainedPart::kLoss;
  }
  return ExplainedPart::kForward;
}

std::string ExplainedNumber(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e6)
    return absl::StrFormat("%.0f", value == 0 ? 0.0 : value);
  const bool is_plain = std::abs(value) >= 1e-4 && std::abs(value) < 1e6;
  return is_plain ? absl::StrFormat("%.8f", value)
                  : absl::StrFormat("%.7e", value);
}

std::string ExplainedNumber(const NodeSpec& node, double value) {
  if (node.op != "parameter") return ExplainedNumber(value);
  char text[32];
  const auto end =
      std::to_chars(text, text + sizeof(text), static_cast<float>(value));
  return std::string(text, end.ptr);
}

std::string ExplainNode(const Explanation& e, size_t i) {
  const NodeSpec& node = e.manifest.nodes[i];
  const std::vector<double>& values = e.values[i];
  std::string text =
      absl::StrCat("  ", node.formula, Role(node), "\n    ",
                   node.shape.empty() ? "" : ShapeText(node.shape),
                   node.shape.empty() ? "" : ":");
  const size_t limit = std::max<int64_t>(1, e.max_values);
  if (values.size() <= limit)
    return absl::StrCat(text, ValueLines(node, values, values.size()), "\n");
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) /
                      static_cast<double>(values.size());
  return absl::StrCat(text, " min ", ExplainedNumber(node, *low), ", mean ",
                      ExplainedNumber(mean), ", max ",
                      ExplainedNumber(node, *high), "; the first ", limit,
                      " of ", values.size(), ":\n   ",
                      ValueLines(node, values, limit), "\n");
}

std::string ExplainAsText(const Explanation& e) {
  return absl::StrCat(
      e.manifest.model, ": ", e.sample, ", ", e.weights,
      "; in float64, the gradients of this one sample's loss\n",
      PartText(e, ExplainedPart::kSource, "data and parameters"),
      PartText(e, ExplainedPart::kForward, "forward"),
      PartText(e, ExplainedPart::kLoss, "loss"),
      PartText(e, ExplainedPart::kBackward, "backward"));
}

}  // namespace runtime
}  // namespace kiln
