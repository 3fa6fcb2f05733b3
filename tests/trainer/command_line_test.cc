#include "runtime/command_line.h"

#include <sys/stat.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/weights_file.h"
#include "tests/support/fake_bundle.h"
#include "tests/support/run_verb.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() { Fake() = {}; }
  ~CommandLineTest() override { Fake() = {}; }
};

TEST_F(CommandLineTest, VerbsComeFirst) {
  EXPECT_TRUE(Refuses({}, "no verb given; see --help"));
  EXPECT_TRUE(Refuses({"trian"}, "unknown verb trian"));
  EXPECT_TRUE(Refuses({"--batch=3", "train"}, "a verb comes first"));
}

TEST_F(CommandLineTest, HelpIsCompleteAndSucceeds) {
  const Outcome all = RunVerb({"--help"});
  EXPECT_EQ(all.code, 0);
  EXPECT_EQ(all.err, "");
  for (const char* verb : {"summary", "train", "eval", "gradcheck", "graph",
                           "bench", "profile", "matrix"}) {
    EXPECT_NE(all.out.find(verb), std::string::npos);
    const Outcome one = RunVerb({verb, "--help"});
    EXPECT_EQ(one.code, 0) << verb;
    EXPECT_NE(one.out.find(verb), std::string::npos);
    EXPECT_TRUE(
        Refuses({verb, "--frobnicate=1"}, "unknown flag --frobnicate=1"));
    EXPECT_TRUE(Refuses({verb, "extra"}, "unexpected argument \"extra\""));
  }
  const std::string train = RunVerb({"train", "--help"}).out;
  for (const char* flag : {"--data=",
                           "--epochs=",
                           "--steps=",
                           "--batch=",
                           "--optimizer=",
                           "--lr=",
                           "--momentum=",
                           "--weight_decay=",
                           "--lr_schedule=",
                           "--seed=",
                           "--data_seed=",
                           "--threads=",
                           "--shuffle",
                           "--init=",
                           "--save=",
                           "--log=",
                           "--stop_at_accuracy=",
                           "--stop_metric=",
                           "--stop_on=",
                           "--patience=",
                           "--patience_metric=",
                           "--beta1=",
                           "--beta2=",
                           "--alpha=",
                           "--epsilon=",
                           "--clip_norm=",
                           "--lr_step_every=",
                           "--lr_gamma=",
                           "--lr_min=",
                           "--warmup_steps=",
                           "nesterov",
                           "adamw"}) {
    EXPECT_NE(train.find(flag), std::string::npos) << flag;
  }
  EXPECT_NE(train.find("learning rate [0.05]"), std::string::npos)
      << "defaults are the manifest's";
}

