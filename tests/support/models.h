// Every model of models/, by name, with the variants that kiln_add_model's
// OPTIONS make of it: "xor_mlp_relu".
#ifndef KILN_TESTS_SUPPORT_MODELS_H_
#define KILN_TESTS_SUPPORT_MODELS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dsl/model.h"

namespace kiln {

std::vector<std::string> ModelNames();

// Those that differ in more than formulas and sizes: of models with the same
// ops in the same order the first. Formulas have tests of their own. lenet5 and
// mnist_cnn stand for larger models of their layers, which would take minutes.
std::vector<std::string> ModelStructures();

// The model's forward graph and defaults, as its file builds them.
absl::StatusOr<Model> BuildModel(const std::string& name);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_MODELS_H_
