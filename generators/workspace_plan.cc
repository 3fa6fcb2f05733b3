#include "generators/workspace_plan.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

namespace kiln {

namespace {

using Allocations = std::vector<PlannedAllocation>;
using Order = std::vector<int>;  // positions in the list, first placed first

constexpr int kRounds = 200;  // of improving an order: milliseconds

int64_t RoundUp(int64_t bytes) {
  return (bytes + kWorkspaceAlignment - 1) / kWorkspaceAlignment *
         kWorkspaceAlignment;
}

// The largest sum of size(bytes) alive at one time. It is alive where some
// allocation begins.
template <typename Size>
int64_t LargestSum(const Allocations& allocations, const Size& size) {
  int64_t largest = 0;
  for (const PlannedAllocation& begins : allocations) {
    int64_t sum = 0;
    for (const PlannedAllocation& other : allocations) {
      if (other.first <= begins.first && begins.first <= other.last)
        sum += size(other.bytes);
    }
    largest = std::max(largest, sum);
  }
  return largest;
}

// Gives each its lowest free offset, in this order; returns the size.
int64_t PlaceInOrder(const Order& order, Allocations* allocations) {
  int64_t bytes = 0;
  std::vector<const PlannedAllocation*> placed;  // sorted by offset
  for (int index : order) {
    PlannedAllocation& allocation = (*allocations)[index];
    int64_t offset = 0;
    for (const PlannedAllocation* other : placed) {
      const bool alive_together =
          allocation.first <= other->last && other->first <= allocation.last;
      if (!alive_together) continue;
      if (offset + allocation.bytes <= other->offset) break;
      offset = std::max(offset, RoundUp(other->offset + other->bytes));
    }
    allocation.offset = offset;
    bytes = std::max(bytes, RoundUp(offset + allocation.bytes));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &allocation,
                                   [](const auto* a, const auto* b) {
                                     return a->offset < b->offset;
                                   }),
                  &allocation);
  }
  return bytes;
}

std::vector<Order> FirstOrders(const Allocations& allocations) {
  using Key = std::function<double(const PlannedAllocation&)>;
  const std::vector<Key> keys = {
      [](const auto& a) { return -static_cast<double>(a.bytes); },
      [](const auto& a) {
        return -static_cast<double>(a.bytes) * (a.last - a.first + 1);
      },
      [](const auto& a) { return static_cast<double>(a.first - a.last); },
      [](const auto& a) { return static_cast<double>(a.first); },
      [](const auto& a) { return -static_cast<double>(a.last); }};
  std::vector<Order> orders;
  for (const Key& key : keys) {
    Order order(allocations.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
      return key(allocations[a]) < key(allocations[b]);
    });
    orders.push_back(std::move(order));
  }
  return orders;
}

// Moves what reaches highest to the front, where it gets the lowest offset.
void PromoteHighest(const Allocations& allocations, Order* order) {
  const auto highest =
      std::max_element(order->begin(), order->end(), [&](int a, int b) {
        return allocations[a].offset + allocations[a].bytes <
               allocations[b].offset + allocations[b].bytes;
      });
  std::rotate(order->begin(), highest, highest + 1);
}

}  // namespace

int64_t LivenessLowerBound(const Allocations& allocations) {
  return LargestSum(allocations, [](int64_t bytes) { return bytes; });
}

WorkspacePlan PlanWorkspace(Allocations allocations) {
  WorkspacePlan plan;
  plan.lower_bound = LivenessLowerBound(allocations);
  const int64_t reachable = LargestSum(allocations, RoundUp);
  plan.bytes = -1;
  for (Order& order : FirstOrders(allocations)) {
    for (int round = 0; round < kRounds && plan.bytes != reachable; ++round) {
      const int64_t bytes = PlaceInOrder(order, &allocations);
      if (plan.bytes < 0 || bytes < plan.bytes) {
        plan.bytes = bytes;
        plan.allocations = allocations;
      }
      if (!order.empty()) PromoteHighest(allocations, &order);
    }
  }
  return plan;
}

}  // namespace kiln
