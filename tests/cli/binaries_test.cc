// The models' binaries as a user calls them: what they print, what they leave
// behind, what they say about bad input.

#include <stdlib.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/idx_files.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

struct Outcome {
  int code = 0;  // 128 + n when signal n ended it, as in a shell
  std::string out, err;
};

// Runs a shell command in which %/ stands for the binaries' folder.
Outcome Shell(std::string command) {
  for (size_t at; (at = command.find("%/")) != std::string::npos;) {
    command.replace(at, 1, "'" KILN_BIN_DIR "'");
  }
  const TemporaryDirectory streams;
  command += " >" + streams / "out" + " 2>" + streams / "err";
  const int status = std::system(command.c_str());
  return {
      .code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
      .out = ReadBytes(streams / "out"),
      .err = ReadBytes(streams / "err")};
}

// A mistake: exit code 1, and one line on standard error that holds `parts`.
testing::AssertionResult Refuses(const std::string& command,
                                 const std::vector<std::string>& parts) {
  const Outcome outcome = Shell(command);
  const auto failure = [&] {
    return testing::AssertionFailure()
           << command << "\nexit code " << outcome.code
           << "\nstdout: " << outcome.out << "\nstderr: " << outcome.err;
  };
  if (outcome.code != 1) return failure();
  if (outcome.err.empty() || outcome.err.find('\n') != outcome.err.size() - 1) {
    return failure() << "not one line";
  }
  for (const std::string& part : parts) {
    if (outcome.err.find(part) == std::string::npos) {
      return failure() << "does not say " << part;
    }
  }
  return testing::AssertionSuccess();
}

std::string LastLine(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  return text.substr(text.rfind('\n', end) + 1, end - text.rfind('\n', end));
}

TEST(BinariesTest, LinkNeitherHalideNorLlvm) {
  for (const char* binary : {"lenet5", "mnist_cnn", "xor_mlp"}) {
    const Outcome libraries = Shell(std::string("ldd %/") + binary);
    ASSERT_EQ(libraries.code, 0);
    EXPECT_NE(libraries.out.find("libc.so"), std::string::npos);
    EXPECT_EQ(libraries.out.find("libHalide"), std::string::npos);
    EXPECT_EQ(libraries.out.find("LLVM"), std::string::npos);
  }
}

// 800 MB of images, and weights of 4 GB, in 400 MB of address space.
TEST(BinariesTest, OutOfMemoryIsOneLine) {
  const std::string little = "ulimit -v 409600; ";
  EXPECT_TRUE(Refuses(little + "%/lenet5 bench --batch=1000000",
                      {"lenet5 bench: out of memory\n"}));
  const TemporaryDirectory directory;
  const std::string header =
      R"({"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}})";
  const std::string weights = directory / "w";
  std::ofstream(weights, std::ios::binary)
      << static_cast<char>(header.size()) << std::string(7, '\0') << header;
  ASSERT_EQ(Shell("truncate --size=+4000000000 " + weights).code, 0);
  EXPECT_TRUE(Refuses(little + "%/lenet5 eval --data=digits --load=" + weights,
                      {weights, "no memory for its 4000000000 bytes of data"}));
}

TEST(BinariesTest, EveryGradientPassesItsCheck) {
  for (const char* binary : {"lenet5", "mnist_cnn", "xor_mlp"}) {
    const Outcome check =
        Shell(std::string("%/") + binary + " gradcheck --json --seed=2");
    EXPECT_EQ(check.code, 0) << check.err;
    EXPECT_TRUE(nlohmann::json::parse(check.out)["passed"]);
  }
}

TEST(BinariesTest, SummaryCountsParametersAndFlops) {
  const std::string lenet5 = Shell("%/lenet5 summary").out;
  // REFERENCE: 156 + 2,416 + 48,120 + 10,164 + 850 = 61,706 parameters, and
  // 2,263,920 useful FLOPs a sample and step.
  for (const char* part :
       {"156", "2,416", "48,120", "10,164", "850", "61,706", "2,263,920"}) {
    EXPECT_NE(lenet5.find(part), std::string::npos) << part;
  }
  EXPECT_NE(Shell("%/mnist_cnn summary").out.find("643,584"),
            std::string::npos);
}

