// What tests ask of a tensor's numbers.
#ifndef KILN_TESTS_SUPPORT_VECTORS_H_
#define KILN_TESTS_SUPPORT_VECTORS_H_

#include <algorithm>
#include <cmath>
#include <vector>

namespace kiln {

inline bool IsAllZero(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](double value) { return value == 0; });
}

// The largest absolute value; 0 if there is none.
inline double LargestOf(const std::vector<double>& values) {
  double largest = 0;
  for (double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_VECTORS_H_
