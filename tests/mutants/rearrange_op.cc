#include "tests/mutants/rearrange_op.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/ops/references.h"

namespace kiln {
namespace {

template <typename T>
void RearrangeReference(const ReferenceCall<T>& call) {
  const auto& op = call.template OpAs<RearrangeOp>();
  const int64_t samples = call.node.type.per_sample ? call.batch() : 1;
  for (int64_t n = 0; n < samples; ++n) {
    const T* from = call.In(0, (n + op.sample_shift()) % samples);
    for (int64_t i = 0; i < call.OutSize(); ++i) {
      const int64_t place = op.places()[i];
      call.Out(n)[i] = place < 0 ? T(0.0) : from[place];
    }
  }
}

}  // namespace

RearrangeOp::RearrangeOp(std::vector<int64_t> places, int64_t sample_shift)
    : places_(std::move(places)), sample_shift_(sample_shift) {
  RegisterReference("rearrange", RearrangeReference<double>,
                    RearrangeReference<Rounded>);
}

std::string RearrangeOp::Attributes() const {
  return absl::StrCat("places=", absl::StrJoin(places_, ","),
                      " sample_shift=", sample_shift_);
}

absl::StatusOr<TensorType> RearrangeOp::InferType(
    absl::Span<const TensorType> inputs) const {
  if (static_cast<int64_t>(places_.size()) != ElementCount(inputs[0].shape))
    return absl::InvalidArgumentError("there must be a place per element");
  return inputs[0];
}

}  // namespace kiln