TEST_F(CommandLineTest, TrainRefusesSenselessValues) {
  EXPECT_TRUE(Refuses({"train", "--lr=-1"}, "learning rate"));
  EXPECT_TRUE(Refuses({"train", "--lr=nan"}, "learning rate"));
  EXPECT_TRUE(Refuses({"train", "--lr=inf"}, "learning rate"));
  EXPECT_TRUE(Refuses({"train", "--lr=fast"}, "--lr=fast"));
  EXPECT_TRUE(Refuses({"train", "--batch=0"}, "batch"));
  EXPECT_TRUE(Refuses({"train", "--batch=-8"}, "batch"));
  EXPECT_TRUE(Refuses({"train", "--epochs=-1"}, "epochs"));
  EXPECT_TRUE(Refuses({"train", "--steps=-5"}, "steps"));
  EXPECT_TRUE(Refuses({"train", "--optimizer=adagrad"}, "\"adagrad\""));
  EXPECT_TRUE(Refuses({"train", "--lr_schedule=line"}, "\"line\""));
  EXPECT_TRUE(Refuses({"train", "--lr_schedule=step"}, "lr_step_every"));
  EXPECT_TRUE(Refuses({"train", "--lr_step_every=-1"}, "epochs between"));
  EXPECT_TRUE(Refuses({"train", "--lr_gamma=nan"}, "factor"));
  EXPECT_TRUE(Refuses({"train", "--lr_schedule=cosine", "--lr_min=1"},
                      "lowest learning rate"));
  EXPECT_TRUE(Refuses({"train", "--warmup_steps=-1"}, "warm-up"));
  EXPECT_TRUE(Refuses({"train", "--beta1=1"}, "beta1"));
  EXPECT_TRUE(Refuses({"train", "--beta2=-0.5"}, "beta2"));
  EXPECT_TRUE(Refuses({"train", "--alpha=nan"}, "alpha"));
  EXPECT_TRUE(Refuses({"train", "--epsilon=0"}, "epsilon"));
  EXPECT_TRUE(Refuses({"train", "--clip_norm=-1"}, "norm"));
  EXPECT_TRUE(Refuses({"train", "--patience=-1"}, "patience"));
  EXPECT_TRUE(Refuses({"train", "--stop_on=valid"}, "\"valid\""));
  EXPECT_TRUE(Refuses({"train", "--batch=some"}, "--batch=some"));
  EXPECT_TRUE(Refuses({"train", "--steps=9223372036854775807"}, "steps"));
  EXPECT_TRUE(Refuses({"train", "--momentum=-0.1"}, "momentum"));
  EXPECT_TRUE(Refuses({"train", "--weight_decay=nan"}, "weight decay"));
  EXPECT_TRUE(Refuses({"train", "--stop_at_accuracy=2"}, "accuracy"));
  EXPECT_TRUE(Refuses({"train", "--threads=-1"}, "--threads=-1"));
  EXPECT_TRUE(Refuses({"train", "--threads=65"}, "1 to 64"));
  EXPECT_TRUE(Refuses({"train", "--threads=two"}, "--threads=two"));
  EXPECT_TRUE(Refuses({"train", "--data=/no/such/place"}, "/no/such/place"));
  EXPECT_TRUE(Refuses({"train", "--init=/no/such/file"}, "/no/such/file"));
}

TEST_F(CommandLineTest, OutputsAreCheckedBeforeTraining) {
  const TemporaryDirectory directory;
  EXPECT_TRUE(Refuses({"train", "--save=" + directory / "no/w.safetensors"},
                      "does not exist"));
  EXPECT_TRUE(
      Refuses({"train", "--save=" + directory.path()}, "no regular file"));
  EXPECT_TRUE(Refuses({"train", "--save=/proc/w"}, "/proc/w"));
  EXPECT_TRUE(Refuses({"train", "--save=/dev/null"}, "no regular file"));
  EXPECT_EQ(Fake().grad_calls + Fake().step_calls, 0);
  EXPECT_TRUE(Refuses({"train", "--data=xor",  // does not fit the model
                       "--save=" + directory / "w.safetensors",
                       "--log=" + directory / "log.jsonl"},
                      "xor"));
  EXPECT_TRUE(directory.Names().empty()) << "nothing half written";
}

// The fake model reads 4 bytes a sample, which no data set has; give it one.
class TrainingTest : public CommandLineTest {
 protected:
  // A model of 28x28 inputs would do; instead an IDX directory of 2x2 images.
  TrainingTest() {
    for (const char* part : {"train", "t10k"}) {
      const int samples = 50;
      std::string images{"\0\0\x08\x03\0\0\0\x32\0\0\0\x02\0\0\0\x02", 16};
      std::string labels{"\0\0\x08\x01\0\0\0\x32", 8};
      for (int n = 0; n < samples; ++n) {
        const int label = n % 3;
        for (int j = 0; j < kFakeInputs; ++j) {
          images += static_cast<char>(j == label ? 200 + n : n);
        }
        labels += static_cast<char>(label);
      }
      const std::string stem = data_ / part;
      WriteBytes(stem + "-images-idx3-ubyte", images);
      WriteBytes(stem + "-labels-idx1-ubyte", labels);
    }
  }
  std::string Data() const { return "--data=" + data_.path(); }

  TemporaryDirectory data_, out_;
};