TEST(BinariesTest, GraphIsDot) {
  for (const char* stage : {"forward", "backward", "final"}) {
    const Outcome graph = Shell(std::string("%/lenet5 graph --stage=") + stage);
    EXPECT_EQ(graph.code, 0);
    EXPECT_EQ(graph.out.rfind("digraph", 0), 0);
    EXPECT_NE(graph.out.find("conv1"), std::string::npos);
  }
  EXPECT_NE(Shell("%/lenet5 graph --stage=backward").out.find("conv1.d_weight"),
            std::string::npos);
}

TEST(BinariesTest, BenchPrintsOneJsonObject) {
  const Outcome bench = Shell("%/lenet5 bench --json --batch=32 --threads=1");
  ASSERT_EQ(bench.code, 0) << bench.err;
  const nlohmann::json json = nlohmann::json::parse(bench.out);
  for (const char* key : {"train_us", "infer_us", "batch", "threads", "gflops",
                          "peak_gflops", "share_of_peak"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_EQ(json["batch"], 32);
  EXPECT_GT(json["share_of_peak"], 0);
}

TEST(BinariesTest, TrainSaveEvalAgreeAndRepeatBitForBit) {
  const TemporaryDirectory out;
  const std::string train = "%/mnist_cnn train --seed=3 --save=";
  const Outcome first = Shell(train + out / "a");
  ASSERT_EQ(first.code, 0) << first.err;
  ASSERT_EQ(Shell(train + out / "b").code, 0);
  EXPECT_EQ(ReadBytes(out / "a"), ReadBytes(out / "b"));
  EXPECT_EQ(LastLine(first.out).rfind("test accuracy 9", 0), 0)
      << LastLine(first.out);
  const Outcome eval = Shell("%/mnist_cnn eval --load=" + out / "a");
  EXPECT_EQ(LastLine(eval.out), LastLine(first.out));

  // A run is a function of its weights and data alone.
  const std::string fixed =
      "%/mnist_cnn train --noshuffle --steps=20 --init=" + out / "a";
  ASSERT_EQ(Shell(fixed + " --seed=1 --save=" + out / "c").code, 0);
  ASSERT_EQ(Shell(fixed + " --seed=2 --save=" + out / "d").code, 0);
  EXPECT_EQ(Shell("%/mnist_cnn eval --load=" + out / "c").out,
            Shell("%/mnist_cnn eval --load=" + out / "d").out);
}

// Batch gradient descent takes a step an epoch, stochastic gradient descent one
// a sample; both learn the four rows.
TEST(BinariesTest, BatchAndStochasticDescentFromOneBinary) {
  const std::string train =
      "%/xor_mlp train --optimizer=sgd --lr=0.1 --epochs=2000 "
      "--stop_at_accuracy=1 --stop_on=train --batch=";
  const TemporaryDirectory out;
  for (const auto& [batch, steps_per_epoch] : {std::pair("all", 1), {"1", 4}}) {
    const std::string log = out / batch;
    const Outcome run = Shell(train + batch + " --log=" + log);
    ASSERT_EQ(run.code, 0) << run.err;
    const std::string text = ReadBytes(log);
    const nlohmann::json end = nlohmann::json::parse(LastLine(text));
    EXPECT_EQ(end["reason"], "accuracy") << run.out;
    EXPECT_EQ(end["step"], end["epoch"].get<int>() * steps_per_epoch);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'),
              end["step"].get<int>() + end["epoch"].get<int>() + 1);
    EXPECT_EQ(LastLine(run.out), "test accuracy 100.00 % (4/4)");
  }
}

TEST(BinariesTest, BadWeightsAreRefusedByNameAndReason) {
  const TemporaryDirectory out;
  const std::string weights = out / "w";
  ASSERT_EQ(Shell("%/mnist_cnn train --steps=0 --save=" + weights).code, 0);
  EXPECT_TRUE(Refuses("%/lenet5 eval --load=" + weights, {weights}));

  std::string bytes = ReadBytes(weights);
  bytes[bytes.size() / 2] ^= 4;
  WriteBytes(out / "flipped", bytes);
  EXPECT_TRUE(
      Refuses("%/mnist_cnn eval --load=" + out / "flipped", {out / "flipped"}));
  WriteBytes(out / "short", bytes.substr(0, bytes.size() - 3));
  EXPECT_TRUE(
      Refuses("%/mnist_cnn train --init=" + out / "short", {out / "short"}));
}

TEST(BinariesTest, BadDataAreRefusedAndNothingIsLeftBehind) {
  const TemporaryDirectory data, out;
  const std::string train = "%/lenet5 train --epochs=1 --data=" + data.path() +
                            " --save=" + out / "w" + " --log=" + out / "log";
  const std::string pixels(2 * 28 * 28, '\7');
  const auto write = [&](const std::string& images, const std::string& labels) {
    for (const char* part : {"train", "t10k"}) {
      WriteBytes(data / part + "-images-idx3-ubyte", images);
      WriteBytes(data / part + "-labels-idx1-ubyte", labels);
    }
  };
  EXPECT_TRUE(Refuses(train, {data.path()}));  // empty
  const std::string good_images = IdxBytes({2, 28, 28}, pixels);
  const std::string good_labels = IdxBytes({2}, std::string{3, 9});
  write(good_images, IdxBytes({2}, std::string{3, 10}));
  EXPECT_TRUE(Refuses(train, {"label", "10"}));
  write(good_images, IdxBytes({3}, std::string{3, 9, 9}));
  EXPECT_TRUE(Refuses(train, {data.path()}));
  write(good_images.substr(0, 1000), good_labels);
  EXPECT_TRUE(Refuses(train, {"train-images-idx3-ubyte"}));
  write("\1\2\3\4" + good_images, good_labels);
  EXPECT_TRUE(Refuses(train, {"train-images-idx3-ubyte"}));
  write(IdxBytes({2, 27, 28}, pixels.substr(0, 2 * 27 * 28)), good_labels);
  EXPECT_TRUE(Refuses(train, {data.path()}));
  EXPECT_TRUE(out.Names().empty()) << out.Names()[0];

  write(good_images, good_labels);  // and now all is well
  EXPECT_EQ(Shell(train).code, 0);
  EXPECT_EQ(out.Names().size(), 2);
}

TEST(BinariesTest, BadCommandLines) {
  EXPECT_TRUE(Refuses("%/lenet5", {"--help"}));
  EXPECT_TRUE(Refuses("%/lenet5 fly", {"unknown verb fly"}));
  EXPECT_TRUE(Refuses("%/lenet5 train --lr=abc", {"--lr=abc"}));
  EXPECT_TRUE(Refuses("%/lenet5 train --lr", {"--lr"}));
  EXPECT_TRUE(Refuses("%/lenet5 train --batch=0", {"batch"}));
  EXPECT_TRUE(Refuses("%/lenet5 train --learning_rate=1", {"unknown flag"}));
  EXPECT_TRUE(Refuses("%/xor_mlp train --data=digits", {"digits"}));
  EXPECT_EQ(Shell("%/lenet5 --help").code, 0);
  EXPECT_EQ(Shell("%/lenet5 train --help").code, 0);
}

TEST(BinariesTest, AFullDiskIsAnError) {
  // The redirection inside wins over Shell's own.
  const Outcome outcome = Shell("(%/lenet5 summary >/dev/full)");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("standard output"), std::string::npos);
}

}  // namespace
}  // namespace kiln
