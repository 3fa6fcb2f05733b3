#include "runtime/weights_file.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// A safetensors file of this header and these floats, as another program may
// have written it.
std::string FileBytes(const std::string& header,
                      const std::vector<float>& values) {
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), 8);
  bytes += header;
  return bytes.append(reinterpret_cast<const char*>(values.data()),
                      4 * values.size());
}

// As PyTorch's safetensors.torch.save_file writes a state_dict: no checksum,
// the tensors in an order of its own, the header padded to 8 bytes.
const char kPyTorchHeader[] =
    R"({"__metadata__":{"format":"pt"},)"
    R"("fc1.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]},)"
    R"("fc1.bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   )";

class WeightsFileTest : public testing::Test {
 protected:
  absl::Status Write(const Metadata& metadata = {}) {
    return WriteWeightsFile(
        path_, {{"fc1.weight", {2, 2}, weight_}, {"fc1.bias", {2}, bias_}},
        metadata);
  }
  absl::StatusOr<WeightsFile> ReadBack(const std::string& bytes) {
    WriteBytes(path_, bytes);
    return WeightsFile::Read(path_);
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_ / "weights.safetensors";
  std::vector<float> weight_ = {1, -2.5f, 3e-40f,
                                std::numeric_limits<float>::infinity()};
  std::vector<float> bias_ = {0.1f, -0.0f};
};

TEST_F(WeightsFileTest, ReadsWhatItWrote) {
  ASSERT_TRUE(Write({{"epoch", "3"}, {"flags", "--lr=0.1\n\"x\""}}).ok());
  absl::StatusOr<WeightsFile> read = WeightsFile::Read(path_);
  ASSERT_TRUE(read.ok()) << read.status();
  const WeightsFile file = *std::move(read);
  ASSERT_EQ(file.tensors().size(), 2u);
  EXPECT_EQ(file.tensors()[0].name, "fc1.weight");
  EXPECT_THAT(file.tensors()[0].shape, ElementsAre(2, 2));
  EXPECT_THAT(file.tensors()[0].values, testing::ElementsAreArray(weight_));
  EXPECT_EQ(file.tensors()[1].name, "fc1.bias");
  EXPECT_TRUE(std::signbit(file.tensors()[1].values[1]));
  EXPECT_THAT(file.metadata(),
              ElementsAre(Pair("epoch", "3"), Pair("flags", "--lr=0.1\n\"x\""),
                          Pair("format", "kiln")));
  EXPECT_EQ(file.Find("fc1.bias"), &file.tensors()[1]);
  EXPECT_EQ(file.Find("fc2.bias"), nullptr);
  EXPECT_THAT(directory_.Names(), ElementsAre("weights.safetensors"));
}

TEST_F(WeightsFileTest, WritesTheFormatToTheByte) {
  ASSERT_TRUE(Write().ok());
  const std::string bytes = ReadBytes(path_);
  uint64_t length;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ((8 + length) % 64, 0u);
  ASSERT_EQ(bytes.size(), 8 + length + 24);
  EXPECT_EQ(bytes[8], '{');
  EXPECT_THAT(
      bytes.substr(8, length),
      testing::HasSubstr(R"("fc1.bias":{"data_offsets":[16,24],"dtype":"F32",)"
                         R"("shape":[2]})"));
  EXPECT_EQ(std::memcmp(bytes.data() + 8 + length, weight_.data(), 16), 0);
  EXPECT_EQ(std::memcmp(bytes.data() + 8 + length + 16, bias_.data(), 8), 0);
}

TEST_F(WeightsFileTest, NanKeepsItsBits) {
  uint32_t bits = 0x7fc12345;
  std::memcpy(&bias_[0], &bits, 4);
  ASSERT_TRUE(Write().ok());
  const auto file = WeightsFile::Read(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  std::memcpy(&bits, file->Find("fc1.bias")->values.data(), 4);
  EXPECT_EQ(bits, 0x7fc12345u);
}

TEST_F(WeightsFileTest, ScalarsAndNoTensorsAtAll) {
  const std::vector<float> scalar = {7};
  ASSERT_TRUE(WriteWeightsFile(path_, {{"slope", {}, scalar}}).ok());
  auto file = WeightsFile::Read(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(file->Find("slope")->shape, IsEmpty());
  ASSERT_TRUE(WriteWeightsFile(path_, {}).ok());
  file = WeightsFile::Read(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(file->tensors(), IsEmpty());
}

TEST_F(WeightsFileTest, ReadsAStateDictOfPyTorch) {
  const auto file = ReadBack(FileBytes(kPyTorchHeader, {1, 2, 3, 4, 5, 6}));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(file->Find("fc1.bias")->values, ElementsAre(1, 2));
  EXPECT_THAT(file->Find("fc1.weight")->values, ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(file->metadata(), Contains(Pair("format", "pt")));
}

TEST_F(WeightsFileTest, RefusesEveryTruncationAndTrailingBytes) {
  ASSERT_TRUE(Write({{"epoch", "3"}}).ok());
  for (const std::string& bytes :
       {ReadBytes(path_), FileBytes(kPyTorchHeader, {1, 2, 3, 4, 5, 6})}) {
    ASSERT_TRUE(ReadBack(bytes).ok());
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_TRUE(IsOneLineError(ReadBack(bytes.substr(0, size)), {path_}))
          << size;
    }
    for (const size_t excess : {1, 4, 64}) {
      EXPECT_TRUE(
          IsOneLineError(ReadBack(bytes + std::string(excess, '\0')), {path_}));
    }
  }
}

// The checksum covers the metadata and the names as well as the data, and a
// space of the padding is one bit away from no other space.
TEST_F(WeightsFileTest, RefusesEveryFlippedBit) {
  ASSERT_TRUE(Write({{"epoch", "3"}}).ok());
  const std::string bytes = ReadBytes(path_);
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_TRUE(IsOneLineError(ReadBack(damaged), {path_})) << "bit " << bit;
  }
}

TEST_F(WeightsFileTest, AFlippedBitInAFileWithoutChecksumNeverCrashes) {
  const std::string bytes = FileBytes(kPyTorchHeader, {1, 2, 3, 4, 5, 6});
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const auto file = ReadBack(damaged);
    if (file.ok()) {
      EXPECT_EQ(file->tensors().size(), 2u);
    } else {
      EXPECT_TRUE(IsOneLineError(file, {path_}));
    }
  }
}

TEST_F(WeightsFileTest, SaysWhatIsDamaged) {
  ASSERT_TRUE(Write().ok());
  std::string bytes = ReadBytes(path_);
  bytes.back() ^= 1;
  EXPECT_TRUE(IsOneLineError(ReadBack(bytes), {path_, "checksum", "damaged"}));
  // Re-saved by a program that dropped the key.
  EXPECT_TRUE(IsOneLineError(
      ReadBack(FileBytes(R"({"__metadata__":{"format":"kiln"}})", {})),
      {path_, "lost its checksum"}));
}

TEST_F(WeightsFileTest, RefusesAnAbsurdHeaderLength) {
  for (const uint64_t length :
       {uint64_t{1} << 63, ~uint64_t{0}, uint64_t{25}, uint64_t{1} << 40}) {
    std::string bytes = FileBytes("{}", {1, 2, 3});
    std::memcpy(bytes.data(), &length, 8);
    EXPECT_TRUE(IsOneLineError(ReadBack(bytes), {path_, "header"})) << length;
  }
}

TEST_F(WeightsFileTest, NamesTheTensorOfABadHeader) {
  EXPECT_TRUE(
      IsOneLineError(ReadBack(FileBytes(R"({"n\nm":{"dtype":"F16","shape":[2],)"
                                        R"("data_offsets":[0,4]}})",
                                        {1})),
                     {path_, "n\\nm", "F16"}));
}

TEST_F(WeightsFileTest, NamesAMissingFileAndADirectory) {
  EXPECT_TRUE(IsOneLineError(WeightsFile::Read(directory_ / "none"),
                             {directory_ / "none", "no such weights file"}));
  EXPECT_TRUE(IsOneLineError(WeightsFile::Read(directory_.path()),
                             {directory_.path(), "no regular file"}));
}

TEST_F(WeightsFileTest, RefusesToWriteWhatItCouldNotRead) {
  const std::vector<float> two = {1, 2};
  const auto write = [&](const std::vector<TensorView>& tensors,
                         const Metadata& metadata = {}) {
    return WriteWeightsFile(path_, tensors, metadata);
  };
  EXPECT_TRUE(IsOneLineError(write({{"a", {2}, two}, {"a", {2}, two}}),
                             {path_, "\"a\"", "twice"}));
  EXPECT_TRUE(IsOneLineError(write({{"", {2}, two}}), {path_, "reserved"}));
  EXPECT_TRUE(
      IsOneLineError(write({{"__metadata__", {2}, two}}), {path_, "reserved"}));
  EXPECT_TRUE(IsOneLineError(write({{"a", {3}, two}}), {path_, "\"a\"", "3"}));
  EXPECT_TRUE(IsOneLineError(write({{"a", {-2}, two}}), {path_, "-2"}));
  EXPECT_TRUE(IsOneLineError(write({{"a\xff", {2}, two}}), {path_, "UTF-8"}));
  EXPECT_TRUE(IsOneLineError(write({}, {{"k", "\xff"}}), {path_, "UTF-8"}));
  EXPECT_TRUE(IsOneLineError(write({}, {{"format", "x"}}), {path_, "format"}));
  EXPECT_THAT(directory_.Names(), IsEmpty());
}

TEST_F(WeightsFileTest, NamesADirectoryThatCannotBeWritten) {
  const std::string path = directory_ / "none/w.safetensors";
  EXPECT_TRUE(IsOneLineError(WriteWeightsFile(path, {}), {path}));
}

class CopyTensorsTest : public WeightsFileTest {
 protected:
  void SetUp() override { ASSERT_TRUE(Write().ok()); }

  absl::Status Copy(absl::string_view ignored_prefix = "") {
    const auto file = WeightsFile::Read(path_);
    if (!file.ok()) return file.status();
    return CopyTensors(*file, slots_, ignored_prefix);
  }

  std::vector<float> a_ = {9, 9, 9, 9};
  std::vector<float> b_ = {9, 9};
  std::vector<TensorSlot> slots_ = {{"fc1.bias", {2}, absl::MakeSpan(b_)},
                                    {"fc1.weight", {2, 2}, absl::MakeSpan(a_)}};
};

TEST_F(CopyTensorsTest, FillsTheSlotsInAnyOrder) {
  ASSERT_TRUE(Copy().ok());
  EXPECT_EQ(a_, weight_);
  EXPECT_EQ(b_, bias_);
}

TEST_F(CopyTensorsTest, RefusesMissingUnknownAndMisshapenTensors) {
  std::vector<float> c = {9};
  slots_.push_back({"fc2.bias", {1}, absl::MakeSpan(c)});
  EXPECT_TRUE(IsOneLineError(Copy(), {path_, "no tensor \"fc2.bias\""}));
  slots_.pop_back();
  slots_[1].shape = {4};
  EXPECT_TRUE(IsOneLineError(Copy(), {path_, "\"fc1.weight\"", "2x2", "4"}));
  slots_.pop_back();
  EXPECT_TRUE(IsOneLineError(Copy(), {path_, "\"fc1.weight\"", "none of"}));
  // None of them has touched a slot.
  EXPECT_THAT(a_, ElementsAre(9, 9, 9, 9));
  EXPECT_THAT(b_, ElementsAre(9, 9));
}

TEST_F(CopyTensorsTest, IgnoresAPrefixWhenAsked) {
  ASSERT_TRUE(
      WriteWeightsFile(path_, {{"fc1.weight", {2, 2}, weight_},
                               {"fc1.bias", {2}, bias_},
                               {"optimizer.momentum.fc1.bias", {2}, bias_}})
          .ok());
  EXPECT_TRUE(IsOneLineError(Copy(), {path_, "optimizer.momentum.fc1.bias"}));
  EXPECT_TRUE(Copy("optimizer.").ok());
  EXPECT_EQ(b_, bias_);
}

}  // namespace
}  // namespace kiln
