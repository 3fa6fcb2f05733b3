// What binaries say of models without running them: hand case 4 (models that
// are only counted, in little memory), the report of the compiler's passes and
// the matrix of a convolution (hand case 7).

#include <stdlib.h>
#include <sys/wait.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/support/idx_files.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;

struct Outcome {
  int code = 0;
  std::string out, err;
};

// Runs a model's binary in 256 MiB of address space.
Outcome RunBinary(const std::string& command) {
  const TemporaryDirectory streams;
  const int status =
      std::system(("ulimit -v 262144; '" KILN_BIN_DIR "'/" + command + " >" +
                   streams / "out" + " 2>" + streams / "err")
                      .c_str());
  return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = ReadBytes(streams / "out"),
          .err = ReadBytes(streams / "err")};
}

TEST(CountedTest, SummaryAllocatesNothing) {
  // Its parameters alone would be 6.4 GB.
  const Outcome mlp = RunBinary("mlp_1080p summary");
  EXPECT_EQ(mlp.code, 0) << mlp.err;
  // 6,220,800 x 256 + 256 + 2,560 + 10.
  for (const char* part : {"1,592,525,056", "2,570", "1,592,527,626",
                           "no pipelines: this model is only counted"})
    EXPECT_THAT(mlp.out, HasSubstr(part));
  const Outcome stack = RunBinary("conv_stack summary");
  EXPECT_EQ(stack.code, 0) << stack.err;
  for (const char* part : {"3,136", "65,600", "593,536"})
    EXPECT_THAT(stack.out, HasSubstr(part));
}

TEST(CountedTest, GraphWorksToo) {
  const Outcome graph =
      RunBinary("mlp_1080p graph --stage=backward --format=text");
  EXPECT_EQ(graph.code, 0) << graph.err;
  EXPECT_THAT(graph.out, HasSubstr("fc1.d_weight"));
}

TEST(CountedTest, OtherVerbsAreRefusedInOneLine) {
  for (const char* verb : {"train", "eval --load=x", "gradcheck", "bench",
                           "matrix", "train --help"}) {
    const Outcome outcome = RunBinary(std::string("conv_stack ") + verb);
    EXPECT_EQ(outcome.code, 1) << verb;
    EXPECT_THAT(outcome.err,
                HasSubstr("this model is only counted: it has summary and "
                          "graph alone; take COUNT_ONLY out"))
        << verb;
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
    EXPECT_EQ(outcome.out, "") << verb;
  }
}

TEST(SummaryTest, SaysWhatTheCompilerDid) {
  const Outcome summary = RunBinary("folded_net summary");
  EXPECT_EQ(summary.code, 0) << summary.err;
  EXPECT_THAT(
      summary.out,
      HasSubstr(
          "what the compiler did\n"
          "  inference: identity1 computes nothing and is left out\n"
          "  inference: bn1 folded into conv1 (-128 FLOPs)\n"
          "  inference: fc1, fc2 and fc3 collapsed into one dense layer "
          "(-26,088 FLOPs)\n"
          "  backward keeps no pre-activation of relu1 (64 values): 256 bytes "
          "a sample less\n"
          "  gradient of input image not computed: saves "));
  EXPECT_THAT(summary.out, HasSubstr("folded_net_prepare"));
}

TEST(MatrixTest, PrintsTheConvolutionAsATable) {
  const Outcome table = RunBinary("folded_net matrix --layer=conv1");
  EXPECT_EQ(table.code, 0) << table.err;
  // 4 filters at 4 x 4 positions of a 6 x 6 image, 9 weights each.
  EXPECT_THAT(table.out,
              HasSubstr("conv1 as a matrix: 64 x 36, 576 entries\n"));
  int dots = 0;
  for (char c : table.out.substr(table.out.find('\n'))) dots += c == '.';
  EXPECT_EQ(dots, 64 * 36) << "an empty place and a number have one each";
}

TEST(MatrixTest, PrintsCoordinates) {
  const Outcome first = RunBinary("folded_net matrix --format=mtx"),
                other = RunBinary("folded_net matrix --format=mtx --seed=2");
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.out,
              HasSubstr("%%MatrixMarket matrix coordinate real general\n"
                        "64 36 576\n1 1 "));
  EXPECT_NE(first.out, other.out);
}

TEST(MatrixTest, MistakesAreOneLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"folded_net matrix --layer=fc1",
       "--layer=fc1 is no convolution; there are conv1"},
      {"folded_net matrix --format=csv", "--format=csv is neither"},
      {"folded_net matrix --load=nosuch", "nosuch"},
      {"xor_mlp matrix", "the model has no convolution"}};
  for (const auto& [command, complaint] : cases) {
    const Outcome outcome = RunBinary(command);
    EXPECT_EQ(outcome.code, 1) << command;
    EXPECT_THAT(outcome.err, HasSubstr(complaint));
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
  }
}

}  // namespace
}  // namespace kiln
