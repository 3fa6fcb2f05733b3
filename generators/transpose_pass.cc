#include "generators/transpose_pass.h"

#include <string>
#include <utility>
#include <vector>

namespace kiln {

using namespace Halide::Internal;
using Halide::Expr;

namespace {

// An x86 shuffle without a mask stays in each group of 128 bits of a vector, or
// moves whole groups.
constexpr int kGroupBits = 128;

bool IsPowerOfTwo(int n) { return n > 0 && (n & (n - 1)) == 0; }
int Log2(int n) { return n < 2 ? 0 : 1 + Log2(n / 2); }

int ReverseBits(int value, int bits) {
  int reversed = 0;
  for (int i = 0; i < bits; ++i) reversed |= (value >> i & 1) << (bits - 1 - i);
  return reversed;
}

// Which lanes of a pair of vectors, a's numbered from 0 and then b's, make up a
// third.
using Indices = std::vector<int>;

// In each group, the lower or upper half of a's elements and of b's,
// interleaved: of floats unpcklps and unpckhps with elements of one lane,
// unpcklpd and unpckhpd with elements of two.
Indices Interleaved(int lanes, int group, int element, bool upper) {
  Indices indices;
  const int half = group / 2;
  for (int first = upper ? half : 0; first < lanes; first += group) {
    for (int at = first; at < first + half; at += element) {
      for (int vector : {0, lanes}) {
        for (int i = 0; i < element; ++i) indices.push_back(vector + at + i);
      }
    }
  }
  return indices;
}

// The even or odd groups of a, then those of b: vshuff32x4, or vperm2f128 of
// vectors of two groups.
Indices Groups(int lanes, int group, bool odd) {
  Indices indices;
  for (int first = odd ? group : 0; first < 2 * lanes; first += 2 * group) {
    for (int i = 0; i < group; ++i) indices.push_back(first + i);
  }
  return indices;
}

// The vectors as they are after some stages, and the lets that made them.
class Stages {
 public:
  // Groups of `group` lanes.
  Stages(std::vector<Expr> vectors, int group)
      : vectors_(std::move(vectors)),
        lanes_(vectors_[0].type().lanes()),
        group_(group) {
    for (Expr& vector : vectors_) vector = Bind(vector);
  }

  // Each replaces vectors i and j by two shuffles of them.
  void Unpack(int i, int j, int element) {
    Replace(i, j, Interleaved(lanes_, group_, element, /*upper=*/false),
            Interleaved(lanes_, group_, element, /*upper=*/true));
  }
  void SplitGroups(int i, int j) {
    Replace(i, j, Groups(lanes_, group_, /*odd=*/false),
            Groups(lanes_, group_, /*odd=*/true));
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
  const int lanes_, group_;
  std::vector<std::pair<std::string, Expr>> lets_;
};

constexpr int kBytes = kGroupBits / 8, kWord = 4;  // bytes of a group, a word

// Rows of bytes, which are then widened. A word is of four columns: words take
// a fourth of the shuffles, and a shift of a vector of them, of which the
// lowest bytes are kept, is what widens a column.
Stmt TransposeBytes(const Store& op, const std::vector<Expr>& rows) {
  const int count = static_cast<int>(rows.size()),
            columns = rows[0].type().lanes();
  const auto* index = op.index.as<Ramp>();
  std::vector<Stmt> stores;
  const auto store = [&](const Expr& column, int at) {
    stores.push_back(Store::make(
        op.name, column,
        Ramp::make(simplify(index->base + at * count), index->stride, count),
        op.param, const_true(count),
        op.alignment + ModulusRemainder(0, at * count)));
  };
  Stmt all;
  for (int first = columns - kBytes; first >= 0; first -= kBytes) {
    // Vector r has in its group s the words of row kWord s + r.
    std::vector<Expr> vectors;
    for (int r = 0; r < kWord; ++r) {
      std::vector<Expr> groups;
      for (int row = r; row < count; row += kWord) {
        const Expr bytes = columns == kBytes ? rows[row]
                                             : Shuffle::make_slice(
                                                   rows[row], first, 1, kBytes);
        groups.push_back(
            Halide::reinterpret(Halide::UInt(32, kBytes / kWord), bytes));
      }
      vectors.push_back(groups.size() == 1 ? groups[0]
                                           : Shuffle::make_concat(groups));
    }
    Stages stages(std::move(vectors), kWord);
    for (int element = 1; element < kWord; element *= 2) {
      for (int i = 0; i < kWord; ++i) {
        if ((i & element) == 0) stages.Unpack(i, i + element, element);
      }
    }
    stores.clear();
    for (int at = 0; at < kBytes; ++at) {
      const Expr& words = stages.vector(ReverseBits(at / kWord, Log2(kWord)));
      const int shift = at % kWord * 8;
      store(Halide::cast(op.value.type().with_lanes(count),
                         shift == 0 ? words : words >> shift),
            first + at);
    }
    const Stmt block = stages.Around(Block::make(stores));
    all = all.defined() ? Block::make(block, all) : block;
  }
  return all;
}

}  // namespace

Stmt TransposePass::visit(const Store* op) {
  const auto* shuffle = op->value.as<Shuffle>();
  const auto* index = op->index.as<Ramp>();
  if (shuffle == nullptr || !shuffle->is_interleave() || index == nullptr ||
      !is_const_one(index->stride) || !is_const_one(op->predicate))
    return IRMutator::visit(op);
  const int rows = static_cast<int>(shuffle->vectors.size()),
            lanes = shuffle->vectors[0].type().lanes();
  if (op->value.type().bits() == 8 && rows >= kWord && IsPowerOfTwo(rows) &&
      lanes % kBytes == 0)
    return TransposeBytes(*op, shuffle->vectors);
  const int group = kGroupBits / op->value.type().bits();
  if (!IsPowerOfTwo(rows) || rows < group || !IsPowerOfTwo(lanes) ||
      lanes < group || lanes > group * rows || op->value.type().bits() > 32)
    return IRMutator::visit(op);

  // The first stages transpose group x group elements in each group: of vectors
  // group g + r, which were those rows, each then has in its group s the column
  // group s + q, where q is r with its bits reversed.
  Stages stages(shuffle->vectors, group);
  for (int element = 1; element < group; element *= 2) {
    for (int i = 0; i < rows; ++i) {
      if ((i & element) == 0) stages.Unpack(i, i + element, element);
    }
  }
  // What is wanted are groups in the order of s, q, g, g the fastest. Each of
  // the others exchanges a bit of a vector's number, from the lowest of g to
  // the highest of q, for the lowest of s.
  std::vector<int> exchanged;
  for (int bit = group; bit < rows; bit *= 2) exchanged.push_back(bit);
  for (int bit = group / 2; bit > 0; bit /= 2) exchanged.push_back(bit);
  exchanged.resize(Log2(lanes / group));
  for (const int bit : exchanged) {
    for (int i = 0; i < rows; ++i) {
      if ((i & bit) == 0) stages.SplitGroups(i, i + bit);
    }
  }

  std::vector<Stmt> stores;
  for (int at = 0; at < rows * lanes; at += lanes) {
    const int column = at / rows, g = at % rows / group;
    int vector = group * g + ReverseBits(column % group, Log2(group)),
        s = column / group;
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
