// Times the stages of a pipeline: for the verb `profile`, never in the product.
#ifndef KILN_GENERATORS_PROFILE_PASS_H_
#define KILN_GENERATORS_PROFILE_PASS_H_

#include <string>
#include <vector>

#include "Halide.h"

namespace kiln {

// A custom lowering pass: before each stage that is computed at the root of the
// pipeline it calls `int kiln_profile_mark(int stage)`, which whoever links the
// pipeline provides. A stage takes in what is computed inside its loops, so a
// convolution's time is that of the Func that stores its tiles.
class ProfilePass : public Halide::Internal::IRMutator {
 public:
  // Names of the stages' Funcs in the order of their marks, each once.
  const std::vector<std::string>& stages() const { return stages_; }
  // The Funcs computed inside each stage, itself the first.
  const std::vector<std::vector<std::string>>& parts() const { return parts_; }

 protected:
  Halide::Internal::Stmt visit(
      const Halide::Internal::ProducerConsumer* op) override;
  Halide::Internal::Stmt visit(const Halide::Internal::For* op) override;
  using IRMutator::visit;

 private:
  std::vector<std::string> stages_;
  std::vector<std::vector<std::string>> parts_;
};

}  // namespace kiln

#endif  // KILN_GENERATORS_PROFILE_PASS_H_
