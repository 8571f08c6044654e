#include "sim/plan/plan_draw.h"

#include <algorithm>
#include <array>

#include "sim/draw.h"
#include "sim/plan/marks.h"
#include "sim/plan/phones_draw.h"
#include "sim/plan/plan_cluster.h"
#include "sim/plan/plan_disks.h"
#include "sim/plan/plan_gates.h"
#include "sim/plan/plan_groups.h"
#include "sim/plan/plan_hostile.h"
#include "sim/plan/windows.h"

namespace chasqui::sim {
namespace {

// Families of faults. Their numbers are the entity of their draws: a new one goes to the end.
enum class Family : std::uint8_t { Crash, Pause, Disk, Breaks, Links, Phones, Clocks, Strays, Count };
constexpr std::size_t family_count = static_cast<std::size_t>(Family::Count);
using Families = std::array<bool, family_count>;

// One family's items in the run.
class FaultDraw {
 public:
  FaultDraw(Plan& plan, Family family)
      : plan_(plan), family_(family), dice_(plan.seed, Concern::Items, 1000 + static_cast<std::uint64_t>(family)) {}

  void fill() {
    // The intensity is log-uniform in its range, once for each family and seed.
    const Time gap = static_cast<Time>(dice_.log_roll(300, 20'000)) * millisecond;
    const Time first = static_cast<Time>(dice_.roll(500, 5'000)) * millisecond;
    draw_windows(plan_, dice_, first, gap, [this](Time at) { return item(at); });
  }

 private:
  // Returns for how long nothing more of the kind should come: a node that stands still the whole day shows nothing.
  Time item(Time at) {
    Item item{.at = at};
    const std::uint64_t choice = dice_.roll(0, 99);
    item.length = static_cast<Time>(dice_.log_roll(100, 30'000)) * millisecond;
    const auto node = static_cast<std::uint32_t>(dice_.roll(0, plan_.nodes - 1));
    const auto device = static_cast<std::uint32_t>(dice_.roll(0, plan_.owners.size() - 1));
    item.subject = device;
    switch (family_) {
      case Family::Crash:
        item.kind = choice < 20 ? ItemKind::PowerCut : ItemKind::Crash;
        item.subject = node;
        item.length = std::min(item.length, 10 * second);
        break;
      case Family::Pause:
        item.kind = ItemKind::Pause;
        item.subject = node;
        break;
      case Family::Disk:
        item.kind = choice < 30 ? ItemKind::StuckDisk : ItemKind::SlowDisk;
        item.subject = node;
        item.size = dice_.log_roll(10, 300);
        break;
      case Family::Breaks: item.kind = choice < 90 ? ItemKind::Break : ItemKind::BreakAll; break;
      case Family::Links:
        item.kind = ItemKind::Stall;
        item.size = dice_.log_roll(20, 5'000);
        break;
      case Family::Phones:
        item.kind = choice < 60 ? ItemKind::Offline : ItemKind::PhoneCrash;
        item.size = dice_.roll(0, 1);
        break;
      case Family::Clocks:
        item.kind = ItemKind::WallJump;
        item.subject = node;
        item.object = choice < 50 ? 1 : 0;
        item.size = dice_.log_roll(50, 600'000);
        break;
      case Family::Strays:
        item.kind = ItemKind::Stray;
        item.object = static_cast<std::uint32_t>(dice_.bits());
        item.size = 20;
        break;
      case Family::Count: return 0;
    }
    if (item.kind == ItemKind::BreakAll) item.subject = node;
    plan_.items.push_back(item);
    return family_ == Family::Crash || family_ == Family::Pause || family_ == Family::Disk ? item.length : 0;
  }

  Plan& plan_;
  Family family_;
  Dice dice_;
};

Families draw_families(const Plan& plan) {
  Dice dice(plan.seed, Concern::Plan, 2);
  Dice half(plan.seed, Concern::HostilePlan, 1);  // in the class hostile fewer faults: it is about something else
  Families on{};
  const std::uint64_t only = dice.roll(0, family_count - 1);
  for (std::size_t family = 0; family < family_count; ++family) {
    const bool in_swarm = dice.chance(500'000);
    if (plan.plan_class == PlanClass::Single) on[family] = family == only;
    if (plan.plan_class == PlanClass::Swarm) on[family] = in_swarm;
    if (plan.plan_class == PlanClass::Hostile) on[family] = half.chance(500'000) && in_swarm;
  }
  return on;
}

void draw_knobs(Plan& plan) {
  Dice dice(plan.seed, Concern::Plan, 3);
  Knobs& knobs = plan.knobs;
  knobs.sync_us = dice.log_roll(100, 5'000);
  knobs.step_cost_us_max = dice.log_roll(4, 200);
  knobs.wake_late_us_max = dice.log_roll(1, 20'000);
  knobs.flush_ms = dice.log_roll(200, 30'000);
  knobs.journal_us = dice.log_roll(100, 20'000);
  knobs.retry_cap_ms = dice.log_roll(1'000, 30'000);
  const std::uint64_t loss = dice.log_roll(100, 50'000);
  const std::uint64_t spurious = dice.log_roll(1'000, 1'000'000);
  const bool rounded = dice.chance(250'000);
  const std::uint64_t round = dice.log_roll(1'000'000, 100'000'000);
  const bool shuffled = dice.chance(500'000);
  const bool thin = dice.chance(250'000);
  if (plan.plan_class == PlanClass::Calm) return;
  knobs.spurious_ppm = spurious;
  knobs.shuffle_ties = shuffled ? 1 : 0;
  if (rounded) knobs.round_ns = round;
  if (plan.plan_class == PlanClass::Single) return;
  knobs.loss_ppm = loss;
  if (thin) knobs.thin_ppm = 100'000;
}

// Limits from {least, default, most, odd}; a quarter of the seeds make all of them least.
void draw_limits(Plan& plan) {
  Dice dice(plan.seed, Concern::Plan, 4);
  const bool all_least = dice.chance(250'000);
  // Phones that ask again and again while the node crashes are not the abuse that these are for.
  plan.limits.registration_address_burst = 1'000;
  plan.limits.login_address_burst = 1'000;
  struct Choice {
    std::uint64_t Limits::* limit;
    std::array<std::uint64_t, 4> values;
  };
  static constexpr std::array<Choice, 15> choices{{
      {&Limits::push_budget_bytes_max, {4'096, 1'048'576, 16'777'216, 200'001}},
      {&Limits::page_events_max, {2, 200, 200, 7}},
      {&Limits::feed_batch_items_max, {1, 256, 1'024, 3}},
      {&Limits::raft_entry_commands_max, {1, 1'024, 1'024, 5}},
      {&Limits::entries_in_flight_max, {2, 32, 32, 3}},  // 1: core/node_shards.cc has two under way
      {&Limits::index_linger_ms, {1, 30, 1'000, 17}},
      {&Limits::mark_linger_ms, {1, 30, 1'000, 17}},
      {&Limits::mark_linger_away_ms, {1, 1'000, 5'000, 333}},
      {&Limits::cursor_linger_ms, {1, 1'000, 10'000, 77}},
      {&Limits::cursor_rows_max, {1, 4'096, 4'096, 9}},
      {&Limits::log_trailing_entries, {1, 1'024, 4'096, 13}},
      {&Limits::session_unanswered_max, {8, 64, 1'024, 11}},
      {&Limits::overlay_write_ms, {0, 1'000, 10'000, 0}},  // 0: states are compared after each entry (I8)
      {&Limits::overlay_unwritten_bytes_max, {1, 4'194'304, 4'194'304, 2'000}},
      {&Limits::overlay_bytes_max, {0, 67'108'864, 67'108'864, 5'000}},
  }};
  for (const Choice& choice : choices) {
    const std::uint64_t which = dice.roll(0, 3);
    if (plan.plan_class != PlanClass::Calm) plan.limits.*choice.limit = choice.values[all_least ? 0 : which];
  }
  // Where a sync takes up to 100 ms, or many write at once, entries of one command are more than a shard can do: such a
  // run would judge nothing but the overload.
  if (plan.knobs.round_ns > 10'000'000 || plan.owners.size() > 16) {
    plan.limits.raft_entry_commands_max = std::max<std::uint64_t>(plan.limits.raft_entry_commands_max, 64);
  }
}

// In half of the runs people reply, edit, delete and so on, some much and some little; in some of these messages
// disappear, are hidden, and people watch each other.
void draw_about(Plan& plan) {
  Dice dice(plan.seed, Concern::About, 0);
  const bool on = dice.chance(500'000);
  const std::uint64_t often = dice.log_roll(20'000, 600'000);
  const bool timers = dice.chance(400'000);
  const std::uint64_t timer_s = dice.log_roll(2, 120);
  const bool hides = dice.chance(400'000);
  const std::uint64_t hide_ppm = dice.log_roll(20'000, 500'000);
  const bool watch = dice.chance(400'000);
  if (!on) return;
  plan.knobs.about_ppm = often;
  plan.limits.forward_device_refill_ms = 200;  // else the brake on forwards alone decides when a run settles
  if (timers) plan.knobs.timer_s = timer_s;
  if (hides) plan.knobs.hide_ppm = hide_ppm;
  if (watch && plan.knobs.quiet_s == 0) plan.knobs.watch = 1;
}

// Draws of later times: each by dice of its own, so that those before stay as they were.
void draw_more(Plan& plan, bool points_off) {
  if (plan.plan_class == PlanClass::Calm) return;
  Dice dice(plan.seed, Concern::Plan, 7);
  // A server that stores less than its clients believe: contents are refused for good.
  if (dice.chance(250'000)) plan.limits.message_bytes_max = 300;
  if (points_off) return;
  if (plan.plan_class == PlanClass::Swarm) plan.knobs.maybe_ppm = 250'000;
  // A tenth of the crashes is aimed at a rare branch, so that they land in the middle of what seldom happens.
  const bool has_groups =
      std::any_of(plan.items.begin(), plan.items.end(), [](const Item& item) { return item.kind == ItemKind::Group; });
  const std::span<const std::string_view> marks = has_groups ? known_marks() : marks_without_groups();
  for (Item& item : plan.items) {
    if (item.kind != ItemKind::Crash || !dice.chance(100'000)) continue;
    item.mark = marks[dice.roll(0, marks.size() - 1)];
    item.at = static_cast<Time>(dice.log_roll(1, 64));
  }
}

// Who lives where, with how many devices, and writes to whom.
void draw_people(Plan& plan, std::uint32_t devices) {
  Dice dice(plan.seed, Concern::Plan, 5);
  while (plan.owners.size() < devices) {
    // 1 + geometric devices, at most 10; at least two people for each node.
    const auto person = static_cast<std::uint32_t>(plan.contacts.size());
    std::uint32_t count = 1;
    while (count < 10 && dice.chance(300'000)) ++count;
    if (person < 2 * plan.nodes) count = std::min(count, devices / (2 * plan.nodes));
    for (std::uint32_t i = 0; i < std::max(count, 1U) && plan.owners.size() < devices; ++i)
      plan.owners.push_back(person);
    plan.contacts.emplace_back();
  }
  plan.people = static_cast<std::uint32_t>(plan.contacts.size());
  for (std::uint32_t person = 0; person < plan.people; ++person) {
    Dice friends(plan.seed, Concern::Person, person);
    const std::uint32_t clusters = plan.clusters();
    const std::uint32_t home = plan.cluster_of(person);
    const std::uint32_t here = (plan.people - home + clusters - 1) / clusters;
    const std::uint64_t wanted = std::min<std::uint64_t>(power_law(friends.bits(), 3, 30), here);
    while (plan.contacts[person].size() < wanted) {
      const std::uint32_t other = home + clusters * static_cast<std::uint32_t>(friends.roll(0, here - 1));
      if (other == person && !friends.chance(50'000)) {
        if (here == 1) break;
        continue;  // some people do write to themselves
      }
      plan.contacts[person].push_back(other);
    }
    if (plan.contacts[person].empty()) plan.contacts[person].push_back(person);
  }
}

// Everyone writes at drawn times: gaps follow a power law (short messages are not Poisson), people differ much.
void draw_sends(Plan& plan) {
  Dice dice(plan.seed, Concern::Plan, 6);
  const Time end = Time{plan.seconds} * second;
  const auto devices = static_cast<Time>(plan.owners.size());
  // So that some 200 messages come at least, since phones may be away for half of the day: a mean gap is about 4.6
  // times the least. Twice as many of two or three phones: most of theirs are lost if they are often restored.
  const Time busiest = std::max<Time>(50 * millisecond, end / (devices < 4 ? 2'000 : 1'000) * devices);
  const Time drawn = static_cast<Time>(dice.log_roll(200, 4'000)) * millisecond;
  const Time least = std::min(drawn, busiest);
  for (std::uint32_t device = 0; device < plan.owners.size(); ++device) {
    Dice person(plan.seed, Concern::Items, device);
    const auto contacts = plan.contacts[plan.owners[device]].size();
    const Time own = least * static_cast<Time>(person.log_roll(256, 1'024)) / 512;
    Time at = 200 * millisecond + static_cast<Time>(person.roll(0, static_cast<std::uint64_t>(own)));
    while (at < end) {
      Item item{.at = at, .kind = ItemKind::Send, .subject = device};
      item.object = static_cast<std::uint32_t>(person.roll(0, contacts - 1));
      item.size = person.chance(5'000) ? person.log_roll(4'096, 60'000) : person.log_roll(1, 400);
      plan.items.push_back(item);
      at += static_cast<Time>(
          power_law(person.bits(), static_cast<std::uint64_t>(own), 100 * static_cast<std::uint64_t>(own)));
    }
  }
}

// In half of the seeds somebody asks now and then what has changed, once a new device and then from old versions.
void draw_audits(Plan& plan) {
  Dice dice(plan.seed, Concern::Audit, std::uint64_t{1} << 32);  // below: people
  if (!dice.chance(500'000)) return;
  const Time gap = static_cast<Time>(dice.log_roll(300, 8'000)) * millisecond;
  const std::uint64_t watched = dice.log_roll(1, plan.owners.size());  // few, so that they have old versions
  const Time end = Time{plan.seconds} * second;
  for (Time at = second; at < end; at += static_cast<Time>(dice.roll(1, 2 * static_cast<std::uint64_t>(gap)))) {
    Item item{.at = at, .kind = ItemKind::Audit};
    item.subject = static_cast<std::uint32_t>(dice.roll(0, watched - 1));
    item.object = static_cast<std::uint32_t>(dice.roll(0, 1'000));
    plan.items.push_back(item);
  }
}

// A node that stands still most of the time takes nothing that could be judged: half of the time is left to it.
void leave_time(Plan& plan) {
  const auto hinders = [](const Item& item) {
    return item.kind == ItemKind::Crash || item.kind == ItemKind::PowerCut || item.kind == ItemKind::Pause ||
           item.kind == ItemKind::StuckDisk || item.kind == ItemKind::FullDisk || item.kind == ItemKind::SyncError;
  };
  std::uint64_t all = 0;
  Time hindered = 0;
  for (const Item& item : plan.items) {
    if (!hinders(item)) continue;
    ++all;
    hindered += item.length;
  }
  const Time left = Time{plan.seconds} * second * plan.nodes / 2;
  if (hindered <= left) return;
  const std::uint64_t most =
      all * static_cast<std::uint64_t>(left / millisecond) / static_cast<std::uint64_t>(hindered / millisecond + 1);
  keep_evenly(plan, all, most, hinders);
}

}  // namespace

Plan draw_plan(std::uint64_t seed, const PlanOverrides& overrides) {
  Dice dice(seed, Concern::Plan, 1);
  Plan plan;
  plan.seed = seed;
  const std::uint64_t which = dice.roll(0, 99);
  const auto nodes = static_cast<std::uint32_t>(dice.chance(800'000) ? 1 : 2);
  const auto shards = static_cast<std::uint32_t>(dice.log_roll(1, 16));
  const auto devices = static_cast<std::uint32_t>(dice.log_roll(2, 100));
  const auto length = static_cast<std::uint32_t>(dice.log_roll(60, 200));
  plan.plan_class = which < 10   ? PlanClass::Calm
                    : which < 30 ? PlanClass::Single
                    : which < 95 ? PlanClass::Swarm
                                 : PlanClass::Hostile;
  plan.plan_class = overrides.plan_class.value_or(plan.plan_class);
  plan.nodes = std::max(1U, overrides.nodes.value_or(nodes));
  draw_cluster_size(plan, overrides);
  const bool is_long = draw_long_run(plan, overrides);
  plan.shards = is_long ? std::max(4U, shards) : shards;
  plan.seconds = is_long ? long_run_seconds : std::max(1U, overrides.seconds.value_or(length));
  const bool few = is_long || plan.plan_class == PlanClass::Single;
  const std::uint32_t drawn = few ? std::min(devices, 10U) : devices;
  draw_people(plan, std::max(2 * plan.nodes, overrides.devices.value_or(drawn)));
  draw_knobs(plan);
  draw_limits(plan);
  draw_sends(plan);
  const Families on = draw_families(plan);
  for (std::size_t family = 0; family < family_count; ++family) {
    if (on[family] && !phones_alone(plan)) FaultDraw(plan, static_cast<Family>(family)).fill();
  }
  draw_phones(plan);
  draw_hostile(plan);
  draw_about(plan);
  draw_groups(plan);
  draw_gates(plan);
  draw_more(plan, overrides.points_off);
  draw_disks_and_clocks(plan);
  draw_cluster_faults(plan, overrides);
  draw_audits(plan);
  if (plan.plan_class != PlanClass::Beyond) leave_time(plan);
  std::stable_sort(plan.items.begin(), plan.items.end(), [](const Item& a, const Item& b) { return a.at < b.at; });
  return plan;
}

}  // namespace chasqui::sim