TEST_F(TrainingTest, TrainsSavesEvaluates) {
  const std::string weights = out_ / "w.safetensors", log = out_ / "l.jsonl";
  const Outcome train = RunVerb({"train", Data(), "--epochs=20", "--lr=0.5",
                                 "--save=" + weights, "--log=" + log});
  ASSERT_EQ(train.code, 0) << train.err;
  EXPECT_EQ(train.err, "");
  EXPECT_NE(train.out.find("fake: 16 parameters; data "), std::string::npos);
  EXPECT_NE(train.out.find("epoch 20/20: train loss "), std::string::npos);
  const std::string last = "test accuracy 100.00 % (50/50)\n";
  EXPECT_EQ(train.out.substr(train.out.size() - last.size()), last);

  const Outcome eval = RunVerb({"eval", Data(), "--load=" + weights});
  ASSERT_EQ(eval.code, 0) << eval.err;
  EXPECT_EQ(eval.out.substr(eval.out.size() - last.size()), last);

  EXPECT_NE(train.out.find("\nended after 140 steps, 20 epochs\n"),
            std::string::npos)
      << train.out;
  std::istringstream lines(ReadBytes(log));
  std::string line;
  int steps = 0, epochs = 0, ends = 0;
  while (std::getline(lines, line)) {
    const nlohmann::json json = nlohmann::json::parse(line);
    if (json["event"] == "step") {
      EXPECT_EQ(json["step"], ++steps);
      EXPECT_TRUE(json["loss"].is_number());
      EXPECT_TRUE(json["accuracy"].is_number());
      EXPECT_EQ(json["learning_rate"], 0.5);
    } else if (json["event"] == "end") {
      ++ends;
      EXPECT_EQ(json["reason"], "length");
      EXPECT_EQ(json["step"], 140);
    } else {
      ++epochs;
      EXPECT_EQ(json["event"], "epoch");
      EXPECT_TRUE(json["test"]["loss"].is_number());
    }
  }
  EXPECT_EQ(steps, 20 * 7) << "50 samples in batches of 8";
  EXPECT_EQ(epochs, 20);
  EXPECT_EQ(ends, 1);
}

// The last line of JSON of a run's log, and its output.
TEST_F(TrainingTest, TellsWhyItStopped) {
  const std::string log = out_ / "l.jsonl";
  const auto end = [&] {
    const std::string text = ReadBytes(log);
    return nlohmann::json::parse(
        text.substr(text.rfind('\n', text.size() - 2) + 1));
  };
  const Outcome reached = RunVerb(
      {"train", Data(), "--epochs=10000", "--batch=all", "--optimizer=sgd",
       "--lr=0.5", "--stop_at_accuracy=1", "--stop_on=train", "--log=" + log});
  ASSERT_EQ(reached.code, 0) << reached.err;
  const nlohmann::json json = end();
  EXPECT_EQ(json["reason"], "accuracy");
  EXPECT_EQ(json["best_accuracy"]["value"], 1);
  EXPECT_EQ(json["step"], json["epoch"]) << "an iteration is an epoch";
  const int step = json["step"];
  EXPECT_GT(step, 1);
  EXPECT_NE(reached.out.find("batch 50; sgd, lr 0.5 constant; 10000 steps"),
            std::string::npos)
      << reached.out;
  const std::string steps = std::to_string(step);
  EXPECT_NE(reached.out.find("\nstopped after " + steps + " steps, " + steps +
                             " epochs: train accuracy 100.00 % reached\n"),
            std::string::npos)
      << reached.out;
  EXPECT_NE(reached.out.find("\nepoch " + steps + "/10000: train loss "),
            std::string::npos)
      << "the last epoch is printed: " << reached.out;

  const Outcome missed =
      RunVerb({"train", Data(), "--epochs=2", "--batch=all", "--lr=0",
               "--stop_at_accuracy=1", "--log=" + log});
  ASSERT_EQ(missed.code, 0) << missed.err;
  EXPECT_EQ(end()["reason"], "length");
  EXPECT_NE(missed.out.find(
                "\nended after 2 steps, 2 epochs: test accuracy 100.00 % not "
                "reached, best "),
            std::string::npos)
      << missed.out;

  const Outcome patient = RunVerb({"train", Data(), "--epochs=100", "--lr=0",
                                   "--patience=3", "--log=" + log});
  ASSERT_EQ(patient.code, 0) << patient.err;
  EXPECT_EQ(end()["reason"], "patience");
  EXPECT_EQ(end()["restored"], true);
  EXPECT_EQ(end()["best_watched"]["epoch"], 1);
  EXPECT_NE(patient.out.find("\nstopped after 28 steps, 4 epochs: no better "
                             "test loss for 3 epochs; back to the weights of "
                             "epoch 1, step 7 (test loss "),
            std::string::npos)
      << patient.out;
}

