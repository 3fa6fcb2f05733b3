// The optimizers' update pipelines, and the sum of gradients that they start
// from: flat, pointwise and in place over a parameter arena (or any slice of
// it), so one pipeline serves every model.
// Formulas are those of PyTorch's torch.optim (SGD, Adam, AdamW, RMSprop).
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

// Of an output of several values: parameters and the optimizer's state are one
// Func, since each one's update reads the others.
void ScheduleInPlace(Halide::Func state, Var i, int vector) {
  for (Halide::OutputImageParam buffer : state.output_buffers())
    buffer.set_host_alignment(kAlignment);
  state.update().vectorize(i, vector, TailStrategy::GuardWithIf);
}

// s <- s + g: of the gradient's slots
class UpdateSum : public Halide::Generator<UpdateSum> {
 public:
  Input<Halide::Buffer<float, 1>> gradient_{"gradient"};
  Output<Halide::Buffer<float, 1>> sum_{"sum"};

  void generate() {
    sum_(i_) = Halide::undef<float>();
    sum_(i_) += gradient_(i_);
  }

  void schedule() {
    sum_.set_host_alignment(kAlignment);
    sum_.update().vectorize(i_, natural_vector_size<float>(),
                            TailStrategy::GuardWithIf);
  }

 private:
  Var i_{"i"};
};

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

// g <- g + weight_decay * p,  v <- momentum * v + g,  p <- p - learning_rate *
// v; Nesterov's step looks ahead, by g + momentum * v with the new v.
class UpdateMomentum : public Halide::Generator<UpdateMomentum> {
 public:
  Halide::GeneratorParam<bool> nesterov{"nesterov", false};
  Input<Halide::Buffer<float, 1>> gradient_{"gradient"};
  Input<float> learning_rate_{"learning_rate"};
  Input<float> momentum_{"momentum"};
  Input<float> weight_decay_{"weight_decay"};
  // {parameters, velocity}
  Output<Halide::Func> state_{
      "state", {Halide::Float(32), Halide::Float(32)}, 1};

  void generate() {
    state_(i_) = Tuple(Halide::undef<float>(), Halide::undef<float>());
    Expr p = state_(i_)[0];
    Expr v = state_(i_)[1];
    Expr g = gradient_(i_) + weight_decay_ * p;
    Expr next_v = momentum_ * v + g;
    Expr step = nesterov ? g + momentum_ * next_v : next_v;
    state_(i_) = Tuple(p - learning_rate_ * step, next_v);
  }

  void schedule() { ScheduleInPlace(state_, i_, natural_vector_size<float>()); }

 private:
  Var i_{"i"};
};

// Adam and AdamW, whose weight decays differ:
//   g <- g + weight_decay * p                                 (AdamW: 0)
//   m <- m + rate1 * (g - m),   v <- beta2 * v + rate2 * g^2
//   p <- keep * p - step_size * m / (sqrt(v) / root2 + epsilon)
// with rate1 = 1 - beta1 and rate2 = 1 - beta2, rounded once each, since
// subtracting float32's 0.999 from 1 would leave four digits; at step t
// step_size = learning_rate / (1 - beta1^t) and root2 = sqrt(1 - beta2^t), the
// bias corrections; keep = 1 - learning_rate * weight_decay (Adam: 1).
class UpdateAdam : public Halide::Generator<UpdateAdam> {
 public:
  Input<Halide::Buffer<float, 1>> gradient_{"gradient"};
  Input<float> step_size_{"step_size"};
  Input<float> weight_decay_{"weight_decay"};
  Input<float> keep_{"keep"};
  Input<float> rate1_{"rate1"};
  Input<float> beta2_{"beta2"};
  Input<float> rate2_{"rate2"};
  Input<float> root2_{"root2"};
  Input<float> epsilon_{"epsilon"};
  // {parameters, mean of the gradient, mean of its square}
  Output<Halide::Func> state_{
      "state", {Halide::Float(32), Halide::Float(32), Halide::Float(32)}, 1};

  void generate() {
    const Expr none = Halide::undef<float>();
    state_(i_) = Tuple(none, none, none);
    Expr p = state_(i_)[0];
    Expr m = state_(i_)[1];
    Expr v = state_(i_)[2];
    Expr g = gradient_(i_) + weight_decay_ * p;
    Expr next_m = m + rate1_ * (g - m);
    Expr next_v = beta2_ * v + rate2_ * (g * g);
    Expr divisor = Halide::sqrt(next_v) / root2_ + epsilon_;
    state_(i_) =
        Tuple(keep_ * p - step_size_ * (next_m / divisor), next_m, next_v);
  }

  void schedule() { ScheduleInPlace(state_, i_, natural_vector_size<float>()); }

 private:
  Var i_{"i"};
};

// v <- alpha * v + rate * g^2,  p <- p - learning_rate * g / (sqrt(v) +
// epsilon) with g <- g + weight_decay * p and rate = 1 - alpha, rounded once.
class UpdateRmsprop : public Halide::Generator<UpdateRmsprop> {
 public:
  Input<Halide::Buffer<float, 1>> gradient_{"gradient"};
  Input<float> learning_rate_{"learning_rate"};
  Input<float> weight_decay_{"weight_decay"};
  Input<float> alpha_{"alpha"};
  Input<float> rate_{"rate"};
  Input<float> epsilon_{"epsilon"};
  // {parameters, mean of the gradient's square}
  Output<Halide::Func> state_{
      "state", {Halide::Float(32), Halide::Float(32)}, 1};

  void generate() {
    state_(i_) = Tuple(Halide::undef<float>(), Halide::undef<float>());
    Expr p = state_(i_)[0];
    Expr v = state_(i_)[1];
    Expr g = gradient_(i_) + weight_decay_ * p;
    Expr next_v = alpha_ * v + rate_ * (g * g);
    state_(i_) = Tuple(
        p - learning_rate_ * (g / (Halide::sqrt(next_v) + epsilon_)), next_v);
  }

  void schedule() { ScheduleInPlace(state_, i_, natural_vector_size<float>()); }

 private:
  Var i_{"i"};
};

}  // namespace

HALIDE_REGISTER_GENERATOR(UpdateSum, kiln_update_sum)
HALIDE_REGISTER_GENERATOR(UpdateSgd, kiln_update_sgd)
HALIDE_REGISTER_GENERATOR(UpdateMomentum, kiln_update_momentum)
HALIDE_REGISTER_GENERATOR(UpdateAdam, kiln_update_adam)
HALIDE_REGISTER_GENERATOR(UpdateRmsprop, kiln_update_rmsprop)
