#include "runtime/mnist_directory.h"

#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/idx_files.h"
#include "tests/support/mnist.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

using testing::ElementsAre;

// Three training images of 1 x 2 pixels and one test image.
class MnistDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    Write("train-images-idx3-ubyte", IdxBytes({3, 1, 2}, "abcdef"));
    Write("train-labels-idx1-ubyte", IdxBytes({3}, {2, 0, 1}));
    Write("t10k-images-idx3-ubyte", IdxBytes({1, 1, 2}, "gh"));
    Write("t10k-labels-idx1-ubyte", IdxBytes({1}, {4}));
  }
  void Write(const std::string& name, const std::string& bytes) {
    WriteBytes(directory_ / name, bytes);
  }
  void Rename(const std::string& from, const std::string& to) {
    std::filesystem::rename(directory_ / from, directory_ / to);
  }
  absl::StatusOr<DataPair> Read() {
    return ReadMnistDirectory(directory_.path());
  }

  TemporaryDirectory directory_;
};

TEST_F(MnistDirectoryTest, ReadsImagesAndLabels) {
  const auto data = Read();
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->train.samples, 3);
  EXPECT_THAT(data->train.inputs[0].spec.shape, ElementsAre(1, 1, 2));
  EXPECT_THAT(data->train.inputs[0].bytes,
              ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
  EXPECT_THAT(data->train.targets[0].labels(), ElementsAre(2, 0, 1));
  EXPECT_EQ(data->test.samples, 1);
  EXPECT_THAT(data->test.inputs[0].bytes, ElementsAre('g', 'h'));
  EXPECT_THAT(data->test.targets[0].labels(), ElementsAre(4));
  // Labels 0..4 over both parts.
  EXPECT_EQ(data->train.targets[0].spec.classes, 5);
  EXPECT_EQ(data->test.targets[0].spec.classes, 5);
}

TEST_F(MnistDirectoryTest, FindsEverySpelling) {
  Rename("train-images-idx3-ubyte", "train-images.idx3-ubyte");
  Write("train-labels-idx1-ubyte.gz", Gzipped(IdxBytes({3}, {2, 0, 1})));
  std::filesystem::remove(directory_ / "train-labels-idx1-ubyte");
  Write("t10k-labels.idx1-ubyte.gz", Gzipped(IdxBytes({1}, {4})));
  std::filesystem::remove(directory_ / "t10k-labels-idx1-ubyte");
  const auto data = Read();
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->train.targets[0].labels(), ElementsAre(2, 0, 1));
}

TEST_F(MnistDirectoryTest, NamesTheFileThatIsMissing) {
  for (const std::string name :
       {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    Rename(name, "elsewhere");
    EXPECT_TRUE(IsOneLineError(Read(), {directory_.path(), name}));
    Rename("elsewhere", name);
  }
}

TEST_F(MnistDirectoryTest, RefusesCountsThatDisagree) {
  Write("train-labels-idx1-ubyte", IdxBytes({2}, {2, 0}));
  EXPECT_TRUE(IsOneLineError(Read(), {directory_ / "train-labels-idx1-ubyte",
                                      "2 labels", "3 images"}));
}

TEST_F(MnistDirectoryTest, RefusesSwappedFiles) {
  Rename("train-labels-idx1-ubyte", "swap");
  Rename("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
  Rename("swap", "train-images-idx3-ubyte");
  EXPECT_TRUE(IsOneLineError(Read(), {directory_ / "train-images-idx3-ubyte",
                                      "not count x height x width"}));
}

TEST_F(MnistDirectoryTest, RefusesLabelsThatAreNoList) {
  Write("t10k-labels-idx1-ubyte", IdxBytes({1, 1}, {4}));
  EXPECT_TRUE(IsOneLineError(
      Read(), {directory_ / "t10k-labels-idx1-ubyte", "list of labels"}));
}

TEST_F(MnistDirectoryTest, RefusesTestImagesOfAnotherSize) {
  Write("t10k-images-idx3-ubyte", IdxBytes({1, 2, 1}, "gh"));
  EXPECT_TRUE(IsOneLineError(
      Read(), {directory_ / "t10k-images-idx3-ubyte", "1x2x1", "1x1x2"}));
}

TEST_F(MnistDirectoryTest, NamesTheCorruptFile) {
  Write("t10k-images-idx3-ubyte", "no IDX file");
  EXPECT_TRUE(IsOneLineError(Read(), {directory_ / "t10k-images-idx3-ubyte"}));
}

TEST_F(MnistDirectoryTest, NamesTheMissingDirectory) {
  EXPECT_TRUE(IsOneLineError(ReadMnistDirectory(directory_ / "none"),
                             {directory_ / "none", "no such directory"}));
}

TEST(MnistTest, HasTheKnownContent) {
  KILN_SKIP_WITHOUT_MNIST();
  const auto data = ReadMnistDirectory(MnistDirectory());
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->train.samples, 60000);
  EXPECT_EQ(data->test.samples, 10000);
  EXPECT_THAT(data->train.inputs[0].spec.shape, ElementsAre(1, 28, 28));
  EXPECT_EQ(data->train.targets[0].spec.classes, 10);
  // The first training labels, as every tutorial prints them.
  EXPECT_THAT(data->train.targets[0].labels().first(10),
              ElementsAre(5, 0, 4, 1, 9, 2, 1, 3, 1, 4));
  EXPECT_THAT(data->test.targets[0].labels().first(5),
              ElementsAre(7, 2, 1, 0, 4));
  // The training images' mean, 0.1307, is the constant that PyTorch's MNIST
  // example normalises with.
  const auto& bytes = data->train.inputs[0].bytes;
  const double sum = std::accumulate(bytes.begin(), bytes.end(), 0.0);
  EXPECT_NEAR(sum / bytes.size() / 255, 0.1307, 0.00005);
}

}  // namespace
}  // namespace kiln
