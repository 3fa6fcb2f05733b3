#include "tests/support/halide_adjoints.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "Halide.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "dsl/ops/parameter.h"
#include "dsl/passes.h"
#include "generators/pipeline.h"
#include "tests/support/argument_checks.h"
#include "tests/support/jit_binding.h"
#include "tests/support/vectors.h"

namespace kiln {
namespace {

using Halide::Buffer;
using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::RVar;
using Halide::Var;
using Halide::Internal::Call;
using Halide::Internal::Function;

// Of a softmax, sum over k of e_k / total - 1: rounding of some 2^-53 a class.
constexpr double kVanishing = 1e-14;

// Without what Halide has appended to make it unique.
std::string BaseName(const std::string& name) {
  return name.substr(0, name.find('$'));
}

// Of the variables, one that stands in several arguments of a call. If just one
// of these is the variable itself, Halide puts the place there for it in the
// others.
class SharedVariable : public Halide::Internal::IRVisitor {
 public:
  SharedVariable(const Expr& value, const std::vector<std::string>& variables)
      : variables_(variables) {
    value.accept(this);
  }
  const std::string& found() const { return found_; }  // or ""

 protected:
  using IRVisitor::visit;
  void visit(const Call* call) override {
    IRVisitor::visit(call);
    if (call->call_type != Call::Halide && call->call_type != Call::Image)
      return;
    for (const std::string& variable : variables_) {
      int uses = 0, bare = 0;
      for (const Expr& arg : call->args) {
        uses += Halide::Internal::expr_uses_var(arg, variable);
        const auto* whole = arg.as<Halide::Internal::Variable>();
        bare += whole != nullptr && whole->name == variable;
      }
      if (uses > 1 && bare != 1) found_ = variable;
    }
  }

 private:
  const std::vector<std::string>& variables_;
  std::string found_;
};

// The Funcs of a pipeline once more, unscheduled, as Halide can differentiate
// them (HalideExceptions). Besides, each RDom has a name of its own: Halide
// looks up the bounds of reduction variables by name, so that of two RDoms
// called "r" one would have the extents of the other, and gradients would
// silently be wrong.
class Copy : public Halide::Internal::IRMutator {
 public:
  // `extents` of the Funcs that are nodes, by the node's name in C.
  Copy(const Func& output,
       const std::map<std::string, std::vector<int>>& extents,
       const std::map<std::string, Buffer<>>& constants)
      : extents_(extents), constants_(constants) {
    std::map<std::string, Function> funcs =
        Halide::Internal::find_transitive_calls(output.function());
    for (const std::string& name :
         Halide::Internal::realization_order({output.function()}, funcs)
             .first) {
      if (constants_.count(name) == 0) Define(funcs.at(name));
    }
    output_ = copies_.at(output.name());
  }

  const Func& output() const { return output_; }
  const std::set<std::string>& reductions() const { return reductions_; }

  // The name in the original of what is called `copy` here.
  std::string OriginalName(const std::string& copy) const {
    for (const auto& [name, func] : copies_) {
      if (func.name() == copy) return name;
    }
    return copy;
  }

 protected:
  using IRMutator::visit;
  Expr visit(const Call* call) override {
    if (call->call_type != Call::Halide) return IRMutator::visit(call);
    const std::vector<Expr> at = mutate(call->args);
    const auto constant = constants_.find(call->name);
    if (constant != constants_.end()) return constant->second(at);
    return copies_.at(call->name)(at);
  }
  Expr visit(const Halide::Internal::Variable* variable) override {
    const auto found = renamed_.find(variable->name);
    return found == renamed_.end() ? Expr(variable) : Expr(found->second);
  }

 private:
  void Define(const Function& original) {
    Func copy(BaseName(original.name()));
    copies_.emplace(original.name(), copy);
    const std::vector<Var> vars(original.args().begin(), original.args().end());
    const Expr& value = original.values()[0];
    const SharedVariable shared(value, original.args());
    if (shared.found().empty()) {
      copy(vars) = mutate(value);
    } else {
      copy(vars) = Halide::Internal::make_zero(value.type());
      DefineByReduction(original, shared.found(), copy);
    }
    for (const auto& update : original.updates()) {
      const auto& domain = update.schedule().rvars();
      if (!domain.empty()) {
        Halide::Region region;
        for (const auto& r : domain) region.push_back({r.min, r.extent});
        RDom fresh(region);
        for (size_t d = 0; d < domain.size(); ++d)
          renamed_[domain[d].var] = fresh[static_cast<int>(d)];
        fresh.where(mutate(update.predicate()));
      }
      copy(mutate(update.args())) = mutate(update.values()[0]);
      renamed_.clear();
    }
  }

