#include "generators/transpose_pass.h"

#include <string>
#include <utility>
#include <vector>

namespace kiln {

using namespace Halide::Internal;
using Halide::Expr;

namespace {

// 128 bits, in which an x86 shuffle without a mask stays or which it moves as a
// whole.
constexpr int kGroup = 4;

bool IsPowerOfTwo(int n) { return n > 0 && (n & (n - 1)) == 0; }
int Log2(int n) { return n < 2 ? 0 : 1 + Log2(n / 2); }

// Which lanes of a pair of vectors, a's numbered from 0 and then b's, make up a
// third.
using Indices = std::vector<int>;

// In each group of 128 bits, the lower or upper half of a's elements and of
// b's, interleaved: unpcklps and unpckhps with elements of one lane, unpcklpd
// and unpckhpd with elements of two.
Indices Interleaved(int lanes, int element, bool upper) {
  Indices indices;
  for (int group = 0; group < lanes; group += kGroup) {
    for (int at = 0; at < kGroup / 2; at += element) {
      for (int vector = 0; vector < 2; ++vector) {
        for (int i = 0; i < element; ++i) {
          indices.push_back(vector * lanes + group + (upper ? kGroup / 2 : 0) +
                            at + i);
        }
      }
    }
  }
  return indices;
}

// The even or odd groups of 128 bits of a, then those of b: vshuff32x4, or
// vperm2f128 of vectors of two.
Indices Groups(int lanes, bool odd) {
  Indices indices;
  for (int group = odd ? kGroup : 0; group < 2 * lanes; group += 2 * kGroup) {
    for (int i = 0; i < kGroup; ++i) indices.push_back(group + i);
  }
  return indices;
}

// The vectors as they are after some stages, and the lets that made them.
class Stages {
 public:
  explicit Stages(std::vector<Expr> vectors) : vectors_(std::move(vectors)) {
    for (Expr& vector : vectors_) vector = Bind(vector);
  }

  // Each replaces vectors i and j by two shuffles of them.
  void Unpack(int i, int j, int element) {
    const int lanes = vectors_[i].type().lanes();
    Replace(i, j, Interleaved(lanes, element, /*upper=*/false),
            Interleaved(lanes, element, /*upper=*/true));
  }
  void SplitGroups(int i, int j) {
    const int lanes = vectors_[i].type().lanes();
    Replace(i, j, Groups(lanes, /*odd=*/false), Groups(lanes, /*odd=*/true));
  }

  const Expr& vector(int i) const { return vectors_[i]; }

  Stmt Around(Stmt body) const {
    for (auto let = lets_.rbegin(); let != lets_.rend(); ++let)
      body = LetStmt::make(let->first, let->second, body);
    return body;
  }

 private:
  void Replace(int i, int j, const Indices& first, const Indices& second) {
    const std::vector<Expr> pair = {vectors_[i], vectors_[j]};
    vectors_[i] = Bind(Shuffle::make(pair, first));
    vectors_[j] = Bind(Shuffle::make(pair, second));
  }
  Expr Bind(const Expr& value) {
    const std::string name = unique_name("transposed");
    lets_.emplace_back(name, value);
    return Variable::make(value.type(), name);
  }

  std::vector<Expr> vectors_;
  std::vector<std::pair<std::string, Expr>> lets_;
};

}  // namespace

Stmt TransposePass::visit(const Store* op) {
  const auto* shuffle = op->value.as<Shuffle>();
  const auto* index = op->index.as<Ramp>();
  if (shuffle == nullptr || !shuffle->is_interleave() || index == nullptr ||
      !is_const_one(index->stride) || !is_const_one(op->predicate))
    return IRMutator::visit(op);
  const int rows = static_cast<int>(shuffle->vectors.size()),
            lanes = shuffle->vectors[0].type().lanes();
  if (!IsPowerOfTwo(rows) || rows < kGroup || !IsPowerOfTwo(lanes) ||
      lanes < kGroup || lanes > kGroup * rows || op->value.type().bits() != 32)
    return IRMutator::visit(op);

  // Two stages transpose 4 x 4 in each group of 128 bits: of vectors 4 g to
  // 4 g + 3, which were those rows, vector 4 g + r then has in its group s the
  // column 4 s + q, where q is r with its two bits exchanged.
  Stages stages(shuffle->vectors);
  for (int i = 0; i < rows; ++i) {
    if ((i & 1) == 0) stages.Unpack(i, i + 1, /*element=*/1);
  }
  for (int i = 0; i < rows; ++i) {
    if ((i & 2) == 0) stages.Unpack(i, i + 2, /*element=*/2);
  }
  // What is wanted are groups in the order of s, q, g, g the fastest. Each of
  // the others exchanges a bit of a vector's number, from the lowest of g to
  // the highest of q, for the lowest of s.
  std::vector<int> exchanged;
  for (int bit = kGroup; bit < rows; bit *= 2) exchanged.push_back(bit);
  exchanged.insert(exchanged.end(), {2, 1});
  exchanged.resize(Log2(lanes / kGroup));
  for (const int bit : exchanged) {
    for (int i = 0; i < rows; ++i) {
      if ((i & bit) == 0) stages.SplitGroups(i, i + bit);
    }
  }

  std::vector<Stmt> stores;
  for (int at = 0; at < rows * lanes; at += lanes) {
    const int column = at / rows, g = at % rows / kGroup;
    constexpr int kROfQ[kGroup] = {0, 2, 1, 3};
    int vector = kGroup * g + kROfQ[column % kGroup], s = column / kGroup;
    for (const int bit : exchanged) {
      if (s % 2 == 1) vector += bit;
      s /= 2;
    }
    stores.push_back(Store::make(
        op->name, stages.vector(vector),
        Ramp::make(simplify(index->base + at), index->stride, lanes), op->param,
        const_true(lanes), op->alignment + ModulusRemainder(0, at)));
  }
  return stages.Around(Block::make(stores));
}

}  // namespace kiln
