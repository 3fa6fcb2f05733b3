// bin/kiln_bench: whole training steps and inference, as the runtime makes
// them, of the models and batches that Kiln's goals are stated for.
//
// Each row is the median of several repetitions, which are interleaved at
// random so that a busy minute of the machine falls on all alike; peak and
// bandwidth are measured before each repetition. All of Google Benchmark's
// flags work: --benchmark_filter=lenet5/step selects.
#include "bench/bench_main.h"
#include "bench/model_benchmarks.h"
#include "fc_net_relu_ce.h"
#include "fc_net_relu_l2.h"
#include "fc_net_sigmoid_ce.h"
#include "fc_net_sigmoid_l2.h"
#include "lenet5.h"
#include "mnist_cnn.h"
#include "mnist_fc.h"
#include "part2_fc.h"
#include "wide_cnn.h"
#include "xor_mlp.h"

namespace {

using namespace kiln::models;

const struct {
  const char* name;
  const kiln::Bundle& (*bundle)();
  std::vector<int64_t> batches;  // of training steps
  std::vector<int64_t> inference_batches = {};
} kModels[] = {
    {"lenet5", lenet5, {1, 8, 64, 256}, {1, 64}},
    {"mnist_cnn", mnist_cnn, {1, 8, 64, 256}, {1, 64}},
    {"mnist_fc", mnist_fc, {8, 64}},
    {"xor_mlp", xor_mlp, {4}},
    {"part2_fc", part2_fc, {16}},
    {"fc_net_sigmoid_l2", fc_net_sigmoid_l2, {64}},
    {"fc_net_sigmoid_ce", fc_net_sigmoid_ce, {64}},
    {"fc_net_relu_l2", fc_net_relu_l2, {64}},
    {"fc_net_relu_ce", fc_net_relu_ce, {64}},
    {"wide_cnn", wide_cnn, {32}},
};

}  // namespace

int main(int argc, char** argv) {
  if (!kiln::InitializeBenchmarks(argc, argv)) return 1;
  for (const auto& model : kModels) {
    for (int64_t batch : model.batches) {
      for (int threads : {1, 2})
        kiln::RegisterWholeStep(model.name, model.bundle(), batch, threads);
    }
    for (int64_t batch : model.inference_batches)
      kiln::RegisterInference(model.name, model.bundle(), batch, 1);
  }
  return kiln::RunBenchmarks();
}
