// The flags that choose data, from the command line to the model.

#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/fake_bundle.h"
#include "tests/support/png_files.h"
#include "tests/support/run_verb.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

class DataFlagsTest : public testing::Test {
 protected:
  DataFlagsTest() { Fake() = {}; }
  ~DataFlagsTest() override { Fake() = {}; }

  // 60 samples, of which each tenth is said to be for testing.
  std::string WriteTable(const std::string& name, bool part) {
    std::string text = part ? "a,b,c,d,digit,part\n" : "a,b,c,d,digit\n";
    for (int i = 0; i < 60; ++i) {
      for (int k = 0; k < 4; ++k) {
        text += std::to_string(k == i % 3 ? 200 + i % 50 : i % 40) + ",";
      }
      text += std::to_string(i % 3);
      text += !part ? "\n" : i % 10 == 0 ? ",test\n" : ",train\n";
    }
    WriteBytes(directory_ / name, text);
    return directory_ / name;
  }

  TemporaryDirectory directory_;
};

bool Says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(DataFlagsTest, TrainsOnATableAndEvaluatesAnother) {
  const std::string weights = directory_ / "w.safetensors";
  const std::string table = WriteTable("points.csv", false);
  const Outcome train = RunVerb({"train", "--data=" + table, "--epochs=30",
                                 "--batch=4", "--save=" + weights});
  EXPECT_EQ(train.code, 0) << train.err;
  EXPECT_TRUE(Says(train.out, "60 training and 0 test samples")) << train.out;
  EXPECT_TRUE(Says(train.out, "train accuracy 100.00 % (60/60)")) << train.out;
  const Outcome eval =
      RunVerb({"eval", "--data=" + table, "--load=" + weights});
  EXPECT_EQ(eval.code, 0) << eval.err;
  EXPECT_TRUE(Says(eval.out, "data accuracy 100.00 % (60/60)")) << eval.out;
  const Outcome parts = RunVerb(
      {"eval", "--data=" + WriteTable("parts.csv", true), "--load=" + weights});
  EXPECT_TRUE(Says(parts.out, "test accuracy 100.00 % (6/6)")) << parts.out;
}

TEST_F(DataFlagsTest, ValidationHoldsSamplesBack) {
  const Outcome train =
      RunVerb({"train", "--data=" + WriteTable("points.csv", true),
               "--validation=0.5", "--epochs=1", "--batch=4"});
  EXPECT_EQ(train.code, 0) << train.err;
  EXPECT_TRUE(Says(train.out, "27 training and 27 test samples")) << train.out;
  EXPECT_TRUE(Refuses(
      {"train", "--data=" + directory_ / "points.csv", "--validation=1.5"},
      "--validation=1.5 is not a share"));
}

TEST_F(DataFlagsTest, DumpedDataAreTheSameData) {
  const std::string table = WriteTable("points.csv", false);
  const std::string copy = directory_ / "copy.csv";
  const Outcome whole =
      RunVerb({"train", "--data=" + table, "--epochs=2", "--batch=4",
               "--validation=0.2", "--dump_data=" + copy});
  EXPECT_EQ(whole.code, 0) << whole.err;
  EXPECT_TRUE(Says(whole.out, "wrote " + copy)) << whole.out;
  const Outcome again =
      RunVerb({"train", "--data=" + copy, "--epochs=2", "--batch=4"});
  const auto last_line = [](const std::string& out) {
    return out.substr(out.rfind('\n', out.size() - 2) + 1);
  };
  EXPECT_EQ(last_line(again.out), last_line(whole.out));
  EXPECT_TRUE(Says(again.out, "48 training and 12 test samples")) << again.out;
  EXPECT_TRUE(Refuses(
      {"train", "--data=" + table, "--dump_data=" + directory_ / "no/copy.csv"},
      "does not exist"));
}

TEST_F(DataFlagsTest, ReadsAFolderOfPicturesPerClass) {
  for (int i = 0; i < 12; ++i) {
    const std::string folder = directory_ / std::to_string(i % 3);
    std::filesystem::create_directories(folder);
    std::vector<uint8_t> pixels(4, 255);
    pixels[i % 3] = 0;
    WriteBytes(folder + "/" + std::to_string(i) + ".png",
               PngBytes(2, 2, pixels));
  }
  const Outcome train = RunVerb({"train", "--data=" + directory_.path(),
                                 "--invert", "--epochs=30", "--batch=4"});
  EXPECT_EQ(train.code, 0) << train.err;
  EXPECT_TRUE(Says(train.out, "train accuracy 100.00 % (12/12)")) << train.out;
}

TEST_F(DataFlagsTest, ABadRowIsOneLine) {
  WriteBytes(directory_ / "bad.csv", "a,b,c,d,digit\n1,2,3,4,0\n1,x,3,4,0\n");
  const std::string complaint =
      "bad.csv:3: column \"b\": \"x\" is no byte, an integer from 0 to 255\n";
  EXPECT_TRUE(Refuses({"train", "--data=" + directory_ / "bad.csv",
                       "--dump_data=" + directory_ / "copy.csv"},
                      complaint));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "copy.csv"));
}

TEST_F(DataFlagsTest, HelpNamesThemAll) {
  for (const char* verb : {"train", "eval"}) {
    const std::string help = RunVerb({verb, "--help"}).out;
    for (const char* flag :
         {"--data=", "--data_seed=", "--validation=", "--x_columns=",
          "--y_columns=", "--invert", "--dump_data=", "regression"}) {
      EXPECT_TRUE(Says(help, flag)) << verb << " " << flag;
    }
  }
}

}  // namespace
}  // namespace kiln
