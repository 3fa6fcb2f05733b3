// plot and train --plot as a user calls them, over a bundle that no compiler
// made.

#include <stdlib.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/command_line.h"
#include "runtime/model.h"
#include "runtime/plot/gnuplot.h"
#include "tests/support/fake_bundle.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

struct Outcome {
  int code = 0;
  std::string out, err;
};

Outcome RunVerb(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), FakeBundle().name);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = RunCommandLine(FakeBundle(), argv.size() - 1, argv.data());
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

testing::AssertionResult Refuses(const std::vector<std::string>& arguments,
                                 const std::string& complaint) {
  const Outcome outcome = RunVerb(arguments);
  if (outcome.code != 0 && outcome.out.empty() && !outcome.err.empty() &&
      outcome.err.find('\n') == outcome.err.size() - 1 &&
      outcome.err.find(complaint) != std::string::npos) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "code " << outcome.code << "\nstdout: " << outcome.out
         << "\nstderr: " << outcome.err;
}

class PlotVerbTest : public testing::Test {
 protected:
  PlotVerbTest() {
    Fake() = {};
    auto model = Model::Create(FakeBundle()).value();
    model->Initialize(1);
    weights_ = directory_ / "w.safetensors";
    EXPECT_TRUE(model->SaveParameters(weights_).ok());
  }

  TemporaryDirectory directory_;
  std::string weights_;
};

TEST_F(PlotVerbTest, HelpListsThePictures) {
  const Outcome all = RunVerb({"plot", "--help"});
  EXPECT_EQ(all.code, 0);
  for (const char* kind :
       {"curves", "boundary", "weights", "features", "function", "surface"}) {
    EXPECT_NE(all.out.find(kind), std::string::npos);
    const Outcome one = RunVerb({"plot", kind, "--help"});
    EXPECT_EQ(one.code, 0);
    EXPECT_NE(one.out.find("--data_out=FILE.csv"), std::string::npos) << kind;
    EXPECT_NE(one.out.find(std::string("plot ") + kind), std::string::npos);
  }
  EXPECT_TRUE(Refuses({"plot"}, "which picture?"));
  EXPECT_TRUE(Refuses({"plot", "pie"}, "\"pie\""));
  EXPECT_TRUE(Refuses({"plot", "--out=x.png"}, "the picture comes first"));
}

TEST_F(PlotVerbTest, OtherKindsOfModelAreRefused) {
  const std::string load = "--load=" + weights_,
                    out = "--out=" + (directory_ / "p.png");
  EXPECT_TRUE(Refuses({"plot", "boundary", load, out}, "one input of two"));
  EXPECT_TRUE(Refuses({"plot", "function", load, out}, "one number in"));
  EXPECT_TRUE(Refuses({"plot", "surface", out}, "one neuron"));
  EXPECT_TRUE(Refuses({"plot", "features", load, out}, "no convolution"));
  EXPECT_TRUE(Refuses({"plot", "weights", load, out, "--layer=conv7"},
                      "has the layers fc"));
  EXPECT_EQ(directory_.Names().size(), 1u);
}

TEST_F(PlotVerbTest, FilesAreCheckedFirst) {
  const std::string out = "--out=" + (directory_ / "p.png");
  EXPECT_TRUE(Refuses({"plot", "weights", "--load=" + weights_}, "--out=FILE"));
  EXPECT_TRUE(Refuses(
      {"plot", "weights", "--load=" + weights_, "--out=/no/such/place/p.png"},
      "/no/such/place"));
  EXPECT_TRUE(Refuses({"plot", "curves", out}, "--log=FILE.jsonl is missing"));
  EXPECT_TRUE(Refuses({"plot", "curves", out, "--log=a", "--accuracy_from=100"},
                      "not from 0 to below 100"));
  if (!CheckGnuplot().ok()) GTEST_SKIP() << "gnuplot is not installed";
  EXPECT_TRUE(Refuses({"plot", "weights", out}, "--load=FILE is missing"));
  EXPECT_TRUE(Refuses({"plot", "weights", out, "--load=/no/such/file"},
                      "/no/such/file"));
  EXPECT_TRUE(
      Refuses({"plot", "curves", out, "--log=/no/such/log"}, "/no/such/log"));
  EXPECT_TRUE(Refuses({"plot", "curves", out, "--log=a,b", "--names=c"},
                      "1 names for 2 files"));
}

TEST_F(PlotVerbTest, WithoutGnuplot) {
  const char* const path = getenv("PATH");
  const std::string before = path == nullptr ? "" : path;
  setenv("PATH", "/nonexistent", 1);
  const std::string out = directory_ / "p.png";
  EXPECT_TRUE(Refuses({"plot", "weights", "--load=" + weights_, "--out=" + out},
                      "gnuplot-nox"));
  EXPECT_TRUE(Refuses({"train", "--plot=" + out}, "gnuplot-nox"));
  setenv("PATH", before.c_str(), 1);
  EXPECT_EQ(Fake().step_calls + Fake().grad_calls, 0)
      << "said before the training, not after it";
}

TEST_F(PlotVerbTest, Weights) {
  if (!CheckGnuplot().ok()) GTEST_SKIP() << "gnuplot is not installed";
  const Outcome outcome = RunVerb({"plot", "weights", "--load=" + weights_,
                                   "--out=" + (directory_ / "p.png"),
                                   "--data_out=" + (directory_ / "p.csv")});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(ReadBytes(directory_ / "p.png").substr(1, 3), "PNG");
  // fc.weight [3,4]: three pictures of 2x2.
  const std::string csv = ReadBytes(directory_ / "p.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 3 * 4);
  EXPECT_NE(csv.find("\n2,0,2,1,1,"), std::string::npos) << csv;
}

}  // namespace
}  // namespace kiln
