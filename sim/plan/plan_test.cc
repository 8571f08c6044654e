#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "sim/plan/plan_draw.h"
#include "sim/plan/plan_text.h"

namespace chasqui::sim {
namespace {

TEST(Plan, text_says_all_of_it) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const Plan plan = draw_plan(seed, {});
    const std::string printed = print_plan(plan);
    const auto parsed = parse_plan(printed);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(print_plan(*parsed), printed);
    EXPECT_EQ(parsed->items, plan.items);
    EXPECT_EQ(parsed->owners, plan.owners);
    EXPECT_EQ(parsed->contacts, plan.contacts);
    EXPECT_EQ(parsed->knobs, plan.knobs);
  }
}

TEST(Plan, a_bad_line_is_named) {
  const auto parsed = parse_plan("chasqui-sim plan 1\nseed 7\nitem 5 explode subject=0 object=0 length=0 size=0\n");
  ASSERT_FALSE(parsed.ok());
  EXPECT_NE(parsed.status().message().find("line 3"), absl::string_view::npos) << parsed.status();
  EXPECT_FALSE(parse_plan("").ok());
}

TEST(Plan, calm_has_no_faults_and_single_only_one_family) {
  std::map<PlanClass, int> seen;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Plan plan = draw_plan(seed, {.seconds = 60});
    ++seen[plan.plan_class];
    ASSERT_GE(plan.owners.size(), 2U);
    if (plan.plan_class == PlanClass::Single) {
      EXPECT_LE(plan.owners.size(), std::max(10U, 2 * plan.nodes)) << "two for each node of a cluster";
    }
    if (plan.plan_class != PlanClass::Calm) continue;
    EXPECT_TRUE(std::all_of(plan.items.begin(), plan.items.end(), [](const Item& item) {
      return item.kind == ItemKind::Send || item.kind == ItemKind::Audit || item.kind == ItemKind::Group ||
             item.kind == ItemKind::GroupTalk || item.kind == ItemKind::GroupChange || item.kind == ItemKind::Gate;
    }));
  }
  EXPECT_NEAR(seen[PlanClass::Calm], 30, 20);
  EXPECT_NEAR(seen[PlanClass::Single], 60, 25);
  EXPECT_NEAR(seen[PlanClass::Swarm], 210, 35);
}

TEST(Plan, every_kind_of_item_is_drawn_sooner_or_later) {
  std::map<ItemKind, int> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (const Item& item : draw_plan(seed, {}).items) ++seen[item.kind];
    for (const Item& item : draw_plan(seed, {.plan_class = PlanClass::Beyond}).items) ++seen[item.kind];
    for (const Item& item : draw_plan(seed, {.nodes = 3}).items) ++seen[item.kind];
  }
#define CHASQUI_SIM_ITEM(name, word, meaning) EXPECT_GT(seen[ItemKind::name], 0) << word;
  CHASQUI_SIM_ITEMS(CHASQUI_SIM_ITEM)
#undef CHASQUI_SIM_ITEM
}

TEST(Plan, few_clusters_run_for_an_hour_most_of_which_a_shard_has_no_quorum) {
  int long_runs = 0;
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    const Plan plan = draw_plan(seed, {.nodes = 3});
    if (plan.seconds < 3'600) continue;
    ++long_runs;
    EXPECT_LE(plan.owners.size(), 10U);
    EXPECT_TRUE(std::any_of(plan.items.begin(), plan.items.end(), [](const Item& item) {
      return item.kind == ItemKind::NoQuorum && item.length > 3'000 * second;
    }));
  }
  EXPECT_GE(long_runs, 1);
  EXPECT_LE(long_runs, 60);
  EXPECT_EQ(draw_plan(0, {.nodes = 3, .seconds = 60}).seconds, 60U);
}

TEST(Plan, there_is_always_enough_to_say) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Plan plan = draw_plan(seed, {.seconds = 30});
    const auto sends = std::count_if(plan.items.begin(), plan.items.end(),
                                     [](const Item& item) { return item.kind == ItemKind::Send; });
    EXPECT_GE(sends, 20) << "seed " << seed;
  }
}

}  // namespace
}  // namespace chasqui::sim
