// The verb profile as a user calls it.

#include <sys/wait.h>

#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/idx_files.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

using Json = nlohmann::json;

struct Outcome {
  int code = 0;
  std::string out, err;
};

Outcome Profile(const std::string& model, const std::string& flags) {
  const TemporaryDirectory streams;
  const int status =
      std::system(("'" KILN_BIN_DIR "/" + model + "' profile " + flags + " >" +
                   streams / "out" + " 2>" + streams / "err")
                      .c_str());
  return {.code = WEXITSTATUS(status),
          .out = ReadBytes(streams / "out"),
          .err = ReadBytes(streams / "err")};
}

void ExpectRefused(const std::string& model, const std::string& flags,
                   const std::string& complaint) {
  const Outcome outcome = Profile(model, flags);
  EXPECT_EQ(outcome.code, 1) << flags;
  EXPECT_EQ(outcome.out, "") << flags;
  EXPECT_NE(outcome.err.find(complaint), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
}

// The start of each line of the table that begins with a phase.
std::string PhasesOf(const std::string& table) {
  std::string phases;
  for (size_t at = 0; at != std::string::npos && at < table.size();) {
    for (const char* phase : {"forward ", "backward ", "backward+update "}) {
      if (table.compare(at, std::strlen(phase), phase) == 0) phases += *phase;
    }
    at = table.find('\n', at);
    if (at != std::string::npos) ++at;
  }
  return phases;
}

TEST(ProfileBinaryTest, RowsAddUpToTheStep) {
  const Outcome outcome = Profile("xor_mlp", "--json --steps=50");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(json["pipeline"], "xor_mlp_profile_step_momentum_b8");
  EXPECT_EQ(json["calls"], 50);
  double us = 0, percent = 0;
  int64_t useful = 0;
  for (const Json& row : json["rows"]) {
    us += row["us"].get<double>();
    percent += row["percent"].get<double>();
    useful += row["useful_flops"].get<int64_t>();
  }
  EXPECT_NEAR(us, json["total_us"], 1e-9 * us);
  EXPECT_NEAR(percent, 100, 1e-9);
  // By hand: 2-4-1 has 12 weights, forward and weight gradients 2 FLOPs each,
  // and the input gradient of the 4 of the second layer; 8 samples.
  EXPECT_EQ(useful, 8 * (2 * 12 + 2 * 12 + 2 * 4));
  EXPECT_GT(json["peak_gflops"], 0);
}

TEST(ProfileBinaryTest, TableNamesNodesInTheirOrder) {
  const Outcome outcome = Profile("xor_mlp", "--steps=5");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  size_t at = 0;
  for (const char* part :
       {"phase", "node", "useful FLOPs", "% of peak", "GB/s", "forward", "fc1",
        "fc2", "backward", "fc1.d_weight", "total", "without marks"}) {
    at = outcome.out.find(part, at);
    ASSERT_NE(at, std::string::npos) << part << "\n" << outcome.out;
  }
  // Never back to forward.
  const std::string phases = PhasesOf(outcome.out);
  EXPECT_EQ(phases.find("bf"), std::string::npos) << phases;
  EXPECT_NE(phases.find("fb"), std::string::npos) << phases;
}

TEST(ProfileBinaryTest, SortsByTime) {
  const Json json =
      Json::parse(Profile("xor_mlp", "--json --sort=time --steps=50").out);
  for (size_t i = 1; i < json["rows"].size(); ++i) {
    EXPECT_GE(json["rows"][i - 1]["us"].get<double>(),
              json["rows"][i]["us"].get<double>());
  }
}

TEST(ProfileBinaryTest, MistakesAreOneLine) {
  ExpectRefused("xor_mlp", "--stpes=5", "unknown flag --stpes=5");
  ExpectRefused("xor_mlp", "--steps=0", "--steps=0 must be at least 1");
  ExpectRefused("xor_mlp", "--steps=1000000", "is more than 100000");
  ExpectRefused("xor_mlp", "--seconds=0", "--seconds=0 must be above 0");
  ExpectRefused("xor_mlp", "--seconds=nan", "--seconds=nan must be above 0");
  ExpectRefused("xor_mlp", "--sort=name", "--sort=name: use program or time");
}

}  // namespace
}  // namespace kiln
