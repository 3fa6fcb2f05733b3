// What checks of random graphs add up.
#ifndef KILN_TESTS_RANDOM_GRAPHS_COUNTS_H_
#define KILN_TESTS_RANDOM_GRAPHS_COUNTS_H_

#include <cstdint>
#include <string>

namespace kiln {

// What was checked so far, for reports.
struct RandomGraphCounts {
  int64_t graphs = 0;
  int64_t compiled = 0;

  // Numbers compared: bit by bit between variants of a graph; with a bound,
  // where merging sums a gradient in another order; with finite differences;
  // of emitted code.
  int64_t identical = 0;
  int64_t reordered = 0;
  int64_t differences = 0;
  int64_t emitted = 0;

  // Values drawn anew, by reason.
  int64_t redrawn_zero = 0;    // a gradient was all zero: dead ReLUs
  int64_t redrawn_kink = 0;    // a comparison was too close to call
  int64_t redrawn_smooth = 0;  // differences or bounds are of no use there

  // Graphs in which a pass had something to do.
  int64_t with_duplicates = 0;
  int64_t with_dead_code = 0;
  // Graphs in which the loss does not depend on some parameter, since all that
  // is read of its layer is padding: its gradient must be zero.
  int64_t with_no_influence = 0;

  double worst_difference = 0;  // from finite differences, of the tensor's
                                // largest
  double worst_emitted = 0;     // of emitted code, of its rounding bound

  RandomGraphCounts& operator+=(const RandomGraphCounts& other);

  // One line.
  std::string ToString() const;
};

}  // namespace kiln

#endif  // KILN_TESTS_RANDOM_GRAPHS_COUNTS_H_
