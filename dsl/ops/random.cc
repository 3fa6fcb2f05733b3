#include "dsl/ops/random.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "dsl/formula.h"

namespace kiln {

std::string RandomOp::Attributes() const {
  const Distribution& d = distribution_;
  return absl::StrCat("shape=", ShapeString(shape_),
                      d.kind == Distribution::Kind::kKeep
                          ? absl::StrFormat(" drop=%.9g", d.a)
                          : absl::StrFormat(" uniform(%.9g,%.9g)", d.a, d.b),
                      " ordinal=", ordinal_);
}

absl::StatusOr<TensorType> RandomOp::InferType(
    absl::Span<const TensorType>) const {
  const Distribution& d = distribution_;
  if (d.kind == Distribution::Kind::kKeep && !(d.a >= 0 && d.a < 1)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("the rate %g is not at least 0 and below 1", d.a));
  }
  if (d.kind == Distribution::Kind::kUniform &&
      !(std::isfinite(d.a) && std::isfinite(d.b) && d.a <= d.b)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "the lower end %g and the upper end %g are no interval", d.a, d.b));
  }
  if (absl::Status status = CheckShape(shape_); !status.ok()) return status;
  if (ElementCount(shape_) > (int64_t{1} << 31) - 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("no more than 2^31 - 1 random numbers a sample, not ",
                     ElementCount(shape_)));
  }
  return TensorType{shape_, DType::kFloat32, true};
}

uint32_t DropThreshold(double rate) {
  return static_cast<uint32_t>(std::min(std::round(rate * 0x1p32), 0x1p32 - 1));
}

Math RandomOp::Formula(const FormulaScope& names) const {
  const std::string a = NumberText(distribution_.a);
  if (distribution_.kind == Distribution::Kind::kUniform) {
    const std::string b = NumberText(distribution_.b);
    return names.Write(absl::StrCat("$out = uniform in [", a, ", ", b, ")"),
                       absl::StrCat("$out \\sim U[", a, ", ", b, ")"));
  }
  return names.Write(
      absl::StrCat("$out = 0 with probability ", a, ", else 1 / (1 - ", a, ")"),
      absl::StrCat("$out = 0 \\text{ with probability } ", a,
                   "\\text{, else } \\frac{1}{1 - ", a, "}"));
}

}  // namespace kiln
