#include "runtime/idx_reader.h"

#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/idx_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

using testing::ElementsAre;

class IdxReaderTest : public testing::Test {
 protected:
  // What reading a file of these bytes yields.
  absl::StatusOr<IdxArray> ReadBack(const std::string& bytes) {
    WriteBytes(path_, bytes);
    return ReadIdxFile(path_);
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_ / "some-idx2-ubyte";
  const std::string good_ = IdxBytes({2, 3}, "abcdef");
};

TEST_F(IdxReaderTest, ReadsPlainAndCompressedFiles) {
  for (const std::string& bytes : {good_, Gzipped(good_)}) {
    const auto array = ReadBack(bytes);
    ASSERT_TRUE(array.ok()) << array.status();
    EXPECT_THAT(array->shape, ElementsAre(2, 3));
    EXPECT_THAT(array->values, ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
  }
}

TEST_F(IdxReaderTest, ReadsMoreThanOnePiece) {
  std::string elements(3 << 20, '\0');
  for (size_t i = 0; i < elements.size(); ++i) {
    elements[i] = static_cast<char>(i * i >> 7);
  }
  const auto array = ReadBack(Gzipped(IdxBytes({3, 1 << 20}, elements)));
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(std::string(array->values.begin(), array->values.end()), elements);
}

TEST_F(IdxReaderTest, RefusesEveryTruncation) {
  for (const std::string& bytes : {good_, Gzipped(good_)}) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_TRUE(IsOneLineError(ReadBack(bytes.substr(0, size)), {path_}))
          << size << " of " << bytes.size();
    }
  }
}

// gzip's checksum covers the content; its own header has bytes (time, flags)
// that may change without harm.
TEST_F(IdxReaderTest, FlippedBitOfACompressedFileNeverChangesTheValues) {
  const std::string bytes = Gzipped(good_);
  const auto expected = ReadBack(bytes);
  ASSERT_TRUE(expected.ok());
  int refused = 0;
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const auto array = ReadBack(damaged);
    if (array.ok()) {
      EXPECT_EQ(array->values, expected->values) << "bit " << bit;
    } else {
      EXPECT_TRUE(IsOneLineError(array, {path_}));
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int>(4 * bytes.size()));
}

TEST_F(IdxReaderTest, RefusesTrailingBytes) {
  EXPECT_TRUE(IsOneLineError(ReadBack(good_ + "g"), {path_, "goes on after"}));
  EXPECT_TRUE(
      IsOneLineError(ReadBack(Gzipped(good_ + "g")), {path_, "goes on after"}));
}

TEST_F(IdxReaderTest, RefusesAWrongMagicNumber) {
  EXPECT_TRUE(IsOneLineError(ReadBack("\x89PNG\r\n\x1a\n and so on"),
                             {path_, "magic number 89504e47"}));
  std::string floats = good_;
  floats[2] = 0x0d;
  EXPECT_TRUE(IsOneLineError(ReadBack(floats), {path_, "unsigned bytes"}));
  std::string scalar = good_;
  scalar[3] = 0;
  EXPECT_TRUE(IsOneLineError(ReadBack(scalar), {path_, "magic number"}));
}

TEST_F(IdxReaderTest, RefusesEmptyAndAbsurdDimensions) {
  EXPECT_TRUE(IsOneLineError(ReadBack(IdxBytes({0, 3}, "")), {path_, "0"}));
  // 2^32 - 1 squared, and cubed, would overflow.
  EXPECT_TRUE(IsOneLineError(ReadBack(IdxBytes({0xffffffff, 0xffffffff}, "a")),
                             {path_, "more than"}));
  EXPECT_TRUE(IsOneLineError(
      ReadBack(IdxBytes({0x10000, 0x10000, 0x10000, 0x10000}, "a")),
      {path_, "more than"}));
}

TEST_F(IdxReaderTest, DoesNotAllocateWhatTheHeaderClaims) {
  // 2^31 - 1 elements, just allowed, of which two are there.
  EXPECT_TRUE(
      IsOneLineError(ReadBack(IdxBytes({0x7fffffff}, "ab")), {path_, "ends"}));
}

TEST_F(IdxReaderTest, NamesAMissingFileAndADirectory) {
  EXPECT_TRUE(IsOneLineError(ReadIdxFile(directory_ / "none"),
                             {directory_ / "none", "No such file"}));
  EXPECT_TRUE(IsOneLineError(ReadIdxFile(directory_.path()),
                             {directory_.path(), "is a directory"}));
}

}  // namespace
}  // namespace kiln
