#include "dsl/ops/pad.h"
#include "tests/ops/references.h"

namespace kiln {
namespace {

// Visits each place of the small image and its place in the large one, which
// has a border around it.
template <typename Visit>
void ForEachInside(const Shape& small, const Shape& large, const Size2& border,
                   Visit visit) {
  for (int64_t c = 0; c < small[0]; ++c) {
    for (int64_t y = 0; y < small[1]; ++y) {
      for (int64_t x = 0; x < small[2]; ++x) {
        visit((c * small[1] + y) * small[2] + x,
              (c * large[1] + y + border.height) * large[2] + x + border.width);
      }
    }
  }
}

}  // namespace

template <typename T>
void PadReference(const ReferenceCall<T>& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    ForEachInside(call.InShape(0), call.OutShape(),
                  call.template OpAs<PadOp>().padding(),
                  [&](int64_t small, int64_t large) {
                    call.Out(n)[large] = call.In(0, n)[small];
                  });
  }
}

template <typename T>
void CropReference(const ReferenceCall<T>& call) {
  for (int64_t n = 0; n < call.batch(); ++n) {
    ForEachInside(call.OutShape(), call.InShape(0),
                  call.template OpAs<CropOp>().border(),
                  [&](int64_t small, int64_t large) {
                    call.Out(n)[small] = call.In(0, n)[large];
                  });
  }
}

KILN_INSTANTIATE_REFERENCE(PadReference)
KILN_INSTANTIATE_REFERENCE(CropReference)

}  // namespace kiln
