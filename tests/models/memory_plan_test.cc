// The static memory plan of every pipeline of every model, by the lifetimes
// that its record states.
#include <algorithm>
#include <string>
#include <vector>

#include "emitted_models.inc"  // made by CMake: headers of the models and EmittedModels()
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/report.h"

namespace kiln {
namespace {

using Json = nlohmann::json;

// What Halide may keep inside the loops: at most 16 KiB a stage, and a tile has
// a few. A thread's stack is 8 MiB here, 512 KiB on macOS, 128 KiB with musl.
constexpr int64_t kMostStackBytes = 64 * 1024;

bool AliveTogether(const Json& a, const Json& b) {
  return a["first"] <= b["last"] && b["first"] <= a["last"];
}

bool Overlap(const Json& a, const Json& b) {
  const auto begin_a = a["offset"].get<int64_t>(),
             begin_b = b["offset"].get<int64_t>();
  return begin_a < begin_b + b["bytes"].get<int64_t>() &&
         begin_b < begin_a + a["bytes"].get<int64_t>();
}

// The largest sum alive at the beginning of an allocation.
int64_t LowerBound(const Json& allocations) {
  int64_t most = 0;
  for (const Json& begins : allocations) {
    int64_t alive = 0;
    for (const Json& other : allocations) {
      if (other["first"] <= begins["first"] && begins["first"] <= other["last"])
        alive += other["bytes"].get<int64_t>();
    }
    most = std::max(most, alive);
  }
  return most;
}

class MemoryPlanTest : public ::testing::TestWithParam<EmittedModel> {
 protected:
  const Json manifest_ = Json::parse(*ManifestText(GetParam().bundle()));
};

TEST_P(MemoryPlanTest, IsWithinATenthOfTheLivenessLowerBound) {
  ASSERT_GE(manifest_["pipelines"].size(), 5u);

  for (const Json& pipeline : manifest_["pipelines"]) {
    const Json& allocations = pipeline["allocations"];
    const auto bytes = pipeline["workspace_bytes"].get<int64_t>();
    const int64_t bound = LowerBound(allocations);
    EXPECT_EQ(pipeline["workspace_lower_bound"], bound);
    EXPECT_GE(bytes, bound);
    EXPECT_LE(10 * bytes, 11 * bound) << pipeline["function"];
    EXPECT_EQ(bound == 0, allocations.empty());
    EXPECT_LE(pipeline["stack_bytes"], kMostStackBytes) << pipeline["function"];
    for (size_t i = 0; i < allocations.size(); ++i) {
      const Json& a = allocations[i];
      EXPECT_LE(a["offset"].get<int64_t>() + a["bytes"].get<int64_t>(), bytes);
      for (size_t k = 0; k < i; ++k) {
        EXPECT_FALSE(AliveTogether(a, allocations[k]) &&
                     Overlap(a, allocations[k]))
            << pipeline["function"] << " " << a["name"];
      }
    }

    ReportSum("memory plans", "pipelines", 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, MemoryPlanTest,
                         ::testing::ValuesIn(EmittedModels()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace kiln
