#include "generators/transpose_pass.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "Halide.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

// What the pass leaves: the most vectors that any shuffle has which moves
// elements by more than whole vectors, and how many of two there are.
class LargestShuffle : public Halide::Internal::IRMutator {
 public:
  static size_t most;
  static int pairs;

 protected:
  using IRMutator::visit;
  Halide::Expr visit(const Halide::Internal::Shuffle* op) override {
    if (!op->is_concat()) {
      most = std::max(most, op->vectors.size());
      pairs += op->vectors.size() == 2 ? 1 : 0;
    }
    return IRMutator::visit(op);
  }
};
size_t LargestShuffle::most = 0;
int LargestShuffle::pairs = 0;

// Of rows x columns elements, transposed in blocks as StoreTransposed does.
template <typename T>
std::vector<T> Transpose(int rows, int columns, int block_rows,
                         int block_columns, bool with_pass) {
  const Halide::Var r("r"), c("c"), ri("ri"), ci("ci");
  Halide::Func source("source"), transposed("transposed");
  source(c, r) = Halide::cast<T>(c + 37 * r);
  transposed(r, c) = source(c, r);
  source.compute_root();
  transposed.bound(r, 0, rows)
      .bound(c, 0, columns)
      .split(r, r, ri, block_rows, Halide::TailStrategy::ShiftInwards)
      .split(c, c, ci, block_columns, Halide::TailStrategy::ShiftInwards)
      .reorder(ri, ci, r, c)
      .vectorize(ri)
      .unroll(ci)
      .never_partition({r, c});
  Halide::Func loaded = source.in(transposed), block = loaded.in(transposed);
  loaded.compute_at(transposed, r).vectorize(c).unroll(r);
  block.compute_at(transposed, r).reorder_storage(r, c).vectorize(c).unroll(r);

  Halide::Pipeline pipeline(transposed);
  if (with_pass) pipeline.add_custom_lowering_pass(new TransposePass);
  LargestShuffle largest;
  LargestShuffle::most = 0;
  LargestShuffle::pairs = 0;
  pipeline.add_custom_lowering_pass(&largest, nullptr);
  const Halide::Buffer<T> result = pipeline.realize({rows, columns});
  return {result.begin(), result.end()};
}

TEST(TransposePassTest, StoresTheSameElements) {
  for (const int block_rows : {4, 8, 16}) {
    for (const int block_columns : {4, 8, 16}) {
      // Blocks that divide the extents, and last ones that are shifted.
      for (const int extra : {0, 3}) {
        const int rows = block_rows + extra,
                  columns = 2 * block_columns + extra;
        const auto expected = Transpose<float>(rows, columns, 1, 1, false);
        EXPECT_EQ(Transpose<float>(rows, columns, block_rows, block_columns,
                                   /*with_pass=*/true),
                  expected)
            << block_rows << " x " << block_columns << ", " << extra << " more";
        EXPECT_EQ(LargestShuffle::most, 2);
        EXPECT_EQ(LargestShuffle::pairs, 8 * block_columns / 4);
      }
    }
  }
}

// Words of four bytes, in vectors of all rows: 8 shuffles for 16 columns,
// where bytes would take 64.
TEST(TransposePassTest, StoresTheSameBytes) {
  for (const int rows : {4, 8, 16}) {
    for (const int lanes : {16, 32}) {
      const auto expected =
          Transpose<uint8_t>(rows + 3, lanes + 3, 1, 1, false);
      EXPECT_EQ(Transpose<uint8_t>(rows + 3, lanes + 3, rows, lanes, true),
                expected)
          << rows << " x " << lanes;
      EXPECT_EQ(LargestShuffle::most, 2);
      EXPECT_EQ(LargestShuffle::pairs, 8 * lanes / 16);
    }
  }
}

TEST(TransposePassTest, StoresTheSameSmallElements) {
  for (const int lanes : {16, 32}) {
    EXPECT_EQ(Transpose<uint16_t>(8, lanes, 8, lanes, true),
              Transpose<uint16_t>(8, lanes, 1, 1, false));
    Transpose<uint16_t>(8, lanes, 8, lanes, true);
    EXPECT_EQ(LargestShuffle::most, 2);
    EXPECT_EQ(LargestShuffle::pairs, 8 * lanes / 8);
  }
}

TEST(TransposePassTest, ShufflesAreOfManyVectorsWithoutIt) {
  Transpose<float>(16, 16, 16, 16, false);
  EXPECT_EQ(LargestShuffle::most, 16);
}

TEST(TransposePassTest, LeavesOtherBlocksAlone) {
  EXPECT_EQ(Transpose<float>(2, 16, 2, 16, true),
            Transpose<float>(2, 16, 1, 1, false));
  EXPECT_EQ(Transpose<uint8_t>(2, 16, 2, 16, true),
            Transpose<uint8_t>(2, 16, 1, 1, false));
  EXPECT_EQ(Transpose<uint8_t>(8, 8, 8, 8, true),
            Transpose<uint8_t>(8, 8, 1, 1, false));
  EXPECT_EQ(Transpose<double>(8, 8, 8, 8, true),
            Transpose<double>(8, 8, 1, 1, false));
}

}  // namespace
}  // namespace kiln
