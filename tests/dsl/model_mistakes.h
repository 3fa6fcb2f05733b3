// What tests of wrong models share: a wrong model gives exactly one message,
// "file:line: layer: what is wrong", with the line of the faulty call.
#ifndef KILN_TESTS_DSL_MODEL_MISTAKES_H_
#define KILN_TESTS_DSL_MODEL_MISTAKES_H_

#include <limits>
#include <source_location>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "dsl/model.h"
#include "dsl/passes.h"
#include "gtest/gtest.h"

namespace kiln {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The first mistake of the model, compiled as a generator does; "" when there
// is none.
inline std::string Mistake(ModelBuilder& m) {
  const absl::StatusOr<Model> model = m.Build();
  if (!model.ok()) return std::string(model.status().message());
  return std::string(BuildTrainingGraph(model->graph).status().message());
}

// Whether the model's one message is "<this file>:<line>: `what`", with a line
// between the two.
inline ::testing::AssertionResult Says(
    const std::string& message, int before, int after, const std::string& what,
    std::source_location where = std::source_location::current()) {
  const std::vector<std::string> parts =
      absl::StrSplit(message, absl::MaxSplits(':', 2));
  if (parts.size() == 3 && parts[0] == where.file_name() &&
      absl::StartsWith(parts[0], "tests/dsl/model_mistakes") &&
      std::stoi(parts[1]) > before && std::stoi(parts[1]) < after &&
      parts[2] == absl::StrCat(" ", what)) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << "\"" << message << "\" is not a line between " << before << " and "
         << after << ": " << what;
}

class ModelMistakesTest : public ::testing::Test {
 protected:
  ModelMistakesTest() {
    image_ = m_.Input("image", {1, 8, 8});
    label_ = m_.Labels("label", 3);
    features_ = m_.Flatten(image_);
  }

  // Finishes the model as it should be: for mistakes that only show in the
  // whole.
  ::testing::AssertionResult SaysOfTheWhole(
      int before, int after, const std::string& what,
      std::source_location where = std::source_location::current()) {
    const Value logits = m_.Dense("last", features_, {.out = 3});
    m_.Loss(m_.SoftmaxCrossEntropy(logits, label_));
    return kiln::Says(Mistake(m_), before, after, what, where);
  }

  // Finishes the model with right and wrong calls, which must not add to the
  // one message.
  ::testing::AssertionResult Says(
      int before, int after, const std::string& what,
      std::source_location where = std::source_location::current()) {
    const Value logits = m_.Dense("last", features_, {.out = 3});
    m_.Loss(m_.SoftmaxCrossEntropy(logits, label_));
    m_.Dense("last", logits, {.out = -1});
    m_.Output("a name", Value{});
    return kiln::Says(Mistake(m_), before, after, what, where);
  }

  ModelBuilder m_;
  Value image_, label_, features_;
};

}  // namespace kiln

#endif  // KILN_TESTS_DSL_MODEL_MISTAKES_H_
