#include "tests/support/models.h"

#include <utility>

#include "absl/strings/str_cat.h"

#define KILN_TEST_MODEL(name) \
  void KilnModelDefinition_##name(kiln::ModelBuilder& builder);
#include "models.inc"
#undef KILN_TEST_MODEL

namespace kiln {
namespace {

using Definition = void (*)(ModelBuilder&);

const std::vector<std::pair<std::string, Definition>>& Models() {
  static const auto& models =
      *new std::vector<std::pair<std::string, Definition>>{
#define KILN_TEST_MODEL(name) {#name, KilnModelDefinition_##name},
#include "models.inc"
#undef KILN_TEST_MODEL
      };
  return models;
}

}  // namespace

std::vector<std::string> ModelNames() {
  std::vector<std::string> names;
  for (const auto& [name, definition] : Models()) names.push_back(name);
  return names;
}

absl::StatusOr<Model> BuildModel(const std::string& name) {
  for (const auto& [model, definition] : Models()) {
    if (model != name) continue;
    ModelBuilder builder;
    definition(builder);
    return builder.Build();
  }
  return absl::NotFoundError(absl::StrCat("no model is called ", name));
}

}  // namespace kiln
