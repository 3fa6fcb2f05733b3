#include "tests/random_graphs/counts.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace kiln {

RandomGraphCounts& RandomGraphCounts::operator+=(
    const RandomGraphCounts& other) {
  graphs += other.graphs;
  compiled += other.compiled;
  identical += other.identical;
  reordered += other.reordered;
  differences += other.differences;
  emitted += other.emitted;
  redrawn_zero += other.redrawn_zero;
  redrawn_kink += other.redrawn_kink;
  redrawn_smooth += other.redrawn_smooth;
  with_duplicates += other.with_duplicates;
  with_dead_code += other.with_dead_code;
  with_no_influence += other.with_no_influence;
  worst_difference = std::max(worst_difference, other.worst_difference);
  worst_emitted = std::max(worst_emitted, other.worst_emitted);
  return *this;
}

std::string RandomGraphCounts::ToString() const {
  return absl::StrFormat(
      "%d graphs (%d with duplicates, %d with dead code, %d with parameters "
      "behind padding), %d compiled; "
      "compared: %d bit by bit, %d in another order, %d finite differences "
      "(worst %.1e), %d emitted (%.2g of their bounds); values drawn again: %d "
      "for zero "
      "gradients, %d for close comparisons, %d for finite differences",
      graphs, with_duplicates, with_dead_code, with_no_influence, compiled,
      identical, reordered, differences, worst_difference, emitted,
      worst_emitted, redrawn_zero, redrawn_kink, redrawn_smooth);
}

}  // namespace kiln
