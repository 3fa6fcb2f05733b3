#include "runtime/png_directory.h"

#include <filesystem>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/data_sources.h"
#include "tests/support/png_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

using testing::ElementsAre;

const ColumnSpec kLabel = {
    .name = "label", .shape = {}, .storage = Storage::kInt32, .classes = 3};

DataSpec Model(std::vector<int64_t> shape, Storage storage) {
  return {{{.name = "pixels", .shape = shape, .storage = storage}}, {kLabel}};
}

class PngDirectoryTest : public testing::Test {
 protected:
  // A picture of 2 x 1 pixels, `left` and 255.
  void Write(const std::string& name, uint8_t left) {
    const std::filesystem::path path(root_ / name);
    std::filesystem::create_directories(path.parent_path());
    WriteBytes(path.string(), PngBytes(2, 1, {left, 255}));
  }

  absl::StatusOr<DataPair> Load(const DataSpec& model = kBytes,
                                bool invert = false) {
    return LoadData({.source = root_.path(), .invert = invert}, model);
  }

  static const DataSpec kBytes;
  TemporaryDirectory root_;
};

const DataSpec PngDirectoryTest::kBytes = Model({1, 1, 2}, Storage::kUint8);

TEST_F(PngDirectoryTest, ClassesAreFoldersInTheOrderOfTheirNames) {
  Write("cat/2.png", 2);
  Write("cat/10.PNG", 1);
  Write("bee/x.png", 3);
  Write("ant/.hidden", 9);
  Write("ant/y.png", 4);
  const auto data = Load();
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->train.inputs[0].bytes,
              ElementsAre(4, 255, 3, 255, 1, 255, 2, 255));
  EXPECT_THAT(data->train.targets[0].labels(), ElementsAre(0, 1, 2, 2));
  EXPECT_EQ(data->train.samples, 4);
  EXPECT_EQ(data->test.samples, 0);
  EXPECT_EQ(data->train.inputs[0].spec.name, "pixels");
}

TEST_F(PngDirectoryTest, TrainAndTestMayHaveFoldersOfTheirOwn) {
  Write("train/a/1.png", 1);
  Write("train/b/2.png", 2);
  Write("test/b/3.png", 3);
  const auto data = Load();
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->train.targets[0].labels(), ElementsAre(0, 1));
  EXPECT_THAT(data->test.inputs[0].bytes, ElementsAre(3, 255));
  EXPECT_THAT(data->test.targets[0].labels(), ElementsAre(1));
}

TEST_F(PngDirectoryTest, PicturesTakeTheModelsSizeAndStorage) {
  Write("a/1.png", 51);
  const auto floats = Load(Model({1, 2, 4}, Storage::kFloat32));
  ASSERT_TRUE(floats.ok()) << floats.status();
  EXPECT_THAT(floats->train.inputs[0].floats(),
              ElementsAre(0.2f, 0.2f, 1, 1, 0.2f, 0.2f, 1, 1));
  const auto inverted = Load(Model({1, 2}, Storage::kFloat32), true);
  ASSERT_TRUE(inverted.ok()) << inverted.status();
  EXPECT_THAT(inverted->train.inputs[0].floats(), ElementsAre(0.8f, 0));
  const auto flat = Load(Model({4}, Storage::kUint8));
  ASSERT_TRUE(flat.ok()) << flat.status();
  EXPECT_THAT(flat->train.inputs[0].bytes, ElementsAre(51, 255, 51, 255));
  // (51 + 255) / 2
  const auto one = Load(Model({1, 1, 1}, Storage::kUint8));
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_THAT(one->train.inputs[0].bytes, ElementsAre(153));
}

TEST_F(PngDirectoryTest, TwoClassesMayBeAValue) {
  Write("a/1.png", 1);
  Write("b/1.png", 1);
  DataSpec model = kBytes;
  model.targets = {{.name = "y", .shape = {1}}};
  const auto data = Load(model);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->train.targets[0].floats(), ElementsAre(0, 1));
}

TEST_F(PngDirectoryTest, NamesWhatIsWrongWithTheFolders) {
  std::filesystem::create_directory(root_ / "empty");
  EXPECT_TRUE(IsOneLineError(Load(), {root_ / "empty: holds no pictures"}));
  Write("empty/1.png", 1);
  WriteBytes(root_ / "stray.png", "x");
  EXPECT_TRUE(IsOneLineError(
      Load(), {root_ / "stray.png: stands beside the classes' folders"}));
  std::filesystem::remove(root_ / "stray.png");
  WriteBytes(root_ / "empty/notes.txt", "x");
  EXPECT_TRUE(IsOneLineError(
      Load(), {root_ / "empty/notes.txt: is no .png file; remove"}));
  std::filesystem::remove(root_ / "empty/notes.txt");
  std::filesystem::create_directory(root_ / "empty/folder.png");
  EXPECT_TRUE(
      IsOneLineError(Load(), {root_ / "empty/folder.png: is no .png file"}));
  std::filesystem::remove(root_ / "empty/folder.png");
  for (const char* name : {"b", "c", "d"})
    Write(std::string(name) + "/1.png", 1);
  EXPECT_TRUE(IsOneLineError(
      Load(), {root_.path() + ": has 4 folders, but the model has 3 classes"}));
}

TEST_F(PngDirectoryTest, NamesWhatIsWrongWithParts) {
  Write("train/a/1.png", 1);
  Write("test/b/1.png", 1);
  EXPECT_TRUE(IsOneLineError(
      Load(),
      {root_ / "test/b: is a class for testing that there is none of"}));
  std::filesystem::remove_all(root_ / "test/b");
  EXPECT_TRUE(IsOneLineError(
      Load(), {root_ / "test: holds no folder of pictures per class"}));
}

TEST_F(PngDirectoryTest, NamesABadPicture) {
  Write("a/1.png", 1);
  WriteBytes(root_ / "a/2.png", ReadBytes(root_ / "a/1.png").substr(0, 40));
  EXPECT_TRUE(IsOneLineError(Load(), {root_ / "a/2.png: is "}));
}

TEST_F(PngDirectoryTest, NamesAModelThatReadsNoPicture) {
  Write("a/1.png", 1);
  EXPECT_TRUE(IsOneLineError(
      Load(Model({3, 8, 8}, Storage::kUint8)),
      {root_.path() + ": the model's pixels has shape 3x8x8, which is no "
                      "picture of one channel"}));
  EXPECT_TRUE(
      IsOneLineError(Load(Model({5}, Storage::kUint8)), {"no picture"}));
  EXPECT_TRUE(
      IsOneLineError(Load(Model({1, 1, 40000}, Storage::kUint8)), {"picture"}));
  DataSpec two = kBytes;
  two.targets.push_back(kLabel);
  EXPECT_TRUE(IsOneLineError(
      Load(two), {"one input and one target; this one has 1 and 2"}));
}

}  // namespace
}  // namespace kiln
