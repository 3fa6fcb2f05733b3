// bin/kiln_bench_ops: every distinct op of the models' training graphs by
// itself, in several blocks, on every schedule:
//   <model>:<node>/b<block>/<schedule>
// An op that several models have alike is the first one's. Pipelines are
// compiled when they are measured, so a filter spares its time.
#include <benchmark/benchmark.h>

#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/bench_main.h"
#include "bench/measure.h"
#include "bench/ops/op_pipeline.h"
#include "dsl/analysis.h"
#include "dsl/model.h"
#include "dsl/passes.h"

void KilnModelDefinition_lenet5(kiln::ModelBuilder& builder);
void KilnModelDefinition_mnist_cnn(kiln::ModelBuilder& builder);
void KilnModelDefinition_mnist_fc(kiln::ModelBuilder& builder);
void KilnModelDefinition_wide_cnn(kiln::ModelBuilder& builder);

namespace kiln {
namespace {

const struct {
  const char* name;
  void (*definition)(ModelBuilder&);
} kModels[] = {{"lenet5", KilnModelDefinition_lenet5},
               {"mnist_cnn", KilnModelDefinition_mnist_cnn},
               {"mnist_fc", KilnModelDefinition_mnist_fc},
               {"wide_cnn", KilnModelDefinition_wide_cnn}};

// What an op is: two nodes with the same text cost the same.
std::string Signature(const Graph& graph, const Node& node) {
  std::string text = absl::StrCat(node.op->name(), " ", node.op->Attributes());
  for (const TensorType& type : graph.InputTypes(node))
    absl::StrAppend(&text, " ", TypeString(type));
  return text;
}

// "" when both schedules' results agree as bench/agreement.h wants it.
std::string Disagreement(OpPipeline& pipeline, const Graph& graph, int block) {
  auto naive = OpPipeline::Compile(graph, block, "naive");
  if (!naive.ok()) return std::string(naive.status().message());
  pipeline.ClearOutput();
  if (pipeline.Run() != 0 || (*naive)->Run() != 0) return "a run failed";
  const Halide::Buffer<float>& result = pipeline.output();
  const Halide::Buffer<float>& expected = (*naive)->output();
  double largest = 0, difference = 0;
  expected.for_each_element([&](const int* at) {
    const double wanted = expected(at);
    const double distance = std::abs(result(at) - wanted);
    largest = std::max(largest, std::abs(wanted));
    difference =
        std::max(difference, std::isfinite(distance) ? distance : HUGE_VAL);
  });
  if (difference <= 1e-4 * largest) return "";
  return absl::StrFormat(
      "differs from the naive schedule's by %.2g, the largest is %.2g",
      difference, largest);
}

struct Subject {
  Graph graph;
  int block;
  std::string schedule;
  std::optional<std::string> failure;  // once it is known
  std::unique_ptr<OpPipeline> pipeline;

  void Prepare() {
    if (failure.has_value()) return;
    try {
      auto compiled = OpPipeline::Compile(graph, block, schedule);
      if (!compiled.ok()) {
        failure = std::string(compiled.status().message());
        return;
      }
      pipeline = *std::move(compiled);
      failure =
          schedule == "naive" ? "" : Disagreement(*pipeline, graph, block);
    } catch (const Halide::Error& error) {
      failure = std::string(
          absl::StripTrailingAsciiWhitespace(absl::string_view(error.what())));
    }
  }
};

void Register(const std::string& name, const Graph& graph, int block,
              const std::string& schedule) {
  auto subject = std::make_shared<Subject>(
      Subject{graph, block, schedule, std::nullopt, nullptr});
  const double useful =
      static_cast<double>(FlopsOf(graph, graph.nodes().back()).useful);
  benchmark::RegisterBenchmark(
      absl::StrCat(name, "/b", block, "/", schedule).c_str(),
      [=](benchmark::State& state) {
        subject->Prepare();
        if (!subject->failure->empty())
          return state.SkipWithError(subject->failure->c_str());
        const Work work = {.samples = static_cast<double>(block),
                           .flops = useful * block,
                           .traffic = subject->pipeline->traffic()};
        Measure(state, work, [&] {
          const int code = subject->pipeline->Run();
          return code == 0 ? absl::OkStatus()
                           : absl::InternalError(
                                 absl::StrCat("the pipeline returned ", code));
        });
      });
}

// Registers the distinct ops; false with a message when a model is wrong.
bool RegisterModels() {
  std::set<std::string> seen;
  for (const auto& model : kModels) {
    ModelBuilder builder{ModelOptions{}};
    model.definition(builder);
    absl::StatusOr<Model> built = builder.Build();
    absl::StatusOr<Graph> training =
        built.ok() ? BuildTrainingGraph(built->graph) : built.status();
    if (!training.ok()) {
      std::fprintf(stderr, "kiln_bench_ops: %s\n",
                   training.status().ToString().c_str());
      return false;
    }
    for (NodeId id = 0; id < training->size(); ++id) {
      const Node& node = training->node(id);
      // A reshape moves nothing where it stands between two ops.
      if (node.inputs.empty() || node.op->name() == "reshape" ||
          node.type.dtype == DType::kInt32 ||
          !seen.insert(Signature(*training, node)).second)
        continue;
      const absl::StatusOr<Graph> graph = SingleOpGraph(*training, id);
      if (!graph.ok()) continue;
      for (int block : {1, 8, 32, 64}) {
        for (const char* schedule :
             {"fast", "naive", "Mullapudi2016", "Adams2019"})
          Register(absl::StrCat(model.name, ":", node.name), *graph, block,
                   schedule);
      }
    }
  }
  return true;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  if (!kiln::InitializeBenchmarks(argc, argv)) return 1;
  Halide::load_plugin(KILN_MULLAPUDI2016);
  Halide::load_plugin(KILN_ADAMS2019);
  return kiln::RegisterModels() ? kiln::RunBenchmarks() : 1;
}
