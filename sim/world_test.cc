// The whole: the production core in the world, judged.
#include "sim/world.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/plan/plan_draw.h"

namespace chasqui::sim {
namespace {

Report run(std::uint64_t seed, const PlanOverrides& overrides, WorldOptions options = {}) {
  return World(draw_plan(seed, overrides), std::move(options)).run();
}

std::string first_violation(const Report& report) {
  return report.verdict.violations.empty() ? "" : report.verdict.violations.front().what;
}

TEST(World, a_calm_day_is_perfect) {
  const Report report = run(1, {.devices = 6, .seconds = 20, .plan_class = PlanClass::Calm});
  EXPECT_EQ(report.verdict.text(), "ok") << first_violation(report);
  EXPECT_GE(report.accepted, 20U);
  EXPECT_GT(report.delivered, report.accepted) << "everyone sees it, the sender too";
  EXPECT_EQ(report.crashes, 0U);
}

TEST(World, the_same_seed_gives_the_same_bytes) {
  for (const std::uint64_t seed : {2U, 3U}) {
    const PlanOverrides small{.devices = 6, .seconds = 20, .plan_class = PlanClass::Swarm};
    const Report one = run(seed, small);
    const Report two = run(seed, small);
    EXPECT_EQ(one.hash, two.hash);
    EXPECT_EQ(one.checkpoints, two.checkpoints);
    EXPECT_EQ(one.events, two.events);
  }
  EXPECT_NE(run(2, {.devices = 6, .seconds = 20}).hash, run(3, {.devices = 6, .seconds = 20}).hash);
}

TEST(World, being_watched_changes_nothing) {
  const PlanOverrides small{.devices = 4, .seconds = 10, .plan_class = PlanClass::Swarm};
  std::uint64_t lines = 0;
  WorldOptions watched;
  watched.trace = [&](Time, const std::string&) { ++lines; };
  EXPECT_EQ(run(4, small, watched).hash, run(4, small).hash);
  EXPECT_GT(lines, 100U);
}

TEST(World, kill_9_in_the_middle_loses_nothing) {
  Plan plan = draw_plan(5, {.nodes = 1, .devices = 6, .seconds = 20, .plan_class = PlanClass::Calm});
  for (int i = 1; i <= 6; ++i) {
    Item crash{.at = i * 3 * second + 1234567, .kind = ItemKind::Crash, .length = 300 * millisecond};
    plan.items.insert(std::upper_bound(plan.items.begin(), plan.items.end(), crash,
                                       [](const Item& a, const Item& b) { return a.at < b.at; }),
                      crash);
  }
  const Report report = World(plan, {}).run();
  EXPECT_EQ(report.verdict.text(), "ok") << first_violation(report);
  EXPECT_EQ(report.crashes, 6U);
}

// Every trick once a second, and nobody else's fault: honest people see nothing of it but delays.
TEST(World, hostile_people_hurt_nobody) {
  // A seed whose plan leaves rates as they are, so that somebody runs into them.
  Plan plan = draw_plan(8, {.nodes = 1, .devices = 6, .seconds = 20, .plan_class = PlanClass::Calm});
  plan.knobs.hostile = 3;
  std::erase_if(plan.items, [](const Item& item) { return item.kind != ItemKind::Send; });  // all of it is accepted
  Time at = 2 * second;
  for (std::uint32_t round = 0; round < 3; ++round) {
#define CHASQUI_SIM_TRICK(name, word, meaning) \
  plan.items.push_back(                        \
      {.at = at += 300 * millisecond, .kind = ItemKind::name, .subject = round, .length = 2 * second, .size = 20});
    CHASQUI_SIM_TRICKS(CHASQUI_SIM_TRICK)
#undef CHASQUI_SIM_TRICK
  }
  std::stable_sort(plan.items.begin(), plan.items.end(), [](const Item& a, const Item& b) { return a.at < b.at; });
  const Report report = World(plan, {}).run();
  EXPECT_EQ(report.verdict.text(), "ok") << first_violation(report);
  EXPECT_EQ(report.accepted, report.sent);
  EXPECT_GT(report.marks.at("rate_refused"), 0U);
}

TEST(World, who_rests_exchanges_pings_only) {
  Plan plan = draw_plan(1, {.devices = 6, .seconds = 20, .plan_class = PlanClass::Calm});
  plan.knobs.quiet_s = 0;
  const auto traffic_checks = [](const Report& report) {
    return std::find_if(report.checks.begin(), report.checks.end(), [](const auto& c) { return c.number == 25; })
        ->count;
  };
  const Report brief = World(plan, {}).run();
  plan.knobs.quiet_s = 70;
  const Report report = World(plan, {}).run();
  EXPECT_EQ(report.verdict.text(), "ok") << first_violation(report);
  EXPECT_GE(traffic_checks(report), traffic_checks(brief) + 2 * 6 * 2) << "two pings of each device, and their answers";
}

TEST(World, messages_split_and_glued_are_the_same_messages) {
  Plan plan = draw_plan(1, {.devices = 6, .seconds = 20, .plan_class = PlanClass::Calm});
  plan.knobs.codec = 1;
  const Report report = World(plan, {}).run();
  EXPECT_EQ(report.verdict.text(), "ok") << first_violation(report);
  EXPECT_GE(report.accepted, 20U);
}

// A judge that never rejects is worth nothing: each lie of the world is found by one of those invariants, on seeds that
// an honest world passes.
void expect_caught(Lie lie, std::vector<int> by) {
  const PlanOverrides small{.nodes = 1, .devices = 6, .seconds = 20, .plan_class = PlanClass::Swarm};
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    WorldOptions options;
    options.lie = lie;
    const Report report = run(seed, small, options);
    if (report.verdict.outcome != Outcome::Violated) continue;
    const int found = report.verdict.violations.front().number;
    EXPECT_NE(std::find(by.begin(), by.end(), found), by.end()) << "I" << found << ": " << first_violation(report);
    const Report honest = run(seed, small);
    EXPECT_EQ(honest.verdict.text(), "ok") << "seed " << seed << ": " << first_violation(honest);
    return;
  }
  FAIL() << "60 seeds, and nobody noticed";
}

TEST(Lie, a_disk_that_forgets_what_it_acknowledged_is_caught) {
  expect_caught(Lie::LoseAckedLog, {1, 2, 3, 4, 5, 7, 12, 16});
}
TEST(Lie, a_disk_that_acknowledges_too_early_is_caught) {
  expect_caught(Lie::EarlyAck, {1, 2, 3, 4, 5, 7, 12, 16, 18, 23, 28});
}
TEST(Lie, a_push_that_says_something_else_is_caught) {
  expect_caught(Lie::AlterPush, {1, 3});
}
TEST(Lie, an_answer_that_names_another_seq_is_caught) {
  expect_caught(Lie::AlterAnswer, {1, 16});
}
TEST(Lie, a_journal_that_forgets_is_caught) {
  expect_caught(Lie::PhoneForgets, {1, 2, 4});
}
TEST(Lie, an_event_shown_twice_is_caught) {
  expect_caught(Lie::DoubleSight, {2});
}

}  // namespace
}  // namespace chasqui::sim
