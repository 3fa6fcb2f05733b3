// Hand case 7: a convolution equals a dense layer with a sparse matrix.
#include "runtime/convolution_matrix.h"

#include <vector>

#include "gtest/gtest.h"
#include "runtime/random.h"

namespace kiln {
namespace {

std::vector<float> Draw(int64_t size, uint64_t stream) {
  Random random(/*seed=*/3, stream);
  std::vector<float> values(size);
  for (float& value : values) value = random.Uniform(-1, 1);
  return values;
}

int64_t OutputSize(const ConvolutionSpec& c, int d) {
  return (c.input_shape[d + 1] + 2 * c.padding[d] - c.kernel[d]) / c.stride[d] +
         1;
}

// The definition, with zeros around the image, in double.
std::vector<double> Convolve(const ConvolutionSpec& c, int64_t filters,
                             const std::vector<float>& weight,
                             const std::vector<float>& image) {
  const int64_t channels = c.input_shape[0], height = c.input_shape[1],
                width = c.input_shape[2];
  std::vector<double> out;
  for (int64_t k = 0; k < filters; ++k) {
    for (int64_t y = 0; y < OutputSize(c, 0); ++y) {
      for (int64_t x = 0; x < OutputSize(c, 1); ++x) {
        double sum = 0;
        for (int64_t i = 0; i < channels; ++i) {
          for (int64_t r = 0; r < c.kernel[0]; ++r) {
            for (int64_t s = 0; s < c.kernel[1]; ++s) {
              const int64_t from_y = c.stride[0] * y + r - c.padding[0];
              const int64_t from_x = c.stride[1] * x + s - c.padding[1];
              if (from_y < 0 || from_y >= height || from_x < 0 ||
                  from_x >= width)
                continue;
              sum += double{weight[((k * channels + i) * c.kernel[0] + r) *
                                       c.kernel[1] +
                                   s]} *
                     image[(i * height + from_y) * width + from_x];
            }
          }
        }
        out.push_back(sum);
      }
    }
  }
  return out;
}

std::vector<double> Multiply(const SparseMatrix& matrix,
                             const std::vector<float>& vector) {
  std::vector<double> out(matrix.rows);
  for (const SparseMatrix::Entry& entry : matrix.entries)
    out[entry.row] += double{entry.value} * vector[entry.column];
  return out;
}

TEST(ConvolutionMatrixTest, TimesTheImageIsTheConvolution) {
  const ConvolutionSpec cases[] = {
      {{1, 4, 4}, {3, 3}, {1, 1}, {0, 0}, ""},
      {{2, 5, 7}, {2, 3}, {1, 1}, {0, 0}, ""},
      {{3, 6, 5}, {3, 2}, {2, 1}, {1, 2}, ""},
      {{2, 7, 8}, {4, 4}, {2, 3}, {3, 1}, ""},
  };
  for (const ConvolutionSpec& c : cases) {
    const int64_t filters = 3;
    const std::vector<float> weight = Draw(
        filters * c.input_shape[0] * c.kernel[0] * c.kernel[1], /*stream=*/1);
    const std::vector<float> image =
        Draw(c.input_shape[0] * c.input_shape[1] * c.input_shape[2],
             /*stream=*/2);
    const SparseMatrix matrix = ConvolutionMatrix(c, weight);
    EXPECT_EQ(matrix.rows, filters * OutputSize(c, 0) * OutputSize(c, 1));
    EXPECT_EQ(matrix.columns, image.size());
    const std::vector<double> product = Multiply(matrix, image),
                              expected = Convolve(c, filters, weight, image);
    ASSERT_EQ(product.size(), expected.size());
    for (size_t i = 0; i < product.size(); ++i)
      EXPECT_NEAR(product[i], expected[i], 1e-12) << i;
  }
}

// A 2x2 filter on a 3x3 image: each row is the filter, shifted.
TEST(ConvolutionMatrixTest, ByHand) {
  const ConvolutionSpec c = {{1, 3, 3}, {2, 2}, {1, 1}, {0, 0}, ""};
  const SparseMatrix matrix =
      ConvolutionMatrix(c, std::vector<float>{1, 2, 3, 4});
  const int expected[4][9] = {{1, 2, 0, 3, 4, 0, 0, 0, 0},
                              {0, 1, 2, 0, 3, 4, 0, 0, 0},
                              {0, 0, 0, 1, 2, 0, 3, 4, 0},
                              {0, 0, 0, 0, 1, 2, 0, 3, 4}};
  ASSERT_EQ(matrix.rows, 4);
  ASSERT_EQ(matrix.columns, 9);
  int dense[4][9] = {};
  int64_t last = -1;
  for (const SparseMatrix::Entry& e : matrix.entries) {
    dense[e.row][e.column] = static_cast<int>(e.value);
    EXPECT_GT(e.row * 9 + e.column, last) << "in order, and once each";
    last = e.row * 9 + e.column;
  }
  for (int i = 0; i < 36; ++i)
    EXPECT_EQ(dense[i / 9][i % 9], expected[i / 9][i % 9]) << i;
}

}  // namespace
}  // namespace kiln
