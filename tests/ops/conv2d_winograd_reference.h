// Convolutions as Winograd's minimal filtering computes them, two rows at a
// time, for what float32 code may then be off by: its errors are small beside
// the rows that it combines, which may be larger than the products of one
// output. Written from the matrices, not from the compiler's formulas.
#ifndef KILN_TESTS_OPS_CONV2D_WINOGRAD_REFERENCE_H_
#define KILN_TESTS_OPS_CONV2D_WINOGRAD_REFERENCE_H_

#include "dsl/ops/conv2d.h"
#include "tests/ops/references.h"

namespace kiln {

// Where code may do so: stride 1, kernels of 3 or 5 rows, an even number of
// rows of `output`.
bool MayBeWinograd(const Conv2dGeometry& geometry, const Shape& output);

// Each adds up the same as the references of conv2d_reference.cc, into `out` of
// zeros.
void Conv2dByWinograd(const ReferenceCall<Rounded>& call, Rounded* out);
void Conv2dInputGradByWinograd(const ReferenceCall<Rounded>& call,
                               Rounded* out);
void Conv2dWeightGradByWinograd(const ReferenceCall<Rounded>& call,
                                Rounded* out);

}  // namespace kiln

#endif  // KILN_TESTS_OPS_CONV2D_WINOGRAD_REFERENCE_H_
