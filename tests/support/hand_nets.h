// The small networks of the hand cases: their numbers were worked out on paper,
// so that they check interpreter, emitted code and trainer alike.
#ifndef KILN_TESTS_SUPPORT_HAND_NETS_H_
#define KILN_TESTS_SUPPORT_HAND_NETS_H_

#include "absl/status/statusor.h"
#include "dsl/model.h"
#include "tests/support/interpreter.h"

namespace kiln {

// 2 -> 2 -> 1 without bias, ReLU between, squared error; parameters fc1.weight,
// fc2.weight; head "out".
absl::StatusOr<Model> BooleanNet();

// The four rows (0,0), (0,1), (1,0), (1,1) with these weights (row-major [out,
// in]) and targets of 0.
GraphValues BooleanRows(std::vector<double> w1, std::vector<double> w2);

// Hand case 2: 4 -> 2 -> 1, logistic; h1 = s(w1 x1 + w2 x2) and h2 = s(w3 x3 +
// w4 x4) are two dense layers on halves of the input: left.weight = (w1, w2),
// right.weight = (w3, w4); y^ = s(w5 h1 + w6 h2) is the product of out1.weight
// = w5 with h1 plus out2.weight = w6 with h2. Loss (y - y^)^2; heads h1, h2, y.
absl::StatusOr<Model> LogisticNet();
GraphValues LogisticNetValues();

// Hand case 3: h = relu(x - 1), out = relu(5 - h), as dense layers of one unit
// with the weights 1, -1 and the biases -1, 5; heads h, out.
absl::StatusOr<Model> TwoRelus();
GraphValues TwoRelusValues();  // x = 1, 3, 4, 5, 7, 8

}  // namespace kiln

#endif  // KILN_TESTS_SUPPORT_HAND_NETS_H_
