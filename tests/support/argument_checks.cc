#include "tests/support/argument_checks.h"

#include <utility>

#include "absl/strings/strip.h"
#include "generators/arguments.h"

namespace kiln {

using Halide::Expr;
using Halide::Int;
using namespace Halide::Internal;

namespace {

constexpr char kSamples[] = "samples";  // the extent that is not known

class Substitution : public IRMutator {
 public:
  Substitution(const KnownBuffers& buffers, const Scope<Expr>& lets)
      : buffers_(buffers), lets_(lets) {}

 protected:
  Expr visit(const Variable* op) override {
    const Expr* value = lets_.find(op->name);
    return value == nullptr ? op : *value;
  }

  Expr visit(const Call* op) override {
    const Expr value = OfBuffer(op);
    return value.defined() ? value : IRMutator::visit(op);
  }

  // No buffer is null, nor what it points to.
  Expr visit(const NE* op) override {
    if (IsNull(op->b) && Find(op->a) != nullptr)
      return Halide::Internal::const_true();
    return IRMutator::visit(op);
  }
  using IRMutator::visit;

 private:
  static Expr Bare(const Expr& e) {
    const Reinterpret* cast = e.as<Reinterpret>();
    return cast == nullptr ? e : cast->value;
  }
  static bool IsNull(const Expr& e) { return is_const_zero(Bare(e)); }

  // Of x or x.buffer.
  const KnownBuffer* Find(const Expr& e) const {
    const Expr bare = Bare(e);
    const Variable* variable = bare.as<Variable>();
    if (variable == nullptr || !variable->type.is_handle()) return nullptr;
    const auto found = buffers_.find(
        std::string(absl::StripSuffix(variable->name, ".buffer")));
    return found == buffers_.end() ? nullptr : &found->second;
  }

  Expr OfBuffer(const Call* op) const {
    const KnownBuffer* buffer = op->args.empty() ? nullptr : Find(op->args[0]);
    if (buffer == nullptr) return {};
    const std::vector<int>& extents = buffer->extents;
    if (op->name == Call::buffer_get_dimensions)
      return make_const(op->type, static_cast<int64_t>(extents.size()));
    if (op->name == Call::buffer_get_type)
      return make_const(op->type,
                        static_cast<halide_type_t>(buffer->type).as_u32());
    if (op->name == Call::buffer_get_device_dirty ||
        op->name == Call::buffer_is_bounds_query ||
        op->name == Call::buffer_get_min)
      return make_zero(op->type);
    if (op->name != Call::buffer_get_extent &&
        op->name != Call::buffer_get_stride)
      return {};
    const int64_t dimension = *as_const_int(op->args[1]);
    if (op->name == Call::buffer_get_extent) {
      return extents[dimension] == kAnyExtent
                 ? Variable::make(Int(32), kSamples)
                 : make_const(Int(32), extents[dimension]);
    }
    int64_t stride = 1;
    for (int64_t i = 0; i < dimension; ++i) stride *= extents[i];
    return make_const(Int(32), stride);
  }

  const KnownBuffers& buffers_;
  const Scope<Expr>& lets_;
};

}  // namespace

KnownBuffers KnownInputs(const std::vector<Argument>& arguments) {
  KnownBuffers buffers;
  for (const Argument& argument : arguments) {
    if (argument.is_buffer && !IsOutput(argument))
      buffers[argument.name] = {argument.type, argument.extents};
  }
  return buffers;
}

Halide::Target JitTarget() {
  return Halide::get_jit_target_from_environment().with_feature(
      Halide::Target::NoBoundsQuery);
}

ArgumentChecksPass::ArgumentChecksPass(KnownBuffers buffers)
    : buffers_(std::move(buffers)) {
  bounds_.push(kSamples, Interval(1, kMostSamples));
}

Expr ArgumentChecksPass::Known(const Expr& e) const {
  return simplify(Substitution(buffers_, lets_).mutate(e),
                  /*remove_dead_code=*/true, bounds_);
}

Stmt ArgumentChecksPass::visit(const LetStmt* op) {
  const ScopedBinding<Expr> known(lets_, op->name, Known(op->value));
  return IRMutator::visit(op);
}

Stmt ArgumentChecksPass::visit(const AssertStmt* op) {
  if (is_const_one(Known(op->condition))) return Evaluate::make(0);
  return op;
}

Stmt ArgumentChecksPass::visit(const For* op) { return op; }

}  // namespace kiln
