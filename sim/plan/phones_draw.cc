#include "sim/plan/phones_draw.h"

#include <algorithm>

#include "sim/draw.h"
#include "sim/plan/windows.h"

namespace chasqui::sim {
namespace {

constexpr std::uint64_t family_draw = 40;  // of Concern::Plan
constexpr std::uint64_t item_draw = 1040;  // of Concern::Items
constexpr Time gap_least = 2 * second;     // between what happens to the flaky phones

class PhonesDraw {
 public:
  explicit PhonesDraw(Plan& plan)
      : plan_(plan), dice_(plan.seed, Concern::Items, item_draw), end_(Time{plan.seconds} * second) {}

  void fill() {
    // A few people have all the trouble: what happens to one phone twice tells more than what happens to two once.
    const auto devices = static_cast<std::uint64_t>(plan_.owners.size());
    const std::uint64_t flaky = dice_.roll(1, std::min<std::uint64_t>(devices, 8));
    const std::uint64_t first = dice_.roll(0, devices - 1);
    const std::uint64_t gap = dice_.log_roll(gap_least / millisecond, 20'000);
    Time at = drawn_ms(500, 5'000);
    while (at < end_) {
      const auto device = static_cast<std::uint32_t>((first + dice_.roll(0, flaky - 1)) % devices);
      story(device, at);
      at += drawn_ms(1, 2 * gap);
    }
  }

 private:
  Time drawn_ms(std::uint64_t low, std::uint64_t high) {
    return static_cast<Time>(dice_.log_roll(low, high)) * millisecond;
  }
  void add(Item item) {
    if (item.at < end_) plan_.items.push_back(std::move(item));
  }

  void story(std::uint32_t device, Time at) {
    const std::uint64_t choice = dice_.roll(0, 99);
    const Time length = drawn_ms(100, 10'000);
    if (choice < 40) {
      add({.at = at, .kind = ItemKind::Roam, .subject = device, .length = drawn_ms(1, 5'000)});
    } else if (choice < 50) {
      add({.at = at, .kind = ItemKind::Reinstall, .subject = device, .length = length});
    } else if (choice < 62) {
      add({.at = at, .kind = ItemKind::Twin, .subject = device, .length = drawn_ms(1'000, 30'000), .size = choice % 2});
    } else {
      restored(device, at, length);
    }
  }

  // A backup; in between the phone may be reinstalled; then what the backup says, maybe twice.
  void restored(std::uint32_t device, Time at, Time length) {
    add({.at = at, .kind = ItemKind::Backup, .subject = device});
    Time then = at + drawn_ms(200, 40'000);
    if (dice_.chance(300'000)) {
      add({.at = then, .kind = ItemKind::Reinstall, .subject = device, .length = length});
      then += length + drawn_ms(200, 20'000);
    }
    const bool twice = dice_.chance(200'000);
    const Time again = then + drawn_ms(1'000, 20'000);
    add({.at = then, .kind = ItemKind::Restore, .subject = device, .length = drawn_ms(100, 10'000)});
    if (twice) add({.at = again, .kind = ItemKind::Restore, .subject = device, .length = length});
  }

  Plan& plan_;
  Dice dice_;
  Time end_;
};

// Between a backup and its restoring one conversation gets more messages than answers are kept (bounds::outbox_window):
// what the restored phone sends there bears a number that nobody remembers.
void draw_long_absence(Plan& plan) {
  constexpr std::uint64_t messages = 70;
  Dice dice(plan.seed, Concern::Items, item_draw + 1);
  const Time end = Time{plan.seconds} * second;
  const auto device = static_cast<std::uint32_t>(dice.roll(0, plan.owners.size() - 1));
  const auto contact = static_cast<std::uint32_t>(dice.roll(0, plan.contacts[plan.owners[device]].size() - 1));
  const auto send = [&](Time at) {
    plan.items.push_back({.at = at, .kind = ItemKind::Send, .subject = device, .object = contact, .size = 20});
  };
  Time at = static_cast<Time>(dice.roll(1'000, 10'000)) * millisecond;
  send(at);
  plan.items.push_back({.at = at + second, .kind = ItemKind::Backup, .subject = device});
  for (std::uint64_t i = 0; i < messages; ++i) {
    at += static_cast<Time>(dice.roll(100, 400)) * millisecond;
    send(at + second);
  }
  at += static_cast<Time>(dice.roll(2'000, 10'000)) * millisecond;
  plan.items.push_back({.at = at, .kind = ItemKind::Restore, .subject = device, .length = second});
  at += static_cast<Time>(dice.roll(1'000, 10'000)) * millisecond;
  send(at);
  send(at + second);
  std::erase_if(plan.items, [&](const Item& item) { return item.at >= end; });
}

// Few people whose phones begin anew all the time say nothing that could be judged: each device does once in 40 s.
void thin_out(Plan& plan) {
  const auto begins_anew = [](const Item& item) {
    return item.kind == ItemKind::Reinstall || item.kind == ItemKind::Restore || item.kind == ItemKind::Twin;
  };
  const auto all = static_cast<std::uint64_t>(std::count_if(plan.items.begin(), plan.items.end(), begins_anew));
  const std::uint64_t most = std::max<std::uint64_t>(4, plan.owners.size() * plan.seconds / 40);
  if (all <= most) return;
  keep_evenly(plan, all, most, begins_anew);
}

}  // namespace

bool phones_alone(const Plan& plan) {
  return plan.plan_class == PlanClass::Single && chance_ppm(draw(plan.seed, Concern::Plan, family_draw, 0), 111'111);
}

void draw_phones(Plan& plan) {
  const bool in_swarm =
      plan.plan_class == PlanClass::Swarm && chance_ppm(draw(plan.seed, Concern::Plan, family_draw, 1), 500'000);
  if (!in_swarm && !phones_alone(plan)) return;
  PhonesDraw(plan).fill();
  thin_out(plan);
  if (chance_ppm(draw(plan.seed, Concern::Plan, family_draw, 2), 125'000)) draw_long_absence(plan);
}

}  // namespace chasqui::sim
