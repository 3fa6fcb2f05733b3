#include "dsl/initializer.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace kiln {
namespace {

Initializer UniformWithin(double bound) {
  return Initializer::Uniform(-bound, bound);
}

}  // namespace

Initializer Initializer::Resolved(double fan_in, double fan_out) const {
  switch (kind) {
    case Kind::kConstant:
    case Kind::kUniform:
    case Kind::kNormal:
    case Kind::kTruncatedNormal:
      return *this;
    case Kind::kKaimingUniform:
      return UniformWithin(a * std::sqrt(3 / fan_in));
    case Kind::kKaimingNormal:
      return Normal(0, a / std::sqrt(fan_in));
    case Kind::kXavierUniform:
      return UniformWithin(a * std::sqrt(6 / (fan_in + fan_out)));
    case Kind::kXavierNormal:
      return Normal(0, a * std::sqrt(2 / (fan_in + fan_out)));
    case Kind::kLeCunUniform:
      return UniformWithin(std::sqrt(3 / fan_in));
    case Kind::kLeCunNormal:
      return Normal(0, std::sqrt(1 / fan_in));
  }
  return *this;
}

absl::StatusOr<Initializer> Initializer::ResolvedFor(const Shape& shape) const {
  if (!IsRule()) return *this;
  if (shape.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "its initialiser needs a fan-in and a fan-out, which the shape ",
        ShapeString(shape), " does not have"));
  }
  double area = 1;
  for (size_t i = 2; i < shape.size(); ++i)
    area *= static_cast<double>(shape[i]);
  return Resolved(area * static_cast<double>(shape[1]),
                  area * static_cast<double>(shape[0]));
}

std::string InitializerString(const Initializer& init) {
  switch (init.kind) {
    case Initializer::Kind::kConstant:
      return absl::StrFormat("%.6g", init.a);
    case Initializer::Kind::kUniform:
      return absl::StrFormat("uniform(%.6g,%.6g)", init.a, init.b);
    case Initializer::Kind::kNormal:
      return absl::StrFormat("normal(%.6g,%.6g)", init.a, init.b);
    case Initializer::Kind::kTruncatedNormal:
      return absl::StrFormat("truncated_normal(%.6g,%.6g)", init.a, init.b);
    default:  // a rule that no layer has resolved
      return absl::StrFormat("rule(gain=%.6g)", init.a);
  }
}

}  // namespace kiln
