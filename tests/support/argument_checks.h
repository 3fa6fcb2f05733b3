// The checks of a pipeline's arguments, made once instead of compiled.
#ifndef KILN_TESTS_SUPPORT_ARGUMENT_CHECKS_H_
#define KILN_TESTS_SUPPORT_ARGUMENT_CHECKS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "Halide.h"
#include "generators/arguments.h"

namespace kiln {

// A buffer that a pipeline will be called with: of the host, dense, from (0, 0,
// ...).
struct KnownBuffer {
  Halide::Type type;
  std::vector<int> extents;  // innermost first; the last may be kAnyExtent,
                             // which is then one of 1 to kMostSamples
};

constexpr int kMostSamples = 1 << 16;

// Buffers by their names in Halide.
using KnownBuffers = std::map<std::string, KnownBuffer>;

// The inputs among a pipeline's arguments.
KnownBuffers KnownInputs(const std::vector<Argument>& arguments);

// This machine, without the calls that only ask a pipeline for its bounds: the
// pass below takes none for one.
Halide::Target JitTarget();

// A custom lowering pass. A pipeline begins with assertions: that a buffer has
// the type, the extents and the strides that its code supposes, and holds all
// that is read and written. Compiling them takes nearly half of the time of a
// small pipeline. Here each is evaluated for the buffers to come, and left out
// where it holds. What does not, or is not known, stays code and fails when it
// runs.
class ArgumentChecksPass : public Halide::Internal::IRMutator {
 public:
  explicit ArgumentChecksPass(KnownBuffers buffers);

 protected:
  Halide::Internal::Stmt visit(const Halide::Internal::LetStmt* op) override;
  Halide::Internal::Stmt visit(const Halide::Internal::AssertStmt* op) override;
  // Nothing is checked in loops.
  Halide::Internal::Stmt visit(const Halide::Internal::For* op) override;
  using IRMutator::visit;

 private:
  // With what is known in the place of what is asked of buffers.
  Halide::Expr Known(const Halide::Expr& e) const;

  const KnownBuffers buffers_;
  Halide::Internal::Scope<Halide::Internal::Interval> bounds_;
  Halide::Internal::Scope<Halide::Expr> lets_;  // with what is known in them
};

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_ARGUMENT_CHECKS_H_