  void DefineByReduction(const Function& original, const std::string& variable,
                         Func copy) {
    const std::string name = BaseName(original.name());
    const auto& args = original.args();
    const size_t d =
        std::find(args.begin(), args.end(), variable) - args.begin();
    const RDom all(0, extents_.at(name)[d]);
    renamed_[variable] = all.x;
    std::vector<Expr> at;
    for (const std::string& arg : args) at.push_back(mutate(Expr(Var(arg))));
    copy(at) = mutate(original.values()[0]);
    renamed_.clear();
    reductions_.insert(name);
  }

  const std::map<std::string, std::vector<int>>& extents_;
  const std::map<std::string, Buffer<>>& constants_;
  std::map<std::string, Func> copies_;
  std::map<std::string, RVar> renamed_;
  std::set<std::string> reductions_;
  Func output_;
};

// The name between two texts of a message, or "".
std::string Between(const std::string& message, const std::string& before,
                    const std::string& after) {
  const size_t start = message.find(before);
  if (start == std::string::npos) return "";
  const size_t name = start + before.size(), end = message.find(after, name);
  return end == std::string::npos ? "" : message.substr(name, end - name);
}

class Differentiator {
 public:
  Differentiator(const Graph& forward, const GraphValues& values)
      : values_(values),
        graph_(PipelineGraph(forward, PipelineKind::kLoss64)),
        options_{PipelineKind::kLoss64, static_cast<int>(values.batch) + 1,
                 Schedule::kNaive, ""},
        arguments_(ListArguments(graph_, options_)),
        inputs_(arguments_),
        target_(JitTarget()),
        loss_(BuildPipeline(graph_, options_, target_, inputs_)[0]) {
    for (const Node& node : graph_.nodes()) {
      std::vector<int>& extents = extents_[CName(node.name)];
      if (node.type.per_sample) extents.push_back(options_.block);
      extents.insert(extents.end(), node.type.shape.rbegin(),
                     node.type.shape.rend());
    }
  }

  absl::StatusOr<HalideAdjoints> Run() {
    absl::Status status = BindData(arguments_, values_, &inputs_);
    if (!status.ok()) return status;
    std::vector<int64_t> rows(values_.batch);
    std::iota(rows.begin(), rows.end(), 0);
    BindBlock(arguments_, values_, options_.block, rows, 0, &inputs_);
    status = Differentiate();
    if (!status.ok()) return status;

    std::vector<Buffer<>> buffers;
    KnownBuffers known = KnownInputs(arguments_);
    for (Func& func : results_) {
      const std::vector<int>& extents = result_extents_[buffers.size()];
      buffers.emplace_back(func.type(), extents);
      known[func.output_buffer().name()] = {func.type(), extents};
      StoreAll(func);
    }
    Halide::Pipeline pipeline(results_);
    pipeline.add_custom_lowering_pass(new ArgumentChecksPass(known));
    pipeline.realize(Halide::Realization(buffers), target_);
    return Collect(buffers);
  }

 private:
  // Until Halide refuses nothing that can be a constant.
  absl::Status Differentiate() {
    while (true) {
      const Copy copy(loss_, extents_, constants_);
      std::string message;
      try {
        ListResults(copy.output(), Halide::propagate_adjoints(copy.output()));
        exceptions_.reductions = copy.reductions();
        return absl::OkStatus();
      } catch (const Halide::Error& error) {
        message = error.what();
      }
      const std::string refused =
          Between(message, "Can't take the gradients of ",
                  ", which depend on intermediate values");
      if (!MakeConstant(copy.OriginalName(refused)))
        return absl::InternalError(absl::StrCat("Halide: ", message));
    }
  }

  // A value of each lane.
  bool MakeConstant(const std::string& name) {
    const std::map<std::string, Function> funcs =
        Halide::Internal::find_transitive_calls(loss_.function());
    const auto found = funcs.find(name);
    if (found == funcs.end() || found->second.dimensions() != 1) return false;
    Buffer<> values(Halide::Float(64), {options_.block}, name + "_constant");
    Func(found->second).realize(values, target_);
    return constants_.emplace(name, values).second;
  }

  // The loss, the parameters' adjoints, the constants' adjoints.
  void ListResults(const Func& loss, const Halide::Derivative& adjoints) {
    results_ = {loss};
    result_extents_ = {{}};
    for (const Argument& argument : arguments_) {
      if (argument.kind != ArgumentKind::kParameter || IsFrozen(argument))
        continue;
      results_.push_back(adjoints(argument.name));
      result_extents_.push_back(argument.extents);
      trained_.push_back(argument.tensor);
    }
    for (const auto& [name, values] : constants_) {
      results_.push_back(adjoints(values));
      result_extents_.push_back({options_.block});
      exceptions_.constants.insert(BaseName(name));
    }
  }