TEST_F(TrainingTest, StopsOnlyByMetricsOfTheModel) {
  EXPECT_TRUE(Refuses({"train", Data(), "--stop_at_accuracy=1",
                       "--stop_metric=regression_accuracy"},
                      "regression_accuracy; the model has accuracy"));
}

// The whole set a step, or one sample a step, by the same binary.
TEST_F(TrainingTest, BatchAndStochasticDescent) {
  const auto header = [&](const std::string& batch) {
    const std::string out =
        RunVerb({"train", Data(), "--epochs=3", "--batch=" + batch}).out;
    return out.substr(0, out.find('\n'));
  };
  EXPECT_NE(header("all").find("batch 50; "), std::string::npos);
  EXPECT_NE(header("all").find("; 3 steps;"), std::string::npos);
  EXPECT_NE(header("1").find("; 150 steps;"), std::string::npos);
}

TEST_F(TrainingTest, TheHeaderSaysHowTheWeightsMove) {
  const std::string out =
      RunVerb({"train", Data(), "--epochs=1", "--optimizer=adamw", "--lr=0.001",
               "--lr_schedule=cosine", "--warmup_steps=5",
               "--weight_decay=0.01", "--clip_norm=2"})
          .out;
  EXPECT_NE(out.find("adamw (0.9, 0.999), lr 0.001 cosine, warm-up 5 steps, "
                     "weight decay 0.01, norm at most 2; 7 steps"),
            std::string::npos)
      << out;
}

TEST_F(TrainingTest, ZeroStepsWriteTheInitialWeights) {
  const std::string a = out_ / "a", b = out_ / "b", c = out_ / "c";
  ASSERT_EQ(RunVerb({"train", Data(), "--steps=0", "--save=" + a}).code, 0);
  ASSERT_EQ(
      RunVerb({"train", Data(), "--steps=0", "--seed=9", "--save=" + b}).code,
      0);
  ASSERT_EQ(
      RunVerb({"train", Data(), "--steps=0", "--init=" + b, "--save=" + c})
          .code,
      0);
  const auto bias = [](const std::string& path) {
    const WeightsFile file = *WeightsFile::Read(path);
    const TensorView* view = file.Find("fc.weight");
    return std::vector<float>(view->values.begin(), view->values.end());
  };
  EXPECT_NE(bias(a), bias(b));
  EXPECT_EQ(bias(b), bias(c));
}

TEST_F(TrainingTest, ALogThatCannotBeWrittenStopsBeforeTraining) {
  EXPECT_TRUE(Refuses({"train", Data(), "--log=" + out_ / "no/log.jsonl"},
                      "no/log.jsonl: cannot be written"));
  EXPECT_EQ(Fake().grad_calls + Fake().step_calls, 0);
}

TEST_F(TrainingTest, ADivergedRunSavesNothing) {
  const std::string path = out_ / "w";
  const Outcome train =
      RunVerb({"train", Data(), "--lr=1e38", "--save=" + path});
  EXPECT_NE(train.code, 0);
  EXPECT_TRUE(IsOneLine(train.err)) << train.err;
  EXPECT_NE(train.err.find("diverged"), std::string::npos);
  EXPECT_TRUE(out_.Names().empty());
}

