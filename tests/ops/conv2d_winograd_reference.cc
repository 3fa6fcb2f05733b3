#include "tests/ops/conv2d_winograd_reference.h"

#include <vector>

namespace kiln {
namespace {

using Numbers = std::vector<Rounded>;
using Matrix = std::vector<std::vector<double>>;

constexpr int kRows = 2;

// F(2, r): y = output (taps g * window d), with the taps' rows still to be
// divided.
struct Matrices {
  Matrix taps;  // points x r
  std::vector<double> divisors;
  Matrix window;  // points x points
  Matrix output;  // 2 x points
};

const Matrices& MatricesOf(const Conv2dGeometry& g) {
  static const Matrices kThree = {
      {{1, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 1}},
      {-1, 2, 2, 1},
      {{-1, 0, 1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}},
      {{1, 1, 1, 0}, {0, 1, -1, 1}}};
  static const Matrices kFive = {{{1, 0, 0, 0, 0},
                                  {1, 1, 1, 1, 1},
                                  {1, -1, 1, -1, 1},
                                  {1, 2, 4, 8, 16},
                                  {1, -2, 4, -8, 16},
                                  {0, 0, 0, 0, 1}},
                                 {4, -6, -6, 24, 24, 1},
                                 {{4, 0, -5, 0, 1, 0},
                                  {0, -4, -4, 1, 1, 0},
                                  {0, 4, -4, -1, 1, 0},
                                  {0, -2, -1, 2, 1, 0},
                                  {0, 2, -1, -2, 1, 0},
                                  {0, 4, 0, -5, 0, 1}},
                                 {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 1}}};
  return g.kernel.height == 3 ? kThree : kFive;
}

// `matrix` x, of elements `stride` apart.
Numbers Times(const Matrix& matrix, const Rounded* x, int64_t stride) {
  Numbers result;
  for (const std::vector<double>& row : matrix) {
    Rounded sum = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      if (row[i] != 0)
        sum += Rounded(row[i]) * x[static_cast<int64_t>(i) * stride];
    }
    result.push_back(sum);
  }
  return result;
}

Numbers TransposedTimes(const Matrix& matrix, const Numbers& x) {
  Numbers result(matrix[0].size(), 0);
  for (size_t i = 0; i < matrix.size(); ++i) {
    for (size_t j = 0; j < result.size(); ++j) {
      if (matrix[i][j] != 0) result[j] += Rounded(matrix[i][j]) * x[i];
    }
  }
  return result;
}

// What the three have in common: kernels, images and adjoints at the points.
class Filtering {
 public:
  Filtering(const Conv2dGeometry& g, const Shape& input, const Shape& output)
      : g_(g), of_(MatricesOf(g)), input_(input), output_(output) {}

  int64_t points() const { return static_cast<int64_t>(of_.divisors.size()); }
  int64_t groups() const { return output_[1] / kRows; }

  // kernel[(k C + c) kw + s]: the column s of the kernel at each point.
  std::vector<Numbers> Kernels(const Rounded* weight) const {
    std::vector<Numbers> kernels;
    for (int64_t plane = 0; plane < output_[0] * input_[0]; ++plane) {
      for (int64_t s = 0; s < g_.kernel.width; ++s) {
        Numbers at = Times(
            of_.taps, weight + plane * g_.kernel.height * g_.kernel.width + s,
            g_.kernel.width);
        for (size_t p = 0; p < at.size(); ++p)
          at[p] = at[p] * Rounded(1 / of_.divisors[p]);
        kernels.push_back(at);
      }
    }
    return kernels;
  }

  // windows[(c G + group) W + x], of rows with the padding's zeros.
  std::vector<Numbers> Windows(const Rounded* in) const {
    std::vector<Numbers> windows;
    for (int64_t c = 0; c < input_[0]; ++c) {
      for (int64_t group = 0; group < groups(); ++group) {
        for (int64_t x = 0; x < input_[2]; ++x) {
          Numbers rows;
          for (int64_t i = 0; i < points(); ++i) {
            const int64_t y = kRows * group + i - g_.padding.height;
            const bool inside = y >= 0 && y < input_[1];
            rows.push_back(inside ? in[(c * input_[1] + y) * input_[2] + x]
                                  : Rounded(0));
          }
          windows.push_back(Times(of_.window, rows.data(), 1));
        }
      }
    }
    return windows;
  }

  // adjoints[(k G + group) W' + x].
  std::vector<Numbers> Adjoints(const Rounded* d_out) const {
    std::vector<Numbers> adjoints;
    for (int64_t k = 0; k < output_[0]; ++k) {
      for (int64_t group = 0; group < groups(); ++group) {
        for (int64_t x = 0; x < output_[2]; ++x) {
          Numbers rows;
          for (int64_t i = 0; i < kRows; ++i)
            rows.push_back(
                d_out[(k * output_[1] + kRows * group + i) * output_[2] + x]);
          adjoints.push_back(TransposedTimes(of_.output, rows));
        }
      }
    }
    return adjoints;
  }

