#ifndef KILN_RUNTIME_HAND_SET_H_
#define KILN_RUNTIME_HAND_SET_H_

#include "runtime/dataset.h"

namespace kiln {
inline namespace runtime {

// The one sample of the worked example, models/logistic_421.cc, the same for
// training and test: inputs "x12" {2} = (9, -11) and "x34" {2} = (-3, 8), in
// tenths, which are no binary fractions, and target "y" {1} = 0.5.
DataPair MakeHand421();

}  // namespace runtime
}  // namespace kiln

#endif  // KILN_RUNTIME_HAND_SET_H_
