// An op that only mutants have: reads its input at the wrong places.
#ifndef KILN_TESTS_MUTANTS_REARRANGE_OP_H_
#define KILN_TESTS_MUTANTS_REARRANGE_OP_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dsl/op.h"

namespace kiln {

// output[i] = input[places[i]], or 0 where that is -1, in every sample; of
// sample n + sample_shift, around the end of the batch.
class RearrangeOp : public Op {
 public:
  explicit RearrangeOp(std::vector<int64_t> places, int64_t sample_shift = 0);

  absl::string_view name() const override { return "rearrange"; }
  std::string Attributes() const override;
  absl::StatusOr<TensorType> InferType(
      absl::Span<const TensorType> inputs) const override;

  const std::vector<int64_t>& places() const { return places_; }
  int64_t sample_shift() const { return sample_shift_; }

 private:
  std::vector<int64_t> places_;
  int64_t sample_shift_;
};

}  // namespace kiln

#endif  // KILN_TESTS_MUTANTS_REARRANGE_OP_H_
