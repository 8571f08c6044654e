// What those who draw items share: faults in windows, and making items fewer.
#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/draw.h"
#include "sim/plan/plan.h"

namespace chasqui::sim {

constexpr std::size_t items_most = 200'000;

// Windows of faults of 1 to 30 s with calm between, else nothing moves. `gap`: half of the longest between two items of
// a window; `item`: adds one at that time, and returns for how long nothing more of the kind should come.
template <class Add>
void draw_windows(const Plan& plan, Dice& dice, Time at, Time gap, const Add& item) {
  const Time end = Time{plan.seconds} * second;
  while (at < end && plan.items.size() < items_most) {
    const Time window_end = std::min(end, at + static_cast<Time>(dice.roll(1'000, 30'000)) * millisecond);
    while (at < window_end) {
      at += item(at);
      at += static_cast<Time>(dice.roll(1, 2 * static_cast<std::uint64_t>(gap)));
    }
    at = window_end + static_cast<Time>(dice.roll(1'000, 20'000)) * millisecond;
  }
}

// What follows is to be the only thing that happens.
inline void leave_only_sends(Plan& plan) {
  std::erase_if(plan.items, [](const Item& item) { return item.kind != ItemKind::Send; });
}

// Of the `all` items for which `which` is true `most` are kept, evenly spread.
template <class Which>
void keep_evenly(Plan& plan, std::uint64_t all, std::uint64_t most, const Which& which) {
  std::uint64_t number = 0;
  std::erase_if(plan.items, [&](const Item& item) {
    if (!which(item)) return false;
    const std::uint64_t before = number * most / all;
    return before == ++number * most / all;
  });
}

}  // namespace chasqui::sim
