#include "runtime/data_sources.h"

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/idx_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

using testing::ElementsAre;

ColumnSpec Image(std::vector<int64_t> shape) {
  return {.name = "pixels", .shape = shape, .storage = Storage::kUint8};
}

ColumnSpec Digit(int64_t classes) {
  return {.name = "digit",
          .shape = {},
          .storage = Storage::kInt32,
          .classes = classes};
}

const DataSpec kDigitsModel = {{Image({1, 28, 28})}, {Digit(10)}};
const DataSpec kXorModel = {{{.name = "x", .shape = {2}}},
                            {{.name = "truth", .shape = {1}}}};

TEST(DataSourcesTest, GivesTheModelsNamesAndShapes) {
  const DataSpec flat = {{Image({784})}, {Digit(12)}};
  const auto data = LoadData({"digits"}, flat);
  ASSERT_TRUE(data.ok()) << data.status();
  for (const Dataset* part : {&data->train, &data->test}) {
    EXPECT_EQ(part->inputs[0].spec.name, "pixels");
    EXPECT_THAT(part->inputs[0].spec.shape, ElementsAre(784));
    EXPECT_EQ(part->targets[0].spec.name, "digit");
    EXPECT_EQ(part->targets[0].spec.classes, 12);
    EXPECT_EQ(part->inputs[0].bytes.size(), part->samples * 784u);
  }
}

TEST(DataSourcesTest, KnowsTheGeneratedSets) {
  const auto row = LoadData({"xor"}, kXorModel);
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_EQ(row->train.samples, 4);
  const auto cloud = LoadData({"xor_cloud"}, kXorModel);
  ASSERT_TRUE(cloud.ok()) << cloud.status();
  const auto other_cloud = LoadData({"xor_cloud", 2}, kXorModel);
  EXPECT_NE(cloud->train.inputs[0].bytes, other_cloud->train.inputs[0].bytes);
  const auto digits = LoadData({"digits"}, kDigitsModel);
  ASSERT_TRUE(digits.ok()) << digits.status();
  const auto other_digits = LoadData({"digits", 2}, kDigitsModel);
  EXPECT_NE(digits->train.inputs[0].bytes, other_digits->train.inputs[0].bytes);
}

TEST(DataSourcesTest, DimensionsOfOneMakeNoDifference) {
  EXPECT_TRUE(LoadData({"digits"}, {{Image({28, 28})}, {Digit(10)}}).ok());
  EXPECT_TRUE(LoadData({"digits"}, {{Image({28, 1, 28})}, {Digit(10)}}).ok());
}

TEST(DataSourcesTest, NamesUnknownData) {
  EXPECT_TRUE(IsOneLineError(LoadData({"digit"}, kDigitsModel),
                             {"no data \"digit\"", "no CSV file",
                              "digits, xor, or, and, ", " or hand_421"}));
  EXPECT_TRUE(IsOneLineError(LoadData({""}, kDigitsModel), {"digits"}));
}

TEST(DataSourcesTest, RefusesDataThatDoNotFitTheModel) {
  EXPECT_TRUE(IsOneLineError(
      LoadData({"digits"}, {{Image({1, 32, 32})}, {Digit(10)}}),
      {"digits: ", "image has shape 1x28x28", "pixels has 1x32x32"}));
  // As many elements, but not the same layout.
  EXPECT_TRUE(IsOneLineError(
      LoadData({"digits"}, {{Image({1, 14, 56})}, {Digit(10)}}), {"1x14x56"}));
  EXPECT_TRUE(IsOneLineError(
      LoadData({"digits"}, {{Image({783})}, {Digit(10)}}), {"shape", "783"}));
  DataSpec floats = kDigitsModel;
  floats.inputs[0].storage = Storage::kFloat32;
  EXPECT_TRUE(IsOneLineError(LoadData({"digits"}, floats),
                             {"digits: ", "uint8", "float32"}));
  EXPECT_TRUE(IsOneLineError(
      LoadData({"digits"}, {kDigitsModel.inputs, kXorModel.targets}),
      {"digits: ", "label are labels", "truth wants values"}));
  EXPECT_TRUE(IsOneLineError(
      LoadData({"digits"},
               {{Image({1, 28, 28}), Image({1, 28, 28})}, {Digit(10)}}),
      {"digits: ", "1 input(s)", "has 2"}));
  EXPECT_TRUE(IsOneLineError(LoadData({"digits"}, {{Image({1, 28, 28})}, {}}),
                             {"digits: ", "1 target(s)", "has 0"}));
}

const ColumnSpec kPair = {.name = "x", .shape = {2}};
const ColumnSpec kValue = {.name = "truth", .shape = {1}};

