// Layers of random models on images: convolution, pooling, padding, cropping.
#ifndef KILN_TESTS_SUPPORT_RANDOM_GRAPH_IMAGE_LAYERS_H_
#define KILN_TESTS_SUPPORT_RANDOM_GRAPH_IMAGE_LAYERS_H_

#include <cstdint>

#include "tests/support/random_graph/draft.h"

namespace kiln::random_graph {

// All of them REQUIRE that the item is an image.

void AddImageLayer(Draft& draft, int item);

// A convolution that makes an image of the same size.
int AddPixelwiseConv2d(Draft& draft, int item, int64_t channels);

}  // namespace kiln::random_graph

#endif  // KILN_TESTS_SUPPORT_RANDOM_GRAPH_IMAGE_LAYERS_H_
