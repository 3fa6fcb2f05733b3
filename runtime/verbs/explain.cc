// explain: one sample through the model, by the trace pipeline and the formulas
// of the manifest.

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "runtime/atomic_file.h"
#include "runtime/explanation.h"
#include "runtime/trace.h"
#include "runtime/verbs/verb.h"

namespace kiln {
inline namespace runtime {

namespace {

struct ExplainFlags {
  DataOptions data;
  std::string load, node, latex;
  uint64_t seed = 1;
  int64_t sample = 0, max_values = 16;
};

absl::Status CheckFlags(const Manifest& manifest, const ExplainFlags& flags) {
  absl::Status status = CheckAtLeast("sample", flags.sample, 0);
  if (status.ok()) status = CheckAtLeast("max_values", flags.max_values, 1);
  if (!status.ok()) return status;
  if (!flags.node.empty() && !flags.latex.empty()) {
    return absl::InvalidArgumentError(
        "--latex is of all nodes; leave out --node");
  }
  if (!flags.node.empty() && manifest.FindNode(flags.node) < 0) {
    return absl::NotFoundError(
        absl::StrCat("--node=", flags.node,
                     ": the model has no such node; graph --stage=final "
                     "--format=text lists them"));
  }
  return flags.latex == "-" ? absl::OkStatus() : CheckWritable(flags.latex);
}

absl::Status Print(const ExplainFlags& flags, const Explanation& explanation) {
  if (!flags.node.empty()) {
    const int node = explanation.manifest.FindNode(flags.node);
    std::fputs(ExplainNode(explanation, node).c_str(), stdout);
    return absl::OkStatus();
  }
  if (flags.latex.empty() || flags.latex == "-") {
    const std::string text = flags.latex.empty() ? ExplainAsText(explanation)
                                                 : ExplainAsLatex(explanation);
    std::fputs(text.c_str(), stdout);
    return absl::OkStatus();
  }
  const std::string document = ExplainAsLatex(explanation);
  if (absl::Status status = WriteFileAtomically(flags.latex, {document});
      !status.ok())
    return status;
  std::printf("wrote %s\n", flags.latex.c_str());
  return absl::OkStatus();
}

}  // namespace

absl::Status RunExplain(const VerbContext& context) {
  ExplainFlags f;
  f.data = DefaultDataOptions(context.manifest);
  FlagSet flags;
  AddDataFlags(flags, f.data);
  flags.Add("sample", &f.sample, "N",
            "which sample of the training part, from 0 on");
  flags.Add("load", &f.load, "FILE",
            "weights, safetensors; without it those that training starts from");
  flags.Add("seed", &f.seed, "N", "of the initial weights");
  flags.Add("node", &f.node, "NAME", "only this node");
  flags.Add("max_values", &f.max_values, "N",
            "print all values of a tensor of at most N; of a larger one the "
            "first N, least, mean and largest");
  flags.AddOptional("latex", &f.latex, "FILE", "-",
                    "write the derivation as a LaTeX document, to standard "
                    "output or a file");
  absl::StatusOr<bool> proceed = ParseFlags(context, flags);
  if (!proceed.ok() || !*proceed) return proceed.status();
  if (absl::Status status = CheckFlags(context.manifest, f); !status.ok())
    return status;

  absl::StatusOr<std::unique_ptr<Model>> model =
      ModelWithWeights(context, f.load, f.seed);
  if (!model.ok()) return model.status();
  absl::StatusOr<std::unique_ptr<BoundData>> data =
      BoundData::Load(context.manifest, f.data);
  if (!data.ok()) return data.status();
  auto values =
      TraceSample(context.bundle, **model, (*data)->train(), f.sample);
  if (!values.ok()) return values.status();
  return Print(
      f, {.manifest = context.manifest,
          .values = *std::move(values),
          .sample = absl::StrCat("sample ", f.sample, " of ", f.data.source),
          .weights = f.load.empty()
                         ? absl::StrCat("initial weights of seed ", f.seed)
                         : absl::StrCat("weights of ", f.load),
          .max_values = f.max_values});
}

}  // namespace runtime
}  // namespace kiln
