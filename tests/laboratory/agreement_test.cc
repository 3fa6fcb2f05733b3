#include "bench/agreement.h"

#include <map>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "xor_mlp.h"
#include "xor_mlp_adams2019.h"
#include "xor_mlp_naive.h"
#include "xor_mlp_relu.h"

namespace kiln {
namespace {

const Manifest& ManifestOf(const Bundle& bundle) {
  static auto& manifests = *new std::map<std::string, Manifest>;
  Manifest& manifest = manifests[bundle.name];
  if (manifest.model.empty()) manifest = ReadManifest(bundle).value();
  return manifest;
}

bool IsChecked(const PipelineSpec& spec) {
  return spec.block == 8 &&
         (spec.kind == PipelineKind::kInfer ||
          spec.kind == PipelineKind::kEval || spec.kind == PipelineKind::kGrad);
}

TEST(DisagreementTest, SchedulesOfOneModelAgree) {
  const Bundle& naive = models::xor_mlp_naive();
  int checked = 0;
  for (const Bundle* bundle :
       {&models::xor_mlp(), &models::xor_mlp_adams2019()}) {
    for (const PipelineSpec& spec : ManifestOf(*bundle).pipelines) {
      EXPECT_EQ(Disagreement(*bundle, spec, naive), "") << spec.function;
      checked += IsChecked(spec) ? 1 : 0;
    }
  }
  EXPECT_EQ(checked, 6);
}

TEST(DisagreementTest, OtherActivationsDiffer) {
  const Bundle& naive = models::xor_mlp_naive();
  const Bundle& relu = models::xor_mlp_relu();
  int checked = 0;
  for (const PipelineSpec& spec : ManifestOf(relu).pipelines) {
    if (!IsChecked(spec)) continue;
    EXPECT_THAT(Disagreement(relu, spec, naive),
                testing::HasSubstr("differs from the naive schedule's"))
        << spec.function;
    ++checked;
  }
  EXPECT_EQ(checked, 3);
}

}  // namespace
}  // namespace kiln
