#include "tests/ops/references.h"

namespace kiln {
namespace {

struct Row {
  absl::string_view op;
  Reference<double> in_double;
  Reference<Rounded> rounded;
};

std::vector<Row>& Table() {
  static auto& table = *new std::vector<Row>{
#define KILN_ROW(op, reference) {op, reference<double>, reference<Rounded>},
      KILN_REFERENCES(KILN_ROW)
#undef KILN_ROW
  };
  return table;
}

const Row* Find(absl::string_view op) {
  for (const Row& row : Table()) {
    if (row.op == op) return &row;
  }
  return nullptr;
}

}  // namespace

template <>
Reference<double> FindReference(absl::string_view op) {
  const Row* row = Find(op);
  return row == nullptr ? nullptr : row->in_double;
}

template <>
Reference<Rounded> FindReference(absl::string_view op) {
  const Row* row = Find(op);
  return row == nullptr ? nullptr : row->rounded;
}

std::vector<absl::string_view> ReferencedOps() {
  return {
#define KILN_NAME(op, reference) op,
      KILN_REFERENCES(KILN_NAME)
#undef KILN_NAME
  };
}

void RegisterReference(absl::string_view op, Reference<double> in_double,
                       Reference<Rounded> rounded) {
  if (Find(op) == nullptr) Table().push_back({op, in_double, rounded});
}

}  // namespace kiln
