// What people do to their phones, each in a plan that is calm but for it: it really does what it says, all ends well,
// and it is judged.
#include <gtest/gtest.h>

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
  [[nodiscard]] std::size_t count(const std::string& part) const {
    return static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(), [&](const std::string& line) { return line.find(part) != std::string::npos; }));
  }
};

// A calm day of six devices with these items in it.
Told day_with(const std::vector<Item>& items, std::uint64_t seed = 5) {
  Plan plan = draw_plan(seed, {.nodes = 1, .devices = 6, .seconds = 20, .plan_class = PlanClass::Calm});
  plan.items.insert(plan.items.end(), items.begin(), items.end());
  std::stable_sort(plan.items.begin(), plan.items.end(), [](const Item& a, const Item& b) { return a.at < b.at; });
  Told told;
  WorldOptions options;
  options.trace = [&](Time, const std::string& line) { told.lines.push_back(line); };
  told.report = World(plan, options).run();
  return told;
}

void expect_ok(const Told& told) {
  EXPECT_EQ(told.report.verdict.text(), "ok")
      << (told.report.verdict.violations.empty() ? "" : told.report.verdict.violations.front().what);
}

std::uint64_t reached(const Told& told, const std::string& mark) {
  const auto it = told.report.marks.find(mark);
  return it == told.report.marks.end() ? 0 : it->second;
}

TEST(Phones, a_reinstalled_phone_logs_in_anew_and_is_told_everything_again) {
  const Told calm = day_with({});
  const Told told = day_with({{.at = 15 * second, .kind = ItemKind::Reinstall, .subject = 0, .length = second}});
  expect_ok(told);
  EXPECT_EQ(told.count("device 0 starts"), 2U);
  EXPECT_GT(told.report.delivered, calm.report.delivered + 5) << "all up to then was shown twice";
}

TEST(Phones, a_restored_phone_takes_its_old_numbers_for_other_messages_and_is_renewed) {
  const Told told = day_with({{.at = 5 * second, .kind = ItemKind::Backup, .subject = 0},
                              {.at = 14 * second, .kind = ItemKind::Restore, .subject = 0, .length = second}});
  expect_ok(told);
  EXPECT_EQ(told.count("device 0 starts"), 2U);
  EXPECT_GT(reached(told, "number_of_another"), 0U);
  EXPECT_GT(told.count("device_renewed"), 0U);
}

TEST(Phones, without_a_backup_nothing_is_restored) {
  const Told told = day_with({{.at = 14 * second, .kind = ItemKind::Restore, .subject = 0, .length = second}});
  expect_ok(told);
  EXPECT_EQ(told.report.hash, day_with({}).report.hash);
}

TEST(Phones, who_restores_twice_from_one_backup_has_a_token_that_is_no_more_and_logs_in_again) {
  const Told told = day_with({{.at = 5 * second, .kind = ItemKind::Backup, .subject = 0},
                              {.at = 9 * second, .kind = ItemKind::Restore, .subject = 0, .length = second},
                              {.at = 17 * second, .kind = ItemKind::Restore, .subject = 0, .length = second}});
  expect_ok(told);
  EXPECT_EQ(told.count("device 0 is sent away"), 1U);
  EXPECT_EQ(told.count("device 0 starts"), 4U);
}

TEST(Phones, what_waited_in_a_backup_may_stand_behind_what_a_new_life_sent) {
  // What is written without a network is in the backup; then the phone is another for a while.
  const Told told = day_with({{.at = 4 * second, .kind = ItemKind::Offline, .subject = 0, .length = 6 * second},
                              {.at = 9 * second, .kind = ItemKind::Backup, .subject = 0},
                              {.at = 9 * second + 1, .kind = ItemKind::Reinstall, .subject = 0, .length = millisecond},
                              {.at = 16 * second, .kind = ItemKind::Restore, .subject = 0, .length = millisecond}});
  expect_ok(told);
}

TEST(Phones, who_roams_has_two_sessions_for_a_while_and_what_was_sent_twice_is_taken_once) {
  std::vector<Item> items;
  for (int i = 0; i < 60; ++i) {
    items.push_back({.at = 2 * second + i * 297 * millisecond,
                     .kind = ItemKind::Roam,
                     .subject = static_cast<std::uint32_t>(i % 6),
                     .length = (1 + i % 7) * 50 * millisecond});
  }
  const Told told = day_with(items);
  expect_ok(told);
  EXPECT_GT(reached(told, "session_replaced"), 10U);
  EXPECT_GT(told.count("go_away"), 0U);
  EXPECT_EQ(told.count("is sent away"), 0U) << "the old session is sent away, not the device";
}

TEST(Phones, what_would_begin_once_all_has_healed_does_not) {
  const Told told = day_with({{.at = 20 * second + 1, .kind = ItemKind::Offline, .subject = 0, .length = 6 * second},
                              {.at = 20 * second + 1, .kind = ItemKind::Send, .subject = 0, .size = 1},
                              {.at = 20 * second + 1, .kind = ItemKind::Restore, .subject = 1, .length = second}});
  expect_ok(told);
  EXPECT_EQ(told.report.sent, day_with({}).report.sent);
}

TEST(Phones, a_twin_and_its_first_send_each_other_away_until_one_is_left) {
  for (const std::uint64_t whose : {0U, 1U}) {
    const Told told =
        day_with({{.at = 8 * second, .kind = ItemKind::Twin, .subject = 0, .length = 8 * second, .size = whose}});
    expect_ok(told);
    EXPECT_EQ(told.count("device 6 starts, life 1"), 1U);
    EXPECT_GT(told.count("device 0 is sent away"), 0U);
    EXPECT_EQ(told.count(whose == 0 ? "device 6 is thrown away" : "device 0 is thrown away"), 1U);
  }
}

}  // namespace
}  // namespace chasqui::sim
