#include "runtime/csv_reader.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

using testing::ElementsAre;

using Records = std::vector<std::vector<std::string>>;

class CsvReaderTest : public testing::Test {
 protected:
  // All records of a file with this text.
  absl::StatusOr<Records> Read(const std::string& text) {
    WriteBytes(path_, text);
    absl::StatusOr<CsvReader> reader = CsvReader::Open(path_);
    if (!reader.ok()) return reader.status();
    Records records;
    lines_.clear();
    while (true) {
      const absl::StatusOr<bool> read = reader->Next();
      if (!read.ok()) return read.status();
      if (!*read) return records;
      records.emplace_back();
      for (int64_t i = 0; i < reader->size(); ++i) {
        records.back().emplace_back(reader->field(i));
      }
      lines_.push_back(reader->line());
    }
  }

  // What reading such a file fails with, behind the file's name.
  std::string Error(const std::string& text) {
    const absl::StatusOr<Records> read = Read(text);
    if (read.ok()) return "it is OK";
    const std::string message(read.status().message());
    EXPECT_EQ(message.find('\n'), std::string::npos);
    EXPECT_EQ(message.compare(0, path_.size(), path_), 0) << message;
    return message.substr(path_.size());
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "table.csv";
  std::vector<int64_t> lines_;
};

TEST_F(CsvReaderTest, SplitsFieldsAndRecords) {
  const auto records = Read("a,b\n1,2\n,\n x ,y");
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT(*records,
              ElementsAre(ElementsAre("a", "b"), ElementsAre("1", "2"),
                          ElementsAre("", ""), ElementsAre(" x ", "y")));
  EXPECT_THAT(lines_, ElementsAre(1, 2, 3, 4));
}

TEST_F(CsvReaderTest, EndsLinesAsUnixAndDosDo) {
  EXPECT_EQ(*Read("a,b\r\n1,2\r\n"), *Read("a,b\n1,2\n"));
  EXPECT_EQ(*Read("a,b\r\n1,2"), *Read("a,b\n1,2\n"));
}

TEST_F(CsvReaderTest, SkipsTheByteOrderMarkAndLinesOfNothing) {
  const auto records = Read("\xef\xbb\xbf\n\r\na,b\n\n\r\n1,2\n\n");
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT(*records,
              ElementsAre(ElementsAre("a", "b"), ElementsAre("1", "2")));
  EXPECT_THAT(lines_, ElementsAre(3, 6));
  EXPECT_THAT(*Read(""), ElementsAre());
  EXPECT_THAT(*Read("\n\n"), ElementsAre());
  EXPECT_THAT(*Read("\xef\xbb\xbf"), ElementsAre());
}

// Would overflow the stack if each were a call within the last one's.
TEST_F(CsvReaderTest, SkipsAMillionLinesOfNothing) {
  std::string text;
  for (int i = 0; i < 1000000; ++i) text += "\r\n";
  const auto records = Read(text + "a,b");
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT(lines_, ElementsAre(1000001));
}

TEST_F(CsvReaderTest, QuotesHoldCommasLinesAndQuotes) {
  const auto records =
      Read("\"a,b\",\"c \"\"d\"\"\"\n\"two\r\nlines\",\"\"\nx,\"\"\"\"");
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT(*records, ElementsAre(ElementsAre("a,b", "c \"d\""),
                                    ElementsAre("two\r\nlines", ""),
                                    ElementsAre("x", "\"")));
  EXPECT_THAT(lines_, ElementsAre(1, 2, 4));
}

TEST_F(CsvReaderTest, NamesTheLineOfWhatIsWrong) {
  EXPECT_EQ(Error("a,b\n1,x\"y\n"),
            ":2: a quote within a field without quotes");
  EXPECT_EQ(Error("a,b\n1,\"x\"y\n"),
            ":2: text between a closing quote and the next comma");
  EXPECT_EQ(Error("a,b\n\"1\n2,3\n4,5\n"),
            ":2: a quote is opened and never closed");
  EXPECT_EQ(Error("a,b\n\n1,2\r3,4\r"),
            ":3: a carriage return without a line feed");
  EXPECT_EQ(Error("a,b\n1,2\r"), ":2: a carriage return without a line feed");
  EXPECT_EQ(Error(std::string("a,b\n1,\0\n", 8)),
            ":2: a zero byte; this is no text file");
  EXPECT_EQ(Error(std::string("a,b\n\"x\n\0\"\n", 10)),
            ":3: a zero byte; this is no text file");
}

TEST_F(CsvReaderTest, NamesTheFileThatCannotBeRead) {
  EXPECT_TRUE(IsOneLineError(
      CsvReader::Open(directory_ / "none.csv"),
      {directory_ / "none.csv: cannot be opened (No such file", "check"}));
  absl::StatusOr<CsvReader> folder = CsvReader::Open(directory_.path());
  ASSERT_TRUE(folder.ok());
  EXPECT_TRUE(IsOneLineError(folder->Next(),
                             {directory_.path() + ":1: reading failed: "}));
}

// Fields and line ends that lie across the pieces the file is read in.
TEST_F(CsvReaderTest, PiecesOfTheFileLeaveNoTrace) {
  std::string text;
  for (int i = 0; i < 200000; ++i) {
    text += std::to_string(i) + ",\"" + std::to_string(i * 7) + "\"\"\"\r\n";
  }
  const auto records = Read(text);
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 200000u);
  for (int i = 0; i < 200000; ++i) {
    ASSERT_THAT((*records)[i],
                ElementsAre(std::to_string(i), std::to_string(i * 7) + "\""));
    ASSERT_EQ(lines_[i], i + 1);
  }
}

}  // namespace
}  // namespace kiln
