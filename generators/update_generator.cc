// The optimizers' update pipelines: flat, pointwise and in place over a
// parameter arena (or any slice of it), so one pipeline serves every model.
// Formulas are those of PyTorch's torch.optim.SGD.
//
// In place: the outputs' pure definition is `undef`, which emits no store, and
// the update definition reads and writes the same element. The tail of the
// vectorised loop is guarded by an `if`: ShiftInwards would step the last,
// overlapping elements twice.
//
// Halide takes an output that a pipeline reads back for memory of its own and
// loads it with aligned instructions, whatever pointer it was given. So the
// outputs must be aligned to the widest vector, and a pointer that is not is
// refused with an error code instead of a segmentation fault.
#include "Halide.h"

namespace {

using Halide::Expr;
using Halide::TailStrategy;
using Halide::Tuple;
using Halide::Var;

constexpr int kAlignment = 64;  // bytes

// p <- p - learning_rate * (g + weight_decay * p)
class UpdateSgd : public Halide::Generator<UpdateSgd> {
 public:
  Input<Halide::Buffer<float, 1>> gradient_{"gradient"};
  Input<float> learning_rate_{"learning_rate"};
  Input<float> weight_decay_{"weight_decay"};
  Output<Halide::Buffer<float, 1>> parameters_{"parameters"};

  void generate() {
    parameters_(i_) = Halide::undef<float>();
    Expr p = parameters_(i_);
    Expr g = gradient_(i_) + weight_decay_ * p;
    parameters_(i_) = p - learning_rate_ * g;
  }

  void schedule() {
    parameters_.set_host_alignment(kAlignment);
    parameters_.update().vectorize(i_, natural_vector_size<float>(),
                                   TailStrategy::GuardWithIf);
  }

 private:
  Var i_{"i"};
};

// v <- momentum * v + (g + weight_decay * p),  p <- p - learning_rate * v
class UpdateMomentum : public Halide::Generator<UpdateMomentum> {
 public:
  Input<Halide::Buffer<float, 1>> gradient_{"gradient"};
  Input<float> learning_rate_{"learning_rate"};
  Input<float> momentum_{"momentum"};
  Input<float> weight_decay_{"weight_decay"};
  // {parameters, velocity}: one Func of two values, since each one's update
  // reads the other.
  Output<Halide::Func> state_{
      "state", {Halide::Float(32), Halide::Float(32)}, 1};

  void generate() {
    state_(i_) = Tuple(Halide::undef<float>(), Halide::undef<float>());
    Expr p = state_(i_)[0];
    Expr v = state_(i_)[1];
    Expr g = gradient_(i_) + weight_decay_ * p;
    Expr next_v = momentum_ * v + g;
    state_(i_) = Tuple(p - learning_rate_ * next_v, next_v);
  }

  void schedule() {
    for (Halide::OutputImageParam buffer :
         Halide::Func(state_).output_buffers())
      buffer.set_host_alignment(kAlignment);
    state_.update().vectorize(i_, natural_vector_size<float>(),
                              TailStrategy::GuardWithIf);
  }

 private:
  Var i_{"i"};
};

}  // namespace

HALIDE_REGISTER_GENERATOR(UpdateSgd, kiln_update_sgd)
HALIDE_REGISTER_GENERATOR(UpdateMomentum, kiln_update_momentum)
