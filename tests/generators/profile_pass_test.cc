#include "generators/profile_pass.h"

#include <string>
#include <vector>

#include "Halide.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using testing::ElementsAre;

std::vector<int> marks;

extern "C" int keep_mark(int stage) {
  marks.push_back(stage);
  return 0;
}

// Halide numbers the Funcs of one name in a process: "a$1".
std::string Names(const std::vector<std::string>& funcs) {
  std::string names;
  for (const std::string& func : funcs)
    names += func.substr(0, func.find('$')) + " ";
  return names;
}

// Two stages at the root, the second with a Func inside its loops and a third
// that updates itself.
struct Stages {
  Halide::Var x{"x"}, xo{"xo"}, xi{"xi"};
  Halide::Func a{"a"}, inner{"inner"}, b{"b"}, out{"out"};

  Stages() {
    const Halide::RDom r(0, 4);
    a(x) = Halide::sin(Halide::cast<float>(x));
    inner(x) = a(x) * a(x + 1);
    b(x) = inner(x) / 3.0f + 0.1f;
    out(x) = b(x);
    out(x) += b(x + r) * a(x);
    a.compute_root();
    b.compute_root().split(x, xo, xi, 8);
    inner.compute_at(b, xo);
  }

  std::vector<float> Run() {
    marks.clear();
    Halide::Pipeline pipeline(out);
    pipeline.set_jit_externs(
        {{"kiln_profile_mark", Halide::JITExtern(keep_mark)}});
    if (pass != nullptr) pipeline.add_custom_lowering_pass(pass, nullptr);
    const Halide::Buffer<float> result = pipeline.realize({40});
    return {result.begin(), result.end()};
  }

  ProfilePass* pass = nullptr;
};

TEST(ProfilePassTest, MarksEachRootStageOnceInItsOrder) {
  Stages stages;
  ProfilePass pass;
  stages.pass = &pass;
  stages.Run();
  EXPECT_EQ(Names(pass.stages()), "a b out ");
  EXPECT_THAT(marks, ElementsAre(0, 1, 2));
}

TEST(ProfilePassTest, TheMarkComesBeforeTheWork) {
  using namespace Halide::Internal;
  ProfilePass pass;
  const Stmt work = Evaluate::make(7);
  const Stmt marked = pass.mutate(ProducerConsumer::make_produce("f", work));
  const auto* produce = marked.as<ProducerConsumer>();
  ASSERT_NE(produce, nullptr);
  const auto* block = produce->body.as<Block>();
  ASSERT_NE(block, nullptr);
  const auto* mark = block->first.as<Evaluate>();
  ASSERT_NE(mark, nullptr);
  const auto* call = mark->value.as<Call>();
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(call->name, "kiln_profile_mark");
  EXPECT_TRUE(block->rest.same_as(work));
}

TEST(ProfilePassTest, KnowsWhatIsComputedInsideAStage) {
  Stages stages;
  ProfilePass pass;
  stages.pass = &pass;
  stages.Run();
  ASSERT_EQ(pass.parts().size(), 3);
  EXPECT_EQ(Names(pass.parts()[0]), "a ");
  EXPECT_EQ(Names(pass.parts()[1]), "b inner ");
  EXPECT_EQ(Names(pass.parts()[2]), "out ");
}

TEST(ProfilePassTest, ChangesNoBitOfTheResults) {
  const std::vector<float> plain = Stages().Run();
  EXPECT_TRUE(marks.empty());
  Stages stages;
  ProfilePass pass;
  stages.pass = &pass;
  EXPECT_EQ(stages.Run(), plain);
}

}  // namespace
}  // namespace kiln
