#include "sim/plan/plan_cluster.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "sim/draw.h"
#include "sim/plan/windows.h"

namespace chasqui::sim {
namespace {

// Of the seeds that nobody has asked anything of: so many are clusters.
constexpr std::uint64_t clusters_ppm = 100'000;
// Of the clusters' seeds: an hour, most of which one shard has no quorum.
constexpr std::uint64_t long_runs_ppm = 10'000;

bool is_long_run(const Plan& plan) {
  return plan.seconds >= long_run_seconds;
}

// Families of faults between nodes. Their numbers are the entity of their draws: a new one goes to the end.
enum class Family : std::uint8_t { Partitions, Links, Together, Count };
constexpr std::size_t family_count = static_cast<std::size_t>(Family::Count);

// What a partition looks like.
enum class Shape : std::uint8_t { TwoSides, Alone, Deaf, Mute, OneLink, OneWay, Bridge, Flapping, Swizzle, Count };

class Draw {
 public:
  Draw(Plan& plan, Family family)
      : plan_(plan),
        family_(family),
        dice_(plan.seed, Concern::ClusterPlan, 1000 + static_cast<std::uint64_t>(family)),
        end_(Time{plan.seconds} * second) {}

  void fill() {
    const Time gap = static_cast<Time>(dice_.log_roll(1'000, 20'000)) * millisecond;
    const Time first = static_cast<Time>(dice_.roll(1'000, 8'000)) * millisecond;
    draw_windows(plan_, dice_, first, gap, [this](Time at) { return story(at); });
  }

 private:
  std::uint32_t node() { return static_cast<std::uint32_t>(dice_.roll(0, plan_.nodes - 1)); }
  Time drawn_ms(std::uint64_t low, std::uint64_t high) {
    return static_cast<Time>(dice_.log_roll(low, high)) * millisecond;
  }
  void add(Item item) {
    if (item.at < end_) plan_.items.push_back(std::move(item));
  }

