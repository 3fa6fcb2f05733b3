#include "dsl/ops/random.h"

#include "generators/math.h"
#include "generators/registry.h"
#include "generators/schedule.h"

namespace kiln {

using Halide::Expr;
using Halide::Func;
using Halide::Var;

namespace {

Expr Word(uint32_t value) { return Halide::cast<uint32_t>(Expr(value)); }

// The first word of Philox2x32-10 (dsl/ops/random.h): ten multiplications of
// 32 by 32 bits, each both halves.
Expr Philox(Expr x, Expr y, Expr key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const Expr product = Halide::cast<uint64_t>(x) *
                         Halide::cast<uint64_t>(Word(kPhiloxMultiplier));
    const Expr high = Halide::cast<uint32_t>(product >> 32),
               low = Halide::cast<uint32_t>(product);
    x = high ^ key ^ y;
    y = low;
    key = key + Word(kPhiloxWeyl);
  }
  return x;
}

}  // namespace

// Stored: the backward pass reads the same numbers again, and some fifty
// instructions a vector are dearer than a load.
Lowered LowerRandom(Lowering& lowering, const Node& node) {
  const auto& op = static_cast<const RandomOp&>(*node.op);
  const Distribution& d = op.distribution();
  const std::vector<Var> vars = SampleVars(node.type);
  const std::string name = CName(node.name);
  Func key(name + "_key");
  key() = Philox(lowering.Scalar(ArgumentKind::kSeed),
                 lowering.Scalar(ArgumentKind::kStep), Word(op.ordinal()));
  Expr element = 0;  // row-major; vars are n, then the innermost dimension
  int stride = 1;
  for (size_t i = 1; i < vars.size(); ++i) {
    element = element + vars[i] * stride;
    stride *= static_cast<int>(node.type.shape[node.type.shape.size() - i]);
  }
  const Expr bits = Philox(Halide::cast<uint32_t>(lowering.Row(vars[0])),
                           Halide::cast<uint32_t>(element), key());
  auto constant = [&](double value) {
    return Halide::Internal::make_const(lowering.real(), value);
  };
  Func random(name);
  if (d.kind == Distribution::Kind::kKeep) {
    random(vars) = Halide::select(bits < Word(DropThreshold(d.a)), constant(0),
                                  constant(1 / (1 - d.a)));
  } else {
    // 24 bits: exact in float32 as well.
    random(vars) = StrictAdd(
        constant(d.a),
        StrictMul(
            constant((d.b - d.a) * 0x1p-24),
            Halide::cast(lowering.real(), Halide::cast<int32_t>(bits >> 8))));
  }

  key.compute_root();
  StoreRoot(lowering, random, node.type.shape);
  return {random};
}

}  // namespace kiln