  // visit(kernel, window, adjoint), which meet.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (int64_t k = 0; k < output_[0]; ++k) {
      for (int64_t c = 0; c < input_[0]; ++c) {
        for (int64_t s = 0; s < g_.kernel.width; ++s) {
          for (int64_t group = 0; group < groups(); ++group) {
            for (int64_t x = 0; x < output_[2]; ++x) {
              const int64_t in_x = x + s - g_.padding.width;
              if (in_x < 0 || in_x >= input_[2]) continue;
              visit((k * input_[0] + c) * g_.kernel.width + s,
                    (c * groups() + group) * input_[2] + in_x,
                    (k * groups() + group) * output_[2] + x);
            }
          }
        }
      }
    }
  }

  std::vector<Numbers> Zeros(int64_t count) const {
    return std::vector<Numbers>(count, Numbers(points(), 0));
  }
  const Matrices& of() const { return of_; }

 private:
  const Conv2dGeometry& g_;
  const Matrices& of_;
  const Shape input_, output_;
};

void AddProducts(const Numbers& a, const Numbers& b, Numbers& sum) {
  for (size_t p = 0; p < sum.size(); ++p) sum[p] += a[p] * b[p];
}

}  // namespace

bool MayBeWinograd(const Conv2dGeometry& geometry, const Shape& output) {
  return geometry.stride == Size2(1) &&
         (geometry.kernel.height == 3 || geometry.kernel.height == 5) &&
         output[1] % kRows == 0;
}

void Conv2dByWinograd(const ReferenceCall<Rounded>& call, Rounded* out) {
  const Shape& shape = call.OutShape();
  const Filtering filter(call.OpAs<Conv2dOp>().geometry(), call.InShape(0),
                         shape);
  const std::vector<Numbers> kernels = filter.Kernels(call.In(1, 0));
  for (int64_t n = 0; n < call.batch(); ++n, out += call.OutSize()) {
    const std::vector<Numbers> windows = filter.Windows(call.In(0, n));
    std::vector<Numbers> products =
        filter.Zeros(shape[0] * filter.groups() * shape[2]);
    filter.ForEach([&](int64_t kernel, int64_t window, int64_t output) {
      AddProducts(kernels[kernel], windows[window], products[output]);
    });
    for (size_t i = 0; i < products.size(); ++i) {
      const int64_t x = i % shape[2], row = i / shape[2] * kRows,
                    k = row / shape[1];
      const Numbers rows = Times(filter.of().output, products[i].data(), 1);
      for (int64_t r = 0; r < kRows; ++r) {
        Rounded& y = out[(row + r) * shape[2] + x];
        y = rows[r];
        if (call.inputs.size() > 2) y += call.In(2, n)[k];
      }
    }
  }
}

void Conv2dInputGradByWinograd(const ReferenceCall<Rounded>& call,
                               Rounded* out) {
  const Conv2dGeometry& g = call.OpAs<Conv2dInputGradOp>().geometry();
  const Shape& shape = call.OutShape();
  const Filtering filter(g, shape, call.InShape(0));
  const std::vector<Numbers> kernels = filter.Kernels(call.In(1, 0));
  for (int64_t n = 0; n < call.batch(); ++n, out += call.OutSize()) {
    const std::vector<Numbers> adjoints = filter.Adjoints(call.In(0, n));
    std::vector<Numbers> windows =
        filter.Zeros(shape[0] * filter.groups() * shape[2]);
    filter.ForEach([&](int64_t kernel, int64_t window, int64_t output) {
      AddProducts(kernels[kernel], adjoints[output], windows[window]);
    });
    for (size_t i = 0; i < windows.size(); ++i) {
      const int64_t x = i % shape[2], group = i / shape[2] % filter.groups(),
                    c = i / shape[2] / filter.groups();
      const Numbers rows = TransposedTimes(filter.of().window, windows[i]);
      for (int64_t r = 0; r < filter.points(); ++r) {
        const int64_t y = kRows * group + r - g.padding.height;
        if (y >= 0 && y < shape[1])
          out[(c * shape[1] + y) * shape[2] + x] += rows[r];
      }
    }
  }
}

void Conv2dWeightGradByWinograd(const ReferenceCall<Rounded>& call,
                                Rounded* out) {
  const Conv2dGeometry& g = call.OpAs<Conv2dWeightGradOp>().geometry();
  const Filtering filter(g, call.InShape(0), call.InShape(1));
  std::vector<Numbers> kernels = filter.Zeros(call.OutSize() / g.kernel.height);
  for (int64_t n = 0; n < call.batch(); ++n) {
    const std::vector<Numbers> windows = filter.Windows(call.In(0, n)),
                               adjoints = filter.Adjoints(call.In(1, n));
    filter.ForEach([&](int64_t kernel, int64_t window, int64_t output) {
      AddProducts(windows[window], adjoints[output], kernels[kernel]);
    });
  }
  for (size_t i = 0; i < kernels.size(); ++i) {
    Numbers& at = kernels[i];
    for (size_t p = 0; p < at.size(); ++p)
      at[p] = at[p] * Rounded(1 / filter.of().divisors[p]);
    const Numbers taps = TransposedTimes(filter.of().taps, at);
    const int64_t s = i % g.kernel.width, plane = i / g.kernel.width;
    for (int64_t r = 0; r < g.kernel.height; ++r)
      out[(plane * g.kernel.height + r) * g.kernel.width + s] = taps[r];
  }
}

}  // namespace kiln
