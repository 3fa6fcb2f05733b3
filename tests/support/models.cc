#include "tests/support/models.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dsl/analysis.h"

#define KILN_TEST_MODEL(name) \
  void KilnModelDefinition_##name(kiln::ModelBuilder& builder);
#define KILN_TEST_VARIANT(name, model, options)
#include "models.inc"
#undef KILN_TEST_MODEL
#undef KILN_TEST_VARIANT

namespace kiln {
namespace {

struct TestModel {
  std::string name;
  void (*definition)(ModelBuilder&);
  std::string options;  // as ParseModelOptions reads them
};

const std::vector<TestModel>& Models() {
  static const auto& models = *new std::vector<TestModel>{
#define KILN_TEST_MODEL(name)
#define KILN_TEST_VARIANT(name, model, options) \
  {#name, KilnModelDefinition_##model, options},
#include "models.inc"
#undef KILN_TEST_MODEL
#undef KILN_TEST_VARIANT
  };
  return models;
}

}  // namespace

std::vector<std::string> ModelNames() {
  std::vector<std::string> names;
  for (const TestModel& model : Models()) names.push_back(model.name);
  return names;
}

std::vector<std::string> ModelStructures() {
  constexpr int64_t kMostFlops = 1000000;  // forward; lenet5 has 845,892
  std::set<std::string> seen;
  std::vector<std::string> names;
  for (const TestModel& model : Models()) {
    std::string ops;
    const absl::StatusOr<Model> built = BuildModel(model.name);
    if (built.ok()) {
      if (CountFlops(built->graph).all > kMostFlops) continue;
      for (const Node& node : built->graph.nodes())
        absl::StrAppend(&ops, node.op->name(), " ");
    }
    if (seen.insert(ops).second) names.push_back(model.name);
  }
  return names;
}

absl::StatusOr<Model> BuildModel(const std::string& name) {
  for (const TestModel& model : Models()) {
    if (model.name != name) continue;
    absl::StatusOr<ModelOptions> options = ParseModelOptions(model.options);
    if (!options.ok()) return options.status();
    ModelBuilder builder(*options);
    model.definition(builder);
    return builder.Build();
  }
  return absl::NotFoundError(absl::StrCat("no model is called ", name));
}

}  // namespace kiln
