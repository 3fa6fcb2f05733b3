#include "generators/transpose_pass.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace kiln {

using namespace Halide::Internal;
using Halide::Expr;

namespace {

// An x86 shuffle without a mask stays in each group of 128 bits of a vector: of
// four words of 32 bits, which are one element or several.
constexpr int kGroup = 4, kWordBits = 32;

bool IsPowerOfTwo(int n) { return n > 0 && (n & (n - 1)) == 0; }

// In each group, the lower or upper half of a's words and of b's, interleaved:
// unpcklps and unpckhps with elements of one word, unpcklpd and unpckhpd with
// elements of two.
Expr Unpack(const Expr& a, const Expr& b, int element, bool upper) {
  std::vector<int> indices;
  const int half = kGroup / 2, lanes = a.type().lanes();
  for (int first = upper ? half : 0; first < lanes; first += kGroup) {
    for (int at = first; at < first + half; at += element) {
      for (int vector : {0, lanes}) {
        for (int i = 0; i < element; ++i) indices.push_back(vector + at + i);
      }
    }
  }
  return Shuffle::make({a, b}, indices);
}

// Whether a part of the vector is a load itself.
bool IsDenseLoad(const Expr& e) {
  const auto* load = e.as<Load>();
  const auto* index = load == nullptr ? nullptr : load->index.as<Ramp>();
  return index != nullptr && is_const_one(index->stride) &&
         is_const_one(load->predicate);
}

// `count` elements of a row from `first` on, as words.
Expr WordsOf(const Expr& row, int first, int count) {
  Expr part = row;
  if (count < row.type().lanes()) {
    const auto* load = row.as<Load>();
    const auto* index = load->index.as<Ramp>();
    part = Load::make(
        load->type.with_lanes(count), load->name,
        Ramp::make(simplify(index->base + first), index->stride, count),
        load->image, load->param, const_true(count), load->alignment + first);
  }
  return row.type().bits() == kWordBits
             ? part
             : Halide::reinterpret(Halide::UInt(kWordBits, kGroup), part);
}

// The columns that lie in a group of words of each row, from `first` on.
class Columns {
 public:
  Columns(const std::vector<Expr>& rows, int first)
      : type_(rows[0].type().with_lanes(static_cast<int>(rows.size()))) {
    // Vector r has in its group g the words of row kGroup g + r.
    std::vector<Expr> vectors;
    for (int r = 0; r < kGroup; ++r) {
      std::vector<Expr> groups;
      for (size_t row = r; row < rows.size(); row += kGroup)
        groups.push_back(WordsOf(rows[row], first, kGroup * PerWord()));
      vectors.push_back(
          Bind(groups.size() == 1 ? groups[0] : Shuffle::make_concat(groups)));
    }
    std::vector<Expr> halves;
    for (const bool upper : {false, true}) {
      for (const int r : {0, 2})
        halves.push_back(Bind(Unpack(vectors[r], vectors[r + 1], 1, upper)));
    }
    for (const int half : {0, 2}) {
      for (const bool upper : {false, true})
        words_.push_back(
            Bind(Unpack(halves[half], halves[half + 1], 2, upper)));
    }
  }

  int count() const { return kGroup * PerWord(); }

  // Shifts a small element down to the lowest of its word: who widens it, as
  // the gather does bytes, needs no more than a mask.
  Expr operator[](int column) const {
    const Expr& words = words_[column / PerWord()];
    if (PerWord() == 1) return words;
    const int shift = column % PerWord() * type_.bits();
    return Halide::cast(type_, shift == 0 ? words : words >> shift);
  }

  Stmt Around(Stmt body) const {
    for (auto let = lets_.rbegin(); let != lets_.rend(); ++let)
      body = LetStmt::make(let->first, let->second, body);
    return body;
  }

 private:
  int PerWord() const { return kWordBits / type_.bits(); }

  Expr Bind(const Expr& value) {
    const std::string name = unique_name("transposed");
    lets_.emplace_back(name, value);
    return Variable::make(value.type(), name);
  }

  const Halide::Type type_;
  std::vector<std::pair<std::string, Expr>> lets_;
  std::vector<Expr> words_;
};

}  // namespace

Stmt TransposePass::visit(const Store* op) {
  const auto* shuffle = op->value.as<Shuffle>();
  const auto* index = op->index.as<Ramp>();
  if (shuffle == nullptr || !shuffle->is_interleave() || index == nullptr ||
      !is_const_one(index->stride) || !is_const_one(op->predicate))
    return IRMutator::visit(op);
  const int rows = static_cast<int>(shuffle->vectors.size()),
            columns = shuffle->vectors[0].type().lanes(),
            bits = op->value.type().bits();
  if (bits > kWordBits || !IsPowerOfTwo(rows) || rows < kGroup ||
      columns * bits % (kGroup * kWordBits) != 0)
    return IRMutator::visit(op);
  if (columns * bits > kGroup * kWordBits &&
      !std::all_of(shuffle->vectors.begin(), shuffle->vectors.end(),
                   IsDenseLoad))
    return IRMutator::visit(op);

  std::vector<Stmt> blocks;
  for (int first = 0; first < columns;) {
    const Columns some(shuffle->vectors, first);
    std::vector<Stmt> stores;
    for (int i = 0; i < some.count(); ++i) {
      const int at = (first + i) * rows;
      stores.push_back(Store::make(
          op->name, some[i],
          Ramp::make(simplify(index->base + at), index->stride, rows),
          op->param, const_true(rows),
          op->alignment + ModulusRemainder(0, at)));
    }
    blocks.push_back(some.Around(Block::make(stores)));
    first += some.count();
  }
  return Block::make(blocks);
}

}  // namespace kiln
