// gradcheck: a table, or one JSON object, of gradient_check.h's findings.

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/gradient_check.h"
#include "runtime/json_access.h"
#include "runtime/text_table.h"
#include "runtime/verbs/verb.h"

namespace kiln {
inline namespace runtime {

namespace {

void PrintTable(const GradientCheck& check) {
  TextTable table({"parameter", "shape", ">elements", ">directions",
                   ">largest gradient", ">max abs error", ">max rel error",
                   "verdict"});
  for (const ParameterCheck& p : check.parameters) {
    table.AddRow(
        {p.name, ShapeText(p.shape), absl::StrCat(p.elements),
         absl::StrCat(p.directions),
         absl::StrFormat("%.3e", p.largest_gradient),
         absl::StrFormat("%.1e", p.max_absolute_error),
         absl::StrFormat("%.1e", p.max_relative_error),
         p.failure.empty() ? "ok" : absl::StrCat("FAILED: ", p.failure)});
  }
  std::fputs(table.Text().c_str(), stdout);
  absl::PrintF("loss %.9g, in float64 %.9g: %s\nchecked: %s\n", check.loss,
               check.loss64, check.loss_agrees ? "ok" : "FAILED: differs",
               absl::StrJoin(check.pipelines, ", "));
  if (check.ties > 0) {
    std::puts(
        "at another point, rounding decided a tie of a ReLU or a maximum");
  }
}

void PrintJson(const GradientCheck& check) {
  Json parameters = Json::array();
  for (const ParameterCheck& p : check.parameters) {
    parameters.push_back({{"name", p.name},
                          {"shape", p.shape},
                          {"elements", p.elements},
                          {"directions", p.directions},
                          {"largest_gradient", p.largest_gradient},
                          {"max_abs_error", p.max_absolute_error},
                          {"max_rel_error", p.max_relative_error},
                          {"passed", p.failure.empty()},
                          {"failure", p.failure}});
  }
  const Json json = {
      {"passed", check.passed()},     {"loss", check.loss},
      {"loss64", check.loss64},       {"ties", check.ties},
      {"pipelines", check.pipelines}, {"parameters", parameters}};
  std::puts(DumpJson(json).c_str());
}

}  // namespace

absl::Status RunGradcheck(const VerbContext& context) {
  GradientCheckOptions options;
  bool json = false;
  FlagSet flags;
  flags.Add("seed", &options.seed, "N",
            "of the weights, the samples and the choice of elements");
  flags.Add("elements", &options.elements, "N",
            "elements to check of each parameter; all of a smaller one");
  flags.Add("directions", &options.directions, "N",
            "random directions through each parameter to check along");
  flags.Add("tolerance", &options.tolerance, "X",
            "largest error allowed, relative to the largest gradient of the "
            "parameter (along a direction: to its norm)");
  flags.Add("json", &json, "", "one JSON object instead of a table");
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();
  absl::Status status = CheckAtLeast("elements", options.elements, 1);
  if (status.ok()) {
    status = CheckAtLeast("directions", options.directions, 0);
  }
  if (!status.ok()) return status;
  if (!(options.tolerance > 0 && options.tolerance < 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--tolerance=", options.tolerance, " is not between 0 and 1"));
  }

  absl::StatusOr<GradientCheck> check = CheckGradients(context.bundle, options);
  if (!check.ok()) return check.status();
  json ? PrintJson(*check) : PrintTable(*check);
  if (check->passed()) return absl::OkStatus();
  std::vector<std::string> failed;
  for (const ParameterCheck& p : check->parameters) {
    if (!p.failure.empty()) failed.push_back(p.name);
  }
  if (!check->loss_agrees) failed.push_back("the loss");
  return absl::FailedPreconditionError(absl::StrCat(
      "failed for ", failed.empty() ? "want of parameters to check"
                                    : absl::StrJoin(failed, ", ")));
}

}  // namespace runtime
}  // namespace kiln
