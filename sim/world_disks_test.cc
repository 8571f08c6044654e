// Each fault of disks, CPUs and clocks really happens, and the judges say of it what they should.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sim/plan/plan_draw.h"
#include "sim/world.h"

namespace chasqui::sim {
namespace {

struct Told {
  Report report;
  std::vector<std::string> lines;
  [[nodiscard]] std::ptrdiff_t count(const std::string& words) const {
    return std::count_if(lines.begin(), lines.end(),
                         [&](const std::string& line) { return line.find(words) != std::string::npos; });
  }
  [[nodiscard]] std::string violation() const {
    return report.verdict.violations.empty() ? "" : report.verdict.violations.front().what;
  }
};

// A calm day of one node, and these items in it.
Told day_with(std::vector<Item> items, PlanClass plan_class = PlanClass::Calm, WorldOptions options = {},
              std::uint64_t drift_ppm = 0) {
  Plan plan = draw_plan(5, {.nodes = 1, .devices = 6, .seconds = 30, .plan_class = PlanClass::Calm});
  plan.plan_class = plan_class;
  plan.knobs.drift_ppm = drift_ppm;
  plan.items.insert(plan.items.end(), items.begin(), items.end());
  std::stable_sort(plan.items.begin(), plan.items.end(), [](const Item& a, const Item& b) { return a.at < b.at; });
  Told told;
  options.trace = [&](Time, const std::string& line) { told.lines.push_back(line); };
  told.report = World(plan, std::move(options)).run();
  return told;
}

TEST(WorldDisks, a_full_disk_refuses_contents_and_takes_them_when_there_is_room) {
  const Told told = day_with({{.at = 5 * second, .kind = ItemKind::FullDisk, .length = 10 * second}});
  EXPECT_EQ(told.report.verdict.text(), "ok") << told.violation();
  EXPECT_EQ(told.report.crashes, 0U);
  EXPECT_EQ(told.count("pressure_changed"), 2) << "full, and not any more";
  EXPECT_GT(told.count("command_refused"), 0);
}

TEST(WorldDisks, a_store_that_falls_behind_refuses_contents_for_a_while) {
  const Told told = day_with({{.at = 5 * second, .kind = ItemKind::FullDisk, .object = 2, .length = 3 * second}});
  EXPECT_EQ(told.report.verdict.text(), "ok") << told.violation();
  EXPECT_EQ(told.count("pressure_changed"), 2);
  EXPECT_GT(told.count("command_refused"), 0);
}

TEST(WorldDisks, a_log_without_room_stops_the_node_which_comes_back_with_all_it_had_said) {
  const Told told = day_with({{.at = 5 * second, .kind = ItemKind::FullDisk, .object = 1, .length = 6 * second}});
  EXPECT_EQ(told.report.verdict.text(), "ok") << told.violation();
  EXPECT_EQ(told.count("stops: no room for its log"), 1);
  EXPECT_EQ(told.report.crashes, 1U);
}

TEST(WorldDisks, a_sync_that_fails_stops_the_node_at_once) {
  const Told told = day_with({{.at = 5 * second, .kind = ItemKind::SyncError, .length = 4 * second},
                              {.at = 15 * second, .kind = ItemKind::SyncError, .length = second}});
  EXPECT_EQ(told.report.verdict.text(), "ok") << told.violation();
  EXPECT_EQ(told.count("stops: its sync failed"), 2);
  EXPECT_EQ(told.report.crashes, 2U);
  const auto stop = std::find_if(told.lines.begin(), told.lines.end(), [](const std::string& line) {
    return line.find("stops: its sync failed") != std::string::npos;
  });
  ASSERT_NE(stop, told.lines.end());
  const auto next = std::find_if(stop, told.lines.end(), [](const std::string& line) {
    return line.find("node 0 <-") != std::string::npos || line.find("node 0 starts") != std::string::npos;
  });
  ASSERT_NE(next, told.lines.end());
  EXPECT_NE(next->find("node 0 starts"), std::string::npos) << "it went on: " << *next;
}

TEST(WorldDisks, a_slow_cpu_makes_the_same_day_another) {
  const Told slow = day_with({{.at = 2 * second, .kind = ItemKind::SlowCpu, .length = 20 * second, .size = 50}});
  EXPECT_EQ(slow.report.verdict.text(), "ok") << slow.violation();
  EXPECT_NE(slow.report.hash, day_with({}).report.hash);
}

TEST(WorldDisks, clocks_that_drift_or_stand_still_do_no_harm) {
  const Told told =
      day_with({{.at = 5 * second, .kind = ItemKind::FrozenClock, .length = 10 * second}}, PlanClass::Calm, {}, 50'000);
  EXPECT_EQ(told.report.verdict.text(), "ok") << told.violation();
  EXPECT_NE(told.report.hash, day_with({}).report.hash);
}

TEST(VirtualClock, stands_still_while_frozen_and_is_right_again) {
  VirtualNode node;
  const WallTime before = node.now(5 * second).wall;
  node.wall_frozen_ms = before.ms;
  node.wall_frozen_until = 9 * second;
  EXPECT_EQ(node.now(8 * second).wall, before);
  EXPECT_GT(node.now(8 * second).mono, node.now(5 * second).mono) << "the monotonic one does not";
  EXPECT_EQ(node.now(9 * second).wall.ms, before.ms + 4'000);
}

RC_GTEST_PROP(VirtualClockLaw, a_deadline_is_met_at_the_first_moment_that_shows_it, ()) {
  VirtualNode node;
  node.drift_ppm = *rc::gen::inRange<std::int64_t>(-50'000, 50'001);
  node.risen_at = *rc::gen::inRange<Time>(0, 1'000 * second);
  node.mono_offset = *rc::gen::inRange<Time>(-node.risen_at, 1'000'000 * second);
  const Time meant = node.risen_at + *rc::gen::inRange<Time>(0, 100'000 * second);
  const Time at = node.when(node.now(meant).mono);
  RC_ASSERT(at <= meant);
  RC_ASSERT(node.now(at).mono >= node.now(meant).mono);
  RC_ASSERT(node.now(at - 1).mono < node.now(meant).mono);
}

// ------------------------------------------------------------------------------------------------- beyond the promise

TEST(Beyond, a_damaged_record_is_named_and_its_node_accepts_nothing) {
  const Told told = day_with({{.at = 25 * second, .kind = ItemKind::Damage, .length = second}}, PlanClass::Beyond);
  EXPECT_EQ(told.report.verdict.text(), "ok") << told.violation();
  EXPECT_GT(told.count("does not start: DATA_LOSS, a record of its log is damaged"), 0);
}

TEST(Beyond, damage_that_is_taken_for_a_torn_tail_is_caught) {
  WorldOptions options;
  options.lie = Lie::TailTruncated;
  const Item damage{.at = 25 * second, .kind = ItemKind::Damage, .length = second};
  EXPECT_EQ(day_with({damage}, PlanClass::Beyond, options).report.verdict.text(), "violated I27");
  options.only = {1, 2, 3, 5};
  const Told told = day_with({damage}, PlanClass::Swarm, options);
  EXPECT_EQ(told.report.verdict.outcome, Outcome::Violated) << "nobody missed what was dropped";
}

TEST(Beyond, syncs_that_were_lost_are_named_by_the_guard) {
  const Told told =
      day_with({{.at = 20 * second, .kind = ItemKind::LostSyncs, .length = second, .size = 5'000}}, PlanClass::Beyond);
  EXPECT_EQ(told.report.verdict.text(), "ok") << told.violation();
  EXPECT_GT(told.count("does not start: DATA_LOSS, the log of shard"), 0);
}

// What one node cannot know, and why the class is not drawn by itself: plan_disks.cc.
TEST(Beyond, an_old_image_of_the_whole_disk_is_not_seen_by_a_node_that_stands_alone) {
  const Told told =
      day_with({{.at = 20 * second, .kind = ItemKind::LostSyncs, .object = 1, .length = second, .size = 5'000}},
               PlanClass::Beyond);
  EXPECT_EQ(told.report.verdict.text(), "violated I27") << told.violation();
}

TEST(SimGuard, knows_all_but_the_syncs_of_its_last_second) {
  SimGuard guard;
  guard.synced(10 * second, {{1, {1, 5}}});
  EXPECT_EQ(guard.missing({{1, {1, 5}}}), "");
  EXPECT_EQ(guard.missing({{1, {2, 3}}}), "") << "a new leader's log may be shorter";
  EXPECT_NE(guard.missing({{1, {1, 4}}}), "");
  EXPECT_NE(guard.missing({}), "");
  guard.synced(10 * second + 900 * millisecond, {{1, {1, 9}}});
  EXPECT_EQ(guard.missing({{1, {1, 5}}}), "") << "not written again yet";
  guard.pass(11 * second);
  EXPECT_NE(guard.missing({{1, {1, 5}}}), "");
}

}  // namespace
}  // namespace chasqui::sim
