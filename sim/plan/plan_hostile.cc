#include "sim/plan/plan_hostile.h"

#include <algorithm>
#include <array>

#include "sim/draw.h"
#include "sim/plan/windows.h"

namespace chasqui::sim {
namespace {

constexpr std::array tricks{
#define CHASQUI_SIM_TRICK(name, word, meaning) ItemKind::name,
    CHASQUI_SIM_TRICKS(CHASQUI_SIM_TRICK)
#undef CHASQUI_SIM_TRICK
};

// Limits that only those meet who try: least, default and odd ones.
void draw_limits(Plan& plan, Dice& dice) {
  struct Choice {
    std::uint64_t Limits::* limit;
    std::array<std::uint64_t, 3> values;
  };
  static constexpr std::array<Choice, 5> choices{{
      {&Limits::sockets_before_hello_max, {4, 512, 30}},
      {&Limits::hello_burst, {3, 1'000, 20}},
      {&Limits::hello_per_second, {20, 500, 50}},
      {&Limits::session_behind_ms_max, {500, 60'000, 7'000}},
      {&Limits::rate_entries_max, {4, 100'000, 50}},
  }};
  for (const Choice& choice : choices) plan.limits.*choice.limit = choice.values[dice.roll(0, 2)];
}

}  // namespace

void draw_hostile(Plan& plan) {
  if (Dice(plan.seed, Concern::HostilePlan, 3).chance(100'000)) plan.knobs.quiet_s = 70;  // two pings of each device
  if (Dice(plan.seed, Concern::HostilePlan, 4).chance(100'000)) plan.knobs.codec = 1;
  Dice dice(plan.seed, Concern::HostilePlan, 2);
  const bool in_swarm = dice.chance(500'000);
  const bool much = plan.plan_class == PlanClass::Hostile;
  if (!much && !(plan.plan_class == PlanClass::Swarm && in_swarm)) return;
  plan.knobs.hostile = dice.roll(1, much ? 5 : 2);
  if (much) draw_limits(plan, dice);
  const Time end = Time{plan.seconds} * second;
  const Time gap = static_cast<Time>(much ? dice.log_roll(200, 3'000) : dice.log_roll(4'000, 30'000)) * millisecond;
  Time at = static_cast<Time>(dice.roll(1'000, 6'000)) * millisecond;
  while (at < end && plan.items.size() < items_most) {
    Item item{.at = at};
    item.kind = tricks[dice.roll(0, tricks.size() - 1)];
    // Its number may be above that of the devices, in small plans.
    item.subject = static_cast<std::uint32_t>(dice.roll(0, plan.knobs.hostile - 1) % plan.owners.size());
    item.object = static_cast<std::uint32_t>(dice.roll(0, 999'999));
    item.length = static_cast<Time>(dice.log_roll(10, 10'000)) * millisecond;
    item.size = dice.log_roll(1, 64);
    plan.items.push_back(item);
    at += static_cast<Time>(dice.roll(1, 2 * static_cast<std::uint64_t>(gap)));
  }
}

}  // namespace chasqui::sim
