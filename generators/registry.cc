#include "generators/registry.h"

#include "absl/strings/string_view.h"

namespace kiln {

LowerOp FindLowering(absl::string_view op) {
#define KILN_RETURN_LOWERING(name, lower) \
  if (op == name) return lower;
  KILN_LOWERINGS(KILN_RETURN_LOWERING)
#undef KILN_RETURN_LOWERING
  return nullptr;
}

}  // namespace kiln
