#include "tests/random_graphs/kinks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "dsl/ops/max_pool.h"
#include "dsl/ops/pointwise.h"
#include "tests/ops/window_loop.h"

namespace kiln {
namespace {

class KinkFinder {
 public:
  KinkFinder(const Graph& graph, const NodeValues& nodes, int64_t batch)
      : graph_(graph), nodes_(nodes), batch_(batch) {}

  double SmallestMargin() {
    for (const Node& node : graph_.nodes()) Visit(node);
    return margin_;
  }

 private:
  // What is exactly equal counts only where `ties`: pooled zeros behind a ReLU,
  // or a value compared with itself, stay equal.
  void Compare(double a, double b, bool ties = false) {
    if (a == b && !ties) return;
    const double scale = std::max({0.1, std::abs(a), std::abs(b)});
    margin_ = std::min(margin_, std::abs(a - b) / scale);
  }

  void Visit(const Node& node) {
    if (const auto* op = dynamic_cast<const PointwiseOp*>(node.op.get())) {
      const size_t elements = nodes_[node.inputs[0]].size();
      std::vector<double> args(node.inputs.size());
      for (size_t i = 0; i < elements; ++i) {
        for (size_t k = 0; k < args.size(); ++k) {
          args[k] = nodes_[node.inputs[k]][i];
        }
        Expression(op->value(), args);
      }
    } else if (const auto* pool =
                   dynamic_cast<const MaxPoolOp*>(node.op.get())) {
      Pool(pool->geometry(), graph_.node(node.inputs[0]).type.shape,
           node.type.shape, nodes_[node.inputs[0]]);
    } else if (node.op->name() == "accuracy") {
      const std::vector<double>& logits = nodes_[node.inputs[0]];
      const int64_t classes = static_cast<int64_t>(logits.size()) / batch_;
      for (int64_t n = 0; n < batch_; ++n) {
        std::vector<double> row(logits.begin() + n * classes,
                                logits.begin() + (n + 1) * classes);
        std::sort(row.begin(), row.end());
        Compare(row[classes - 1], row[classes - 2], true);
      }
    }
  }

  void Expression(const ScalarExpr& e, const std::vector<double>& args) {
    for (const ScalarExpr& x : e.operands()) Expression(x, args);
    if (e.kind() == ScalarKind::kMax || e.kind() == ScalarKind::kMin ||
        e.kind() == ScalarKind::kGreater) {
      Compare(Evaluate(e.operands()[0], args), Evaluate(e.operands()[1], args));
    }
  }

  void Pool(const PoolGeometry& geometry, const Shape& in, const Shape& out,
            const std::vector<double>& image) {
    const int64_t plane = in[1] * in[2];
    std::vector<std::vector<double>> windows(out[1] * out[2]);
    for (int64_t c = 0; c < batch_ * in[0]; ++c) {
      for (std::vector<double>& window : windows) window.clear();
      ForEachTap(geometry, in, out, [&](const WindowTap& tap) {
        windows[tap.output].push_back(image[c * plane + tap.input]);
      });
      for (const std::vector<double>& window : windows) {
        const double largest = *std::max_element(window.begin(), window.end());
        for (double value : window) Compare(largest, value);
      }
    }
  }

  const Graph& graph_;
  const NodeValues& nodes_;
  const int64_t batch_;
  double margin_ = std::numeric_limits<double>::infinity();
};

}  // namespace

double SmallestMargin(const Graph& graph, const NodeValues& nodes,
                      int64_t batch) {
  return KinkFinder(graph, nodes, batch).SmallestMargin();
}

}  // namespace kiln
