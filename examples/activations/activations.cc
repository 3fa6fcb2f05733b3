// kiln_activations --out=FILE.png [--data_out=FILE.csv]: the activations of
// dsl/activations.h and their derivatives on [-2, 2]. The runtime knows no
// formulas, so this is no verb of a model.

#include "dsl/activations.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "dsl/scalar_expr.h"
#include "runtime/flag_set.h"
#include "runtime/plot/function.h"

namespace kiln {
namespace {

constexpr double kEnd = 2;
constexpr int kPoints = 401;

// As papers write it: the DSL's names are lower case.
std::string DisplayName(const std::string& name) {
  for (const auto& [dsl, display] : {std::pair("relu", "ReLU"),
                                     {"leaky_relu", "leaky ReLU"},
                                     {"elu", "ELU"},
                                     {"selu", "SELU"},
                                     {"gelu", "GELU"},
                                     {"silu", "SiLU"}}) {
    if (name == dsl) return display;
  }
  return name;
}

DerivativePanel PanelOf(const Activation& activation) {
  const ScalarExpr symbolic = Derivative(activation.value, 0);
  DerivativePanel panel;
  panel.name = DisplayName(activation.name);
  for (int i = 0; i < kPoints; ++i) {
    const double x = -kEnd + 2 * kEnd * i / (kPoints - 1);
    const double y = Evaluate(activation.value, {x});
    const double slope = activation.derivative_by_output.has_value()
                             ? Evaluate(*activation.derivative_by_output, {y})
                             : Evaluate(symbolic, {x});
    panel.value.emplace_back(x, y);
    panel.derivative.emplace_back(x, slope);
  }
  return panel;
}

// x above 0, slope * x below: what the learned and the random slopes start
// from and are evaluated with.
Activation WithSlope(const std::string& name, double slope) {
  const ScalarExpr x = Arg(0);
  return {name, Select(Greater(x, 0), x, slope * x), {}};
}

absl::Status Run(int argc, char** argv) {
  std::string out, data_out;
  FlagSet flags;
  flags.Add("out", &out, "FILE.png", "the picture; required");
  flags.Add("data_out", &data_out, "FILE.csv", "the numbers behind it");
  absl::Status status =
      flags.Parse(absl::MakeConstSpan(argv + 1, argc > 0 ? argc - 1 : 0));
  if (!status.ok()) return status;
  if (flags.help_requested()) {
    std::printf(
        "kiln_activations --out=FILE.png [--flag=value ...]\n\n"
        "Draws the activations and their derivatives.\n\nFlags [default]:\n%s",
        flags.Help().c_str());
    return absl::OkStatus();
  }
  if (out.empty()) {
    return absl::InvalidArgumentError("--out=FILE.png is missing; see --help");
  }
  std::vector<DerivativePanel> panels;
  for (const Activation& activation : Activations()) {
    panels.push_back(PanelOf(activation));
  }
  panels.push_back(PanelOf(WithSlope("PReLU, slope 0.25", 0.25)));
  panels.push_back(PanelOf(WithSlope("RReLU, mean slope", 11.0 / 48)));
  panels.push_back(PanelOf({"CReLU, second half", Max(-Arg(0), 0), {}}));
  return WritePicture(
      DerivativesPicture(panels, "Activations and their derivatives"), out,
      data_out);
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  const absl::Status status = kiln::Run(argc, argv);
  if (status.ok()) return 0;
  std::fprintf(stderr, "kiln_activations: %s\n",
               std::string(status.message()).c_str());
  return 1;
}
