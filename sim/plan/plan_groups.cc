#include "sim/plan/plan_groups.h"

#include <algorithm>

#include "sim/draw.h"

namespace chasqui::sim {
namespace {

constexpr std::uint64_t groups_most = 8;
constexpr std::uint64_t items_of_groups_most = 600;

}  // namespace

void draw_groups(Plan& plan) {
  Dice dice(plan.seed, Concern::Groups, 0);
  if (!dice.chance(333'000)) return;
  plan.limits.group_create_user_burst = 1'000;  // a creation that a full disk refuses is repeated, and counts again
  const std::uint64_t groups = dice.log_roll(1, groups_most);
  const auto devices = static_cast<std::uint64_t>(plan.owners.size());
  const auto end = static_cast<std::uint64_t>(plan.seconds) * 1'000;
  const auto add = [&](ItemKind kind, std::uint64_t ms, std::uint64_t size) {
    Item item{.at = static_cast<Time>(ms) * millisecond, .kind = kind};
    item.subject = static_cast<std::uint32_t>(dice.roll(0, devices - 1));
    item.object = static_cast<std::uint32_t>(dice.roll(0, 0xffffffff));
    item.size = size;
    plan.items.push_back(item);
  };
  // Most are small; one in a thousand is as large as may be, of people most of whom never come.
  for (std::uint64_t i = 0; i < groups; ++i) {
    const std::uint64_t size = dice.chance(1'000) ? 1'024 : power_law(dice.bits(), 3, 100);
    add(ItemKind::Group, dice.roll(1'000, std::max<std::uint64_t>(2'000, end / 3)), size);
  }
  const std::uint64_t gap_ms = dice.log_roll(100, 3'000);
  const std::uint64_t change_ppm = dice.log_roll(10'000, 600'000);
  std::uint64_t items = 0;
  for (std::uint64_t ms = 2'000; ms < end && items < items_of_groups_most; ms += dice.roll(1, 2 * gap_ms), ++items) {
    if (dice.chance(change_ppm)) {
      add(ItemKind::GroupChange, ms, 0);
    } else {
      add(ItemKind::GroupTalk, ms, dice.log_roll(1, 400));
    }
  }
}

}  // namespace chasqui::sim
