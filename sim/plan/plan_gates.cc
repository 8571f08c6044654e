#include "sim/plan/plan_gates.h"

#include <algorithm>

#include "sim/draw.h"

namespace chasqui::sim {
namespace {

constexpr std::uint64_t gates_most = 400;

}  // namespace

// In four of ten runs; some people change their minds all the time. The rates of strangers are for abuse: here
// everybody writes to a few people they know.
void draw_gates(Plan& plan) {
  Dice dice(plan.seed, Concern::Gates, 0);
  plan.limits.first_message_user_burst = 1'000;
  plan.limits.add_user_burst = 100'000;
  if (!dice.chance(400'000)) return;
  const auto devices = static_cast<std::uint64_t>(plan.owners.size());
  const auto end = static_cast<std::uint64_t>(plan.seconds) * 1'000;
  const std::uint64_t gap_ms = dice.log_roll(150, 8'000);
  const std::uint64_t few = dice.chance(500'000) ? std::min<std::uint64_t>(devices, 3) : devices;
  std::uint64_t items = 0;
  for (std::uint64_t ms = dice.roll(200, 3'000); ms < end && items < gates_most; ms += dice.roll(1, 2 * gap_ms)) {
    ++items;
    Item item{.at = static_cast<Time>(ms) * millisecond, .kind = ItemKind::Gate};
    item.subject = static_cast<std::uint32_t>(dice.roll(0, few - 1));
    item.object = static_cast<std::uint32_t>(dice.roll(0, 0xffff));
    const std::uint64_t what = dice.roll(0, 19);
    item.size = what < 9 ? 1 : what < 15 ? 2 : what < 18 ? 0 : what - 15;
    plan.items.push_back(item);
  }
}

}  // namespace chasqui::sim