  bool IsFrozen(const Argument& parameter) const {
    for (const Node& node : graph_.nodes()) {
      if (node.name == parameter.tensor)
        return static_cast<const ParameterOp&>(*node.op).spec().frozen;
    }
    return false;
  }

  static void StoreAll(const Func& output) {
    for (const auto& [name, func] :
         Halide::Internal::find_transitive_calls(output.function()))
      Func(func).compute_root();
  }

  absl::StatusOr<HalideAdjoints> Collect(
      const std::vector<Buffer<>>& buffers) const {
    HalideAdjoints result;
    result.exceptions = exceptions_;
    for (size_t i = 0; i < buffers.size(); ++i) {
      std::vector<double> values = ReadBuffer(buffers[i]);
      for (double& value : values) value *= values_.scale;
      if (i == 0) {
        result.loss = values[0];
      } else if (i <= trained_.size()) {
        result.gradients[trained_[i - 1]] = values;
      } else {
        for (double value : values) {
          if (std::abs(value) <= kVanishing) continue;
          return absl::FailedPreconditionError(absl::StrCat(
              "a constant of Halide's has the adjoint ", value, ", not 0"));
        }
      }
    }
    return result;
  }

  const GraphValues& values_;
  const Graph graph_;
  const PipelineOptions options_;
  const std::vector<Argument> arguments_;
  JitInputs inputs_;
  const Halide::Target target_;
  const Func loss_;
  std::map<std::string, std::vector<int>> extents_;
  std::map<std::string, Buffer<>> constants_;
  HalideExceptions exceptions_;
  std::vector<Func> results_;
  std::vector<std::vector<int>> result_extents_;
  std::vector<std::string> trained_;
};

absl::Status Error(const std::string& what) {
  return absl::FailedPreconditionError(what);
}

absl::Status Compare(const std::string& what,
                     const std::vector<double>& interpreted,
                     const std::vector<double>& adjoint, double scale,
                     HalideCheckReport* report) {
  if (interpreted.size() != adjoint.size()) {
    return Error(absl::StrCat(what, " has ", interpreted.size(),
                              " values, Halide's ", adjoint.size()));
  }
  scale = std::max(scale, LargestOf(interpreted));
  for (size_t i = 0; i < adjoint.size(); ++i) {
    const double error = std::abs(interpreted[i] - adjoint[i]);
    if (!std::isfinite(interpreted[i]) || !(error <= kHalideTolerance * scale))
      return Error(absl::StrFormat(
          "%s[%d] is %.17g, Halide says %.17g (largest of the tensor: %g)",
          what, i, interpreted[i], adjoint[i], scale));
    report->worst = std::max(report->worst, error / scale);
    ++report->comparisons;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HalideAdjoints> HalideGradients(const Graph& forward,
                                               const GraphValues& values) {
  try {
    return Differentiator(forward, values).Run();
  } catch (const Halide::Error& error) {
    return absl::InternalError(absl::StrCat("Halide: ", error.what()));
  }
}

absl::StatusOr<HalideCheckReport> CheckAgainstHalide(
    const Graph& forward, const GraphValues& values,
    const std::set<std::string>& zero) {
  const auto training = BuildTrainingGraph(forward);
  if (!training.ok()) return training.status();
  const auto gradients = InterpretGradients(*training, values);
  if (!gradients.ok()) return gradients.status();
  const auto loss = InterpretLoss(forward, values);
  if (!loss.ok()) return loss.status();
  const auto adjoints = HalideGradients(forward, values);
  if (!adjoints.ok()) return adjoints.status();

  HalideCheckReport report;
  report.exceptions = adjoints->exceptions;
  absl::Status status =
      Compare("the loss", {*loss}, {adjoints->loss}, 1, &report);
  if (!status.ok()) return status;
  if (gradients->size() != adjoints->gradients.size() || gradients->empty()) {
    return Error(absl::StrCat(gradients->size(), " gradients, Halide has ",
                              adjoints->gradients.size()));
  }
  for (const auto& [name, gradient] : *gradients) {
    const auto adjoint = adjoints->gradients.find(name);
    if (adjoint == adjoints->gradients.end())
      return Error(absl::StrCat("Halide has no gradient of ", name));
    const bool is_zero = IsAllZero(gradient);
    const bool zero_expected = zero.count(name) > 0;
    if (is_zero && !zero_expected)
      return Error(absl::StrCat(name, "'s gradient is all zero"));
    if (zero_expected && !is_zero)
      return Error(absl::StrCat(name, "'s gradient is not all zero"));
    status = Compare(absl::StrCat("the gradient of ", name), gradient,
                     adjoint->second, is_zero ? 1 : 0, &report);
    if (!status.ok()) return status;
  }
  return report;
}

}  // namespace kiln