TEST_F(TrainingTest, EvalNamesTheFileAndTheReason) {
  const std::string path = out_ / "w";
  WriteBytes(path, "not weights");
  EXPECT_TRUE(Refuses({"eval", Data(), "--load=" + path}, path));
  EXPECT_TRUE(Refuses({"eval", Data(), "--load=" + out_ / "none"}, "none"));
  EXPECT_TRUE(Refuses({"eval", Data()}, "--load=FILE is missing"));
}

TEST_F(CommandLineTest, SummaryShowsLayersAndWorkspaces) {
  const Outcome outcome = RunVerb({"summary"});
  EXPECT_EQ(outcome.code, 0);
  for (const char* part : {"fc.weight", "3x4", "frozen", "lr x 2", "dense",
                           "fake_grad_b8", "128", "backward, useful"}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part;
  }
}

TEST_F(CommandLineTest, GraphPrintsEachStage) {
  EXPECT_EQ(RunVerb({"graph"}).out, "digraph forward {}\n");
  EXPECT_EQ(RunVerb({"graph", "--stage=final"}).out, "digraph final {}\n");
  EXPECT_EQ(RunVerb({"graph", "--stage=backward", "--format=text"}).out,
            "backward text\n");
  EXPECT_TRUE(Refuses({"graph", "--stage=middle"}, "--stage=middle"));
  EXPECT_TRUE(Refuses({"graph", "--format=png"}, "--format=png"));
}

TEST_F(CommandLineTest, GradcheckTellsByExitCode) {
  const Outcome good = RunVerb({"gradcheck"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_NE(good.out.find("fc.weight"), std::string::npos);

  Fake().gradient_factor = 1.1;
  const Outcome bad = RunVerb({"gradcheck", "--json"});
  EXPECT_NE(bad.code, 0);
  EXPECT_TRUE(IsOneLine(bad.err)) << bad.err;
  EXPECT_NE(bad.err.find("fc.weight"), std::string::npos);
  const nlohmann::json json = nlohmann::json::parse(bad.out);
  EXPECT_FALSE(json["passed"]);
  EXPECT_FALSE(json["parameters"][0]["passed"]);
  EXPECT_TRUE(json["parameters"][1]["passed"]);
  EXPECT_TRUE(Refuses({"gradcheck", "--elements=0"}, "--elements=0"));
  EXPECT_TRUE(Refuses({"gradcheck", "--tolerance=nan"}, "tolerance"));
}

TEST_F(CommandLineTest, BenchPrintsOneObject) {
  const Outcome outcome =
      RunVerb({"bench", "--json", "--batch=12", "--threads=2"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(IsOneLine(outcome.out));
  const nlohmann::json json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["batch"], 12);
  EXPECT_EQ(json["threads"], 1) << "too little work for two";
  EXPECT_GT(json["train_us"], 0);
  EXPECT_GT(json["infer_us"], 0);
  EXPECT_GT(json["peak_gflops"], json["gflops"]);
  EXPECT_NEAR(json["gflops"].get<double>(),
              48 * 12 / json["train_us"].get<double>() * 1e-3, 1e-9);
  EXPECT_TRUE(Refuses({"bench", "--batch=0"}, "--batch=0"));
  EXPECT_TRUE(Refuses({"bench", "--threads=-2"}, "--threads=-2"));
  EXPECT_TRUE(Refuses({"eval", "--load=x", "--threads=-2"}, "--threads=-2"));
  EXPECT_TRUE(Refuses({"bench", "--batch=999999999999"}, "--batch"));
}

TEST_F(CommandLineTest, ABrokenManifestIsOneLine) {
  nlohmann::json json = FakeManifest();
  json["parameters"][0]["size"] = 1;
  const std::string text = json.dump();
  const Bundle bundle = FakeBundleWith(text);
  const Outcome outcome = RunVerb({"summary"}, bundle);
  EXPECT_NE(outcome.code, 0);
  EXPECT_TRUE(IsOneLine(outcome.err));
}

}  // namespace
}  // namespace kiln
