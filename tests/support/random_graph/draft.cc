#include "tests/support/random_graph/draft.h"

#include "absl/strings/str_cat.h"

namespace kiln::random_graph {

std::string Draft::Name(absl::string_view kind) {
  return absl::StrCat(kind, "_", ++names_);
}

int Draft::Keep(Value value, bool trained, Sign sign) {
  items_.push_back({value, trained, sign});
  return item_count() - 1;
}

Value Draft::Read(int item) {
  ++items_[item].readers;
  return items_[item].value;
}

int Draft::Pick() {
  std::vector<int> unread;
  for (int item = 0; item < item_count(); ++item) {
    if (!is_read(item)) unread.push_back(item);
  }
  if (!unread.empty() && Chance(65)) return OneOf(unread);
  return PickAny();
}

}  // namespace kiln::random_graph
