#include "runtime/flag_set.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

class FlagSetTest : public testing::Test {
 protected:
  FlagSetTest() {
    flags_.Add("batch", &batch_, "N", "samples a step");
    flags_.Add("lr", &lr_, "X", "learning rate");
    flags_.Add("shuffle", &shuffle_, "", "a new order");
    flags_.Add("save", &save_, "FILE", "weights");
    flags_.Add("seed", &seed_, "N", "seed");
  }
  absl::Status Parse(const std::vector<const char*>& arguments) {
    return flags_.Parse(arguments);
  }

  FlagSet flags_;
  int64_t batch_ = 64;
  double lr_ = 0.5;
  bool shuffle_ = true;
  std::string save_;
  uint64_t seed_ = 1;
};

TEST_F(FlagSetTest, AFlagThatMayStandAlone) {
  std::string latex;
  flags_.AddOptional("latex", &latex, "FILE", "-", "a document");
  ASSERT_TRUE(Parse({"--batch=8"}).ok());
  EXPECT_EQ(latex, "");
  ASSERT_TRUE(Parse({"--latex", "--batch=9"}).ok());
  EXPECT_EQ(latex, "-");
  EXPECT_EQ(batch_, 9);
  ASSERT_TRUE(Parse({"--latex=a.tex"}).ok());
  EXPECT_EQ(latex, "a.tex");
  EXPECT_FALSE(Parse({"--latex", "a.tex"}).ok());
  EXPECT_NE(flags_.Help().find("--latex[=FILE]"), std::string::npos);
}

TEST_F(FlagSetTest, AbslsSpellings) {
  ASSERT_TRUE(Parse({"--batch=8", "-lr", "1e-3", "--noshuffle", "--save",
                     "a=b.safetensors"})
                  .ok());
  EXPECT_EQ(batch_, 8);
  EXPECT_EQ(lr_, 1e-3);
  EXPECT_FALSE(shuffle_);
  EXPECT_EQ(save_, "a=b.safetensors");
  ASSERT_TRUE(Parse({"--shuffle", "--batch=9", "--batch=10"}).ok());
  EXPECT_TRUE(shuffle_);
  EXPECT_EQ(batch_, 10);
  ASSERT_TRUE(Parse({"--shuffle=false"}).ok());
  EXPECT_FALSE(shuffle_);
}

TEST_F(FlagSetTest, MistakesAreOneLine) {
  EXPECT_TRUE(IsOneLineError(Parse({"--bach=8"}), {"unknown flag --bach=8"}));
  EXPECT_TRUE(IsOneLineError(Parse({"--nobatch"}), {"--nobatch"}));
  EXPECT_TRUE(IsOneLineError(Parse({"--nonsense"}), {"--nonsense"}));
  EXPECT_TRUE(IsOneLineError(Parse({"--batch"}), {"--batch needs a value"}));
  EXPECT_TRUE(IsOneLineError(Parse({"--batch=many"}), {"--batch=many"}));
  EXPECT_TRUE(IsOneLineError(Parse({"--batch=8.5"}), {"--batch=8.5"}));
  EXPECT_TRUE(IsOneLineError(Parse({"--batch="}), {"--batch="}));
  EXPECT_TRUE(IsOneLineError(Parse({"--seed=-1"}), {"--seed=-1"}));
  EXPECT_TRUE(
      IsOneLineError(Parse({"--batch=99999999999999999999"}), {"--batch"}));
  EXPECT_TRUE(IsOneLineError(Parse({"--shuffle=perhaps"}), {"perhaps"}));
  EXPECT_TRUE(IsOneLineError(Parse({"file.png"}), {"\"file.png\""}));
  EXPECT_TRUE(IsOneLineError(Parse({"-"}), {"\"-\""}));
  EXPECT_TRUE(IsOneLineError(Parse({"--"}), {"--"}));
  EXPECT_TRUE(IsOneLineError(Parse({"--=3"}), {"--=3"}));
}

TEST_F(FlagSetTest, HelpShowsEveryFlagWithItsDefault) {
  EXPECT_TRUE(Parse({"--help"}).ok());
  EXPECT_TRUE(flags_.help_requested());
  const std::string help = flags_.Help();
  for (const char* part : {"--batch=N", "samples a step [64]", "[0.5]",
                           "--shuffle ", "[true]", "--save=FILE"}) {
    EXPECT_NE(help.find(part), std::string::npos) << part << "\n" << help;
  }
}

}  // namespace
}  // namespace kiln
