#include "runtime/atomic_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

absl::Status Write(const std::string& path, const std::string& bytes) {
  const absl::string_view parts[] = {bytes};
  return WriteFileAtomically(path, parts);
}

// While it lives, no file of this process may grow beyond `bytes`: what a full
// disk looks like to the writer, in the middle of a write.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    previous_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &previous_);
    const rlimit limit = {bytes, previous_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &previous_);
    std::signal(SIGXFSZ, previous_handler_);
  }

 private:
  rlimit previous_;
  void (*previous_handler_)(int);
};

TEST(AtomicFileTest, WritesThePartsInOrder) {
  TemporaryDirectory directory;
  const std::string path = directory / "file";
  const absl::string_view parts[] = {"one ", "", "two ", "three"};
  ASSERT_TRUE(WriteFileAtomically(path, parts).ok());
  EXPECT_EQ(ReadBytes(path), "one two three");
  EXPECT_THAT(directory.Names(), ElementsAre("file"));
}

TEST(AtomicFileTest, ReplacesAFile) {
  TemporaryDirectory directory;
  const std::string path = directory / "file";
  ASSERT_TRUE(Write(path, "a long first content").ok());
  ASSERT_TRUE(Write(path, "second").ok());
  EXPECT_EQ(ReadBytes(path), "second");
  EXPECT_THAT(directory.Names(), ElementsAre("file"));
}

TEST(AtomicFileTest, WritesAnEmptyFile) {
  TemporaryDirectory directory;
  ASSERT_TRUE(WriteFileAtomically(directory / "file", {}).ok());
  EXPECT_EQ(ReadBytes(directory / "file"), "");
  EXPECT_THAT(directory.Names(), ElementsAre("file"));
}

TEST(AtomicFileTest, ObeysTheUmask) {
  TemporaryDirectory directory;
  const mode_t previous = umask(027);
  ASSERT_TRUE(Write(directory / "file", "x").ok());
  umask(previous);
  struct stat status;
  ASSERT_EQ(stat((directory / "file").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(AtomicFileTest, AFailedWriteLeavesTheOldFileAndNothingElse) {
  TemporaryDirectory directory;
  const std::string path = directory / "file";
  ASSERT_TRUE(Write(path, "old").ok());
  {
    FileSizeLimit limit(4096);
    EXPECT_TRUE(IsOneLineError(Write(path, std::string(10000, 'x')),
                               {path, "File too large"}));
    EXPECT_TRUE(IsOneLineError(Write(directory / "new", std::string(5000, 'x')),
                               {directory / "new"}));
  }
  EXPECT_EQ(ReadBytes(path), "old");
  EXPECT_THAT(directory.Names(), ElementsAre("file"));
}

TEST(AtomicFileTest, AFailedRenameLeavesNothing) {
  TemporaryDirectory directory;
  // Looks like a regular file's name until the rename: 255 bytes are allowed,
  // and the temporary name is longer.
  const std::string path = directory / std::string(300, 'n');
  EXPECT_TRUE(IsOneLineError(Write(path, "x"), {"File name too long"}));
  EXPECT_THAT(directory.Names(), IsEmpty());
}

TEST(AtomicFileTest, NamesAMissingDirectory) {
  TemporaryDirectory directory;
  const std::string path = directory / "none/file";
  EXPECT_TRUE(IsOneLineError(
      Write(path, "x"),
      {path, "No such file or directory", "create its directory"}));
}

TEST(AtomicFileTest, RefusesWhatIsNoRegularFile) {
  TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "inner");
  EXPECT_TRUE(IsOneLineError(Write(directory / "inner", "x"),
                             {directory / "inner", "no regular file"}));
  // A pipe stands for /dev/null, which a failing test would have replaced.
  ASSERT_EQ(mkfifo((directory / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(IsOneLineError(Write(directory / "pipe", "x"),
                             {directory / "pipe", "no regular file"}));
  EXPECT_TRUE(std::filesystem::is_fifo(directory / "pipe"));
  EXPECT_THAT(directory.Names(), UnorderedElementsAre("inner", "pipe"));
}

TEST(AtomicFileTest, WritesThroughASymbolicLink) {
  TemporaryDirectory directory;
  ASSERT_TRUE(Write(directory / "file", "old").ok());
  std::filesystem::create_symlink("file", directory / "link");
  ASSERT_TRUE(Write(directory / "link", "new").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(directory / "link"));
  EXPECT_EQ(ReadBytes(directory / "file"), "new");
}

TEST(AtomicFileTest, PassesOverTheFileOfAKilledProcess) {
  TemporaryDirectory directory;
  const std::string path = directory / "file";
  const std::string left = path + ".tmp-" + std::to_string(getpid()) + "-0";
  WriteBytes(left, "half of a fi");
  ASSERT_TRUE(Write(path, "whole").ok());
  EXPECT_EQ(ReadBytes(path), "whole");
  EXPECT_EQ(ReadBytes(left), "half of a fi");
}

TEST(AtomicFileTest, AReaderSeesOneContentOrTheOther) {
  TemporaryDirectory directory;
  const std::string path = directory / "file";
  const std::string contents[] = {std::string(100000, 'a'),
                                  std::string(150000, 'b')};
  ASSERT_TRUE(Write(path, contents[0]).ok());
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 1; i < 50; ++i) EXPECT_TRUE(Write(path, contents[i % 2]).ok());
    done = true;
  });
  int reads = 0;
  do {
    const std::string seen = ReadBytes(path);
    EXPECT_TRUE(seen == contents[0] || seen == contents[1]) << seen.size();
    ++reads;
  } while (!done);
  writer.join();
  EXPECT_GT(reads, 0);
}

}  // namespace
}  // namespace kiln
