// scripts/experiments with two of its studies, and its errors.

#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "gtest/gtest.h"
#include "runtime/plot/gnuplot.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

struct Outcome {
  int code = 0;
  std::string out, err;
};

// Tests run in the repository's root.
Outcome Experiments(const std::string& arguments) {
  const TemporaryDirectory streams;
  const std::string command = "scripts/experiments " + arguments + " >" +
                              streams / "out" + " 2>" + streams / "err";
  const int status = std::system(command.c_str());
  return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = ReadBytes(streams / "out"),
          .err = ReadBytes(streams / "err")};
}

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) {
    ++count;
  }
  return count;
}

TEST(ExperimentsTest, WritesAPageThatHoldsItsPictures) {
  if (!CheckGnuplot().ok()) GTEST_SKIP() << "gnuplot is not installed";
  const TemporaryDirectory directory;
  const Outcome outcome = Experiments(
      "--only=descent,activations --bin='" KILN_BIN_DIR "' --out='" +
      directory.path() + "'");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("[4/4]"), std::string::npos) << outcome.out;
  const std::string page = ReadBytes(directory / "index.html");
  EXPECT_EQ(Count(page, "<h2 "), 2);
  EXPECT_EQ(Count(page, "<img alt"), 2);
  EXPECT_EQ(Count(page, "src=\"data:image/png;base64,iVBORw0KGgo"), 2);
  EXPECT_EQ(Count(page, "<table>"), 2);
  EXPECT_EQ(Count(page, "src=\"data:"), Count(page, "src="))
      << "nothing from elsewhere";
  // A sentence's number is the table's, and that the log's.
  const std::string table = ReadBytes(directory / "descent_table.csv");
  EXPECT_NE(table.find("one sample a step,\"4,000\","), std::string::npos)
      << table;
  EXPECT_NE(page.find("After 4,000 steps"), std::string::npos);
  EXPECT_EQ(Count(ReadBytes(directory / "runs/descent_one.jsonl"),
                  "\"event\":\"step\""),
            4000);
}

TEST(ExperimentsTest, Errors) {
  const auto refuses = [](const std::string& arguments,
                          const std::string& complaint) {
    const Outcome outcome = Experiments(arguments);
    return outcome.code == 1 && Count(outcome.err, "\n") == 1 &&
           outcome.err.find(complaint) != std::string::npos;
  };
  EXPECT_TRUE(refuses("--only=xor,alchemy", "--only=alchemy"));
  if (!CheckGnuplot().ok()) GTEST_SKIP() << "gnuplot is not installed";
  EXPECT_TRUE(refuses("--bin=/nonexistent/bin", "study xor needs xor_mlp"))
      << "every study must be there";
  EXPECT_TRUE(
      refuses("--only=xor --bin=/nonexistent/bin", "no study is left to run"));
}

TEST(ExperimentsTest, ListsItsStudies) {
  const Outcome outcome = Experiments("--list");
  EXPECT_EQ(outcome.code, 0);
  for (const char* study : {"xor ", "plane ", "fc_net ", "lines ", "detection ",
                            "redo ", "classifiers ", "regression ", "descent ",
                            "neurons ", "activations ", "features "}) {
    EXPECT_NE(outcome.out.find(study), std::string::npos) << study;
  }
}

}  // namespace
}  // namespace kiln
