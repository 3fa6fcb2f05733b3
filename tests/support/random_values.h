// Seeded random numbers for tests, the same on every machine.
#ifndef KILN_TESTS_SUPPORT_RANDOM_VALUES_H_
#define KILN_TESTS_SUPPORT_RANDOM_VALUES_H_

#include <cstdint>
#include <random>
#include <vector>

#include "tests/support/interpreter.h"

namespace kiln {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  double Uniform(double low, double high);  // in [low, high)
  int64_t Integer(int64_t count);  // in [0, count); REQUIRES: count >= 1
  double Sign() { return Integer(2) == 0 ? -1 : 1; }

 private:
  std::mt19937_64 engine_;
};

// Uniform in [-1, 1).
std::vector<double> RandomVector(int64_t size, uint64_t seed);

// `count` distinct values of (-1, 1) in random order, 2 / count apart and none
// nearer to 0 than half of that: away from the kinks of ReLU and the ties of
// max pooling.
std::vector<double> SpreadValues(int64_t count, uint64_t seed);

// Values for every source of the graph: inputs and value targets uniform in [0,
// 1) (uint8 inputs: whole numbers up to 255), labels uniform over their
// classes, parameters uniform in +-1/sqrt(fan-in), sample weights in [0.5, 1.5)
// and a scale of 1 / batch. All are exact in float32.
GraphValues RandomValues(const Graph& graph, int64_t batch, uint64_t seed);

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_RANDOM_VALUES_H_