  // Returns for how long nothing more of the kind should come.
  Time story(Time at) {
    if (family_ == Family::Partitions) return partition(at);
    if (family_ == Family::Together) return together(at);
    const bool breaks = dice_.chance(500'000);
    Item item{.at = at, .kind = breaks ? ItemKind::LinkBreak : ItemKind::LinkStall, .subject = node()};
    item.object = node();
    item.length = drawn_ms(100, 30'000);
    item.size = breaks ? dice_.roll(0, 1) : dice_.log_roll(2, 5'000);
    add(item);
    return 0;
  }

  Time partition(Time at) {
    const auto shape = static_cast<Shape>(dice_.roll(0, static_cast<std::uint64_t>(Shape::Count) - 1));
    Time length = drawn_ms(100, 60'000);
    if (dice_.chance(100'000)) length = end_;  // it never heals before the end
    Item item{.at = at, .kind = ItemKind::Isolate, .subject = node(), .length = length};
    const std::uint32_t other = node();
    const std::uint64_t bits = dice_.bits();
    switch (shape) {
      case Shape::TwoSides:
      case Shape::Bridge:
        item.kind = ItemKind::Split;
        item.object = shape == Shape::Bridge ? 1 : 0;
        item.size = bits % ((std::uint64_t{1} << plan_.nodes) - 1) + 1;
        break;
      case Shape::Alone: break;
      case Shape::Deaf: item.size = 1; break;
      case Shape::Mute: item.size = 2; break;
      case Shape::OneLink:
      case Shape::OneWay:
        item.kind = ItemKind::Cut;
        item.object = other;
        item.size = (shape == Shape::OneLink ? 1U : 0U) + (bits % 3 == 0 ? 2U : 0U);
        break;
      case Shape::Flapping: return flap(item);
      case Shape::Swizzle: return swizzle(at, length);
      case Shape::Count: return 0;
    }
    add(item);
    return length / 2;
  }

  Time flap(Item item) {
    const Time period = drawn_ms(200, 5'000);
    const Time last = item.at + std::min(item.length, 30 * second);
    const Time first = item.at;
    for (int times = 0; item.at < last && times < 20; ++times) {
      item.length = period / 2;
      add(item);
      item.at += period;
    }
    return item.at - first;
  }

  // FoundationDB's: half of the nodes are cut off one by one, and come back in another order.
  Time swizzle(Time at, Time length) {
    const Time most = std::min(length, 30 * second);
    for (std::uint32_t i = 0; i < plan_.nodes; ++i) {
      const Time begins = static_cast<Time>(dice_.roll(0, static_cast<std::uint64_t>(most)));
      const Time ends = static_cast<Time>(dice_.roll(0, static_cast<std::uint64_t>(most)));
      if (!dice_.chance(500'000)) continue;
      add({.at = at + begins, .kind = ItemKind::Isolate, .subject = i, .length = most - begins + ends});
    }
    return 2 * most;
  }

  // Several nodes die at once or one after the other, or stand still together.
  Time together(Time at) {
    const std::uint64_t choice = dice_.roll(0, 99);
    const Time down = drawn_ms(100, 20'000);
    const std::uint32_t first = node();
    if (choice < 25) {  // a rolling restart
      const Time pace = down / 2 + drawn_ms(500, 5'000);
      for (std::uint32_t i = 0; i < plan_.nodes; ++i) {
        add({.at = at + pace * Time{i},
             .kind = ItemKind::Crash,
             .subject = (first + i) % plan_.nodes,
             .length = down / 2});
      }
      return pace * Time{plan_.nodes};
    }
    const auto kind = choice < 75 ? ItemKind::Crash : ItemKind::Pause;
    const std::uint64_t half = std::max<std::uint64_t>(1, (plan_.nodes - 1) / 2);
    const std::uint64_t count = choice < 60 ? half : dice_.roll(1, plan_.nodes);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto late = static_cast<Time>(dice_.roll(0, 200)) * millisecond;
      const auto subject = static_cast<std::uint32_t>((first + i) % plan_.nodes);
      add({.at = at + late, .kind = kind, .subject = subject, .length = down});
    }
    return down;
  }

  Plan& plan_;
  Family family_;
  Dice dice_;
  Time end_;
};

// For a story of its own: amid all else in a swarm, or as the only thing that happens. False: neither.
bool make_room(Plan& plan) {
  if (plan.plan_class == PlanClass::Single) leave_only_sends(plan);
  return plan.plan_class == PlanClass::Swarm || plan.plan_class == PlanClass::Single;
}

// One replica's state changes on its disk, without a word.
void rot_one(Plan& plan) {
  Dice dice(plan.seed, Concern::ClusterPlan, 7);
  const bool on = dice.chance(200'000);
  const std::uint64_t percent = dice.roll(5, 70);
  const auto node = static_cast<std::uint32_t>(dice.roll(0, plan.nodes - 1));
  const auto shard = static_cast<std::uint32_t>(dice.roll(0, plan.shards - 1));
  const auto down = static_cast<Time>(dice.log_roll(100, 5'000)) * millisecond;
  if (!on || !make_room(plan)) return;
  Item item{.at = Time{plan.seconds} * second / 100 * static_cast<Time>(percent), .kind = ItemKind::Rot};
  item.subject = node;
  item.object = shard;
  item.length = down;
  plan.items.push_back(std::move(item));
}

// A disk is emptied just when who forgot and who lagged behind could make up a majority of their own.
void wipe_one(Plan& plan) {
  Dice dice(plan.seed, Concern::ClusterPlan, 8);
  const bool on = dice.chance(150'000);
  const std::uint64_t percent = dice.roll(10, 70);
  const auto lags = static_cast<std::uint32_t>(dice.roll(0, plan.nodes - 1));
  const auto next = static_cast<std::uint32_t>(dice.roll(1, plan.nodes - 1));
  const auto length = static_cast<Time>(dice.log_roll(1'000, 20'000)) * millisecond;
  const auto down = static_cast<Time>(dice.log_roll(50, 1'000)) * millisecond;
  const auto dead = static_cast<Time>(dice.log_roll(2'000, 20'000)) * millisecond;
  if (!on || !make_room(plan)) return;
  const Time at = Time{plan.seconds} * second / 100 * static_cast<Time>(percent);
  const std::uint32_t forgets = (lags + next) % plan.nodes;
  plan.items.push_back({.at = at, .kind = ItemKind::Isolate, .subject = lags, .length = length});
  plan.items.push_back({.at = at + length, .kind = ItemKind::Wipe, .subject = forgets, .length = down});
  for (std::uint32_t node = 0; node < plan.nodes; ++node) {
    if (node == lags || node == forgets) continue;
    plan.items.push_back({.at = at + length, .kind = ItemKind::Crash, .subject = node, .length = dead});
  }
}

// Crashes amid what a stream does.
void aim_at_streams(Plan& plan) {
  Dice dice(plan.seed, Concern::ClusterPlan, 6);
  static constexpr std::array<std::string_view, 6> marks{"state_ingested",   "state_staged",   "stream_goes_on",
                                                         "install_given_up", "stream_refused", "log_kept_for_stream"};
  const bool on = dice.chance(300'000);
  const std::uint64_t count = dice.roll(1, 4);
  if (!on || plan.plan_class != PlanClass::Swarm) return;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t which = dice.roll(0, 2 * marks.size() - 1);
    const auto hit = static_cast<Time>(dice.log_roll(1, 16));
    Item item{.at = hit, .kind = ItemKind::Crash};
    item.mark = marks[which < marks.size() ? which : 0];
    item.length = static_cast<Time>(dice.log_roll(100, 10'000)) * millisecond;
    plan.items.push_back(std::move(item));
  }
}

// A shard without a quorum, for short or for the rest of the run. So that it matters to others soon, some have room for
// little that is owed.
class Quorums {
 public:
  explicit Quorums(Plan& plan) : plan_(plan), dice_(plan.seed, Concern::ClusterPlan, 4) {}

  void fill() {
    const bool rarely = dice_.chance(250'000);
    const std::uint64_t room = dice_.roll(0, 3);
    const Time gap = static_cast<Time>(dice_.log_roll(2'000, 60'000)) * millisecond;
    const Time first = static_cast<Time>(dice_.roll(1'000, 15'000)) * millisecond;
    if (plan_.plan_class != PlanClass::Swarm || plan_.shards < 2) return;
    if (is_long_run(plan_)) {
      add(minute, Time{plan_.seconds} * second - 2 * minute);
    } else if (rarely) {
      draw_windows(plan_, dice_, first, gap, [this](Time at) { return lose_one(at); });
    } else {
      return;
    }
    static constexpr std::array<std::uint64_t, 4> rooms{64, 1'024, 65'536, 200};
    plan_.limits.feed_outstanding_items_max = rooms[room];
    // What is parked is sent in such batches, each of which takes a second and more.
    plan_.limits.feed_batch_items_max = std::max<std::uint64_t>(plan_.limits.feed_batch_items_max, 256);
  }

 private:
  static constexpr Time minute = 60 * second;

  void add(Time at, Time length) {
    const auto shard = static_cast<std::uint32_t>(dice_.roll(0, plan_.shards - 1));
    plan_.items.push_back({.at = at, .kind = ItemKind::NoQuorum, .object = shard, .length = length});
  }
  Time lose_one(Time at) {
    const bool for_good = dice_.chance(150'000);
    const Time drawn = static_cast<Time>(dice_.log_roll(1'000, 120'000)) * millisecond;
    const Time length = for_good ? Time{plan_.seconds} * second : drawn;
    add(at, length);
    return length;
  }

  Plan& plan_;
  Dice dice_;
};

void draw_links(Plan& plan) {
  Dice dice(plan.seed, Concern::ClusterPlan, 2);
  static constexpr std::array<std::uint64_t, 4> queues{8, 256, 65'536, 1'000};
  const bool far = dice.chance(200'000);
  const std::uint64_t zone = dice.log_roll(100, 800);
  const std::uint64_t region = dice.log_roll(1'000, 40'000);
  const bool drops = dice.chance(500'000);
  const std::uint64_t queue = queues[dice.roll(0, 3)];
  plan.knobs.peer_us = far ? region : zone;
  if (plan.plan_class == PlanClass::Calm) return;
  plan.knobs.peer_keeps = drops ? 0 : 1;
  if (plan.plan_class == PlanClass::Swarm) plan.knobs.peer_queue_kb = queue;
}

}  // namespace

void draw_cluster_size(Plan& plan, const PlanOverrides& overrides) {
  Dice dice(plan.seed, Concern::ClusterPlan, 1);
  const bool drawn = dice.chance(clusters_ppm);
  const std::uint64_t choice = dice.roll(0, 99);
  const std::uint64_t many = dice.roll(6, 9);
  const bool paired = dice.chance(150'000);
  const std::uint64_t spread = dice.bits();
  if (overrides.unconnected) return;
  if (!overrides.nodes && !drawn) return;
  std::uint64_t nodes = choice < 60 ? 3 : choice < 85 ? 5 : many;
  if (overrides.nodes) nodes = between(spread, *overrides.nodes, overrides.nodes_most.value_or(*overrides.nodes));
  plan.nodes = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, nodes));
  if (plan.nodes == 1) return;
  plan.knobs.cluster = 1;
  if (paired && !overrides.nodes) plan.nodes = std::max(6U, plan.nodes / 2 * 2);
  if (paired && plan.nodes >= 6 && plan.nodes % 2 == 0) plan.knobs.per_process = 2;
  draw_links(plan);
}

void draw_cluster_faults(Plan& plan, const PlanOverrides& overrides) {
  if (!plan.is_cluster()) return;
  // Where a hop takes 100 ms nothing can be agreed on in time; and clocks that part by 10 s stop their shards.
  plan.knobs.round_ns = std::min<std::uint64_t>(plan.knobs.round_ns, 10'000'000);
  plan.knobs.drift_ppm = std::min<std::uint64_t>(plan.knobs.drift_ppm, 10'000);
  Dice dice(plan.seed, Concern::ClusterPlan, 3);
  const bool instead = dice.chance(500'000);
  const std::uint64_t only = dice.roll(0, family_count - 1);
  for (std::size_t family = 0; family < family_count; ++family) {
    const bool in_swarm = dice.chance(500'000);
    const bool rather = dice.chance(500'000);
    bool on = false;
    if (plan.plan_class == PlanClass::Single) on = instead && family == only;
    if (plan.plan_class == PlanClass::Swarm) on = in_swarm;
    if (plan.plan_class == PlanClass::Hostile) on = in_swarm && rather;
    if (!on) continue;
    if (plan.plan_class == PlanClass::Single) leave_only_sends(plan);
    Draw(plan, static_cast<Family>(family)).fill();
  }
  if (!overrides.points_off) aim_at_streams(plan);
  rot_one(plan);
  wipe_one(plan);
  Quorums(plan).fill();
}

bool draw_long_run(const Plan& plan, const PlanOverrides& overrides) {
  Dice dice(plan.seed, Concern::ClusterPlan, 5);
  const bool drawn = dice.chance(long_runs_ppm);
  return drawn && plan.is_cluster() && plan.plan_class == PlanClass::Swarm && !overrides.seconds;
}

}  // namespace chasqui::sim