TEST(DataSourcesTest, LabelsAreValuesAndValuesLabelsWhereNothingIsLost) {
  const auto values = LoadData({"plane"}, {{kPair}, {kValue}});
  ASSERT_TRUE(values.ok()) << values.status();
  const Column& truth = values->train.targets[0];
  EXPECT_EQ(truth.spec.name, "truth");
  EXPECT_EQ(truth.spec.classes, 0);
  EXPECT_EQ(truth.origin, "plane");
  EXPECT_EQ(truth.floats().size(), 800u);
  EXPECT_THAT(truth.floats().first(4), ElementsAre(0, 1, 0, 1));
  EXPECT_EQ(values->test.targets[0].floats().size(), 200u);

  const auto labels = LoadData({"xor"}, {{kPair}, {Digit(2)}});
  ASSERT_TRUE(labels.ok()) << labels.status();
  EXPECT_THAT(labels->train.targets[0].labels(), ElementsAre(0, 1, 1, 0));
  EXPECT_EQ(labels->train.targets[0].spec.name, "digit");
  EXPECT_EQ(labels->train.targets[0].spec.classes, 2);
  // A scalar is one value too.
  EXPECT_TRUE(
      LoadData({"plane"}, {{kPair}, {{.name = "truth", .shape = {}}}}).ok());
}

TEST(DataSourcesTest, RefusesToLoseSomethingBetweenLabelsAndValues) {
  const ColumnSpec x = {.name = "x", .shape = {1}};
  EXPECT_TRUE(IsOneLineError(
      LoadData({"regression"}, {{x}, {Digit(3)}}),
      {"regression: the label of sample 0 is ", "classes 0 to 2"}));
  EXPECT_TRUE(IsOneLineError(LoadData({"xor"}, {{kPair}, {Digit(1)}}),
                             {"xor: the label of sample 1 is 1, but"}));
  EXPECT_TRUE(IsOneLineError(LoadData({"plane"}, {{kPair}, {kPair}}),
                             {"plane: label are labels", "x wants values"}));
  EXPECT_TRUE(IsOneLineError(
      LoadData({"xor"}, {{kPair}, {{.name = "two", .shape = {2}}}}),
      {"xor: y has shape 1, but the model's two has 2"}));
}

TEST(DataSourcesTest, RefusesFlagsThatWouldDoNothing) {
  EXPECT_TRUE(
      IsOneLineError(LoadData({.source = "xor", .x_columns = "a"}, kXorModel),
                     {"--x_columns is for a CSV file, which xor is not"}));
  EXPECT_TRUE(
      IsOneLineError(LoadData({.source = "xor", .y_columns = "a"}, kXorModel),
                     {"--y_columns is for a CSV file, which xor is not"}));
  EXPECT_TRUE(IsOneLineError(
      LoadData({.source = "xor", .invert = true}, kXorModel),
      {"--invert is for a directory of pictures, which xor is not"}));
}

TEST(DataSourcesTest, HoldsBackForValidation) {
  const auto whole = LoadData({"plane"}, {{kPair}, {kValue}});
  const auto split =
      LoadData({.source = "plane", .validation = 0.25}, {{kPair}, {kValue}});
  ASSERT_TRUE(split.ok()) << split.status();
  EXPECT_EQ(split->train.samples, 600);
  EXPECT_EQ(split->test.samples, 200);
  EXPECT_NE(split->test.inputs[0].bytes, whole->test.inputs[0].bytes);
}

TEST(DataSourcesTest, RefusesLabelsThatAreNoClassOfTheModel) {
  EXPECT_TRUE(
      IsOneLineError(LoadData({"digits"}, {kDigitsModel.inputs, {Digit(9)}}),
                     {"digits: ", "is 9", "classes 0 to 8"}));
}

TEST(DataSourcesTest, ReadsADirectoryAndNamesItsFiles) {
  TemporaryDirectory directory;
  for (const std::string part : {"train", "t10k"}) {
    WriteBytes(directory / (part + "-images-idx3-ubyte"),
               IdxBytes({2, 1, 2}, "abcd"));
    WriteBytes(directory / (part + "-labels-idx1-ubyte"),
               IdxBytes({2}, {0, 1}));
  }
  // Folders beside the files do not make it one of pictures by class.
  std::filesystem::create_directory(directory / "raw");
  const DataSpec model = {{Image({1, 1, 2})}, {Digit(2)}};
  EXPECT_TRUE(LoadData({directory.path()}, model).ok());

  const std::string labels = directory / "t10k-labels-idx1-ubyte";
  WriteBytes(labels, IdxBytes({2}, {0, 2}));
  EXPECT_TRUE(IsOneLineError(LoadData({directory.path()}, model),
                             {labels, "sample 1 is 2", "classes 0 to 1"}));
  EXPECT_TRUE(IsOneLineError(LoadData({directory.path()}, kDigitsModel),
                             {directory / "train-images-idx3-ubyte", "1x1x2"}));
}

}  // namespace
}  // namespace kiln
