// What the bits of a random tensor must be.
#ifndef KILN_TESTS_OPS_RANDOM_REFERENCE_H_
#define KILN_TESTS_OPS_RANDOM_REFERENCE_H_

#include <cstdint>
#include <utility>

namespace kiln {

// Philox2x32-10 of Salmon et al. (2011): both words.
std::pair<uint32_t, uint32_t> Philox2x32(uint32_t x, uint32_t y, uint32_t key);

}  // namespace kiln

#endif  // KILN_TESTS_OPS_RANDOM_REFERENCE_H_
