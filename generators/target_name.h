// The name of a target in file names: schedules/lenet5.<name>.json.
#ifndef KILN_GENERATORS_TARGET_NAME_H_
#define KILN_GENERATORS_TARGET_NAME_H_

#include <string>

#include "Halide.h"

namespace kiln {

// Halide's name without the instruction sets of x86 that a later one takes in
// and without what no schedule depends on: "x86-64-linux-avx512_zen5" where
// Halide says "x86-64-linux-avx-avx2-avx512-...-f16c-fma-sse41". `host` is what
// this machine is.
std::string TargetName(Halide::Target target);

}  // namespace kiln

#endif  // KILN_GENERATORS_TARGET_NAME_H_
