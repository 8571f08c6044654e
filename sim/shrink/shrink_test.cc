// A failing plan becomes a short one that fails alike; every single step keeps a plan that can be read and run.
#include "sim/shrink/shrink.h"

#include <gtest/gtest.h>

#include "sim/plan/plan_draw.h"
#include "sim/plan/plan_text.h"
#include "sim/shrink/smaller.h"

namespace chasqui::sim {
namespace {

// One after the other, in this process.
class TrialsHere : public Trials {
 public:
  TrialsHere(WorldOptions options, std::uint64_t runs_max) : options_(std::move(options)), runs_max_(runs_max) {}

  std::optional<Found> first(const Failure& wanted, std::size_t from, std::size_t count, const Make& make) override {
    for (std::size_t n = from; n < count && !used_up(); ++n) {
      auto plan = make(n);
      if (!plan || !parse_plan(print_plan(*plan)).ok()) continue;
      ++runs_;
      Failure failure = failure_of(World(*plan, options_).run());
      if (failure.same_as(wanted)) return Found{n, *std::move(plan), std::move(failure)};
    }
    return std::nullopt;
  }
  bool used_up() const override { return runs_ >= runs_max_; }

 private:
  WorldOptions options_;
  std::uint64_t runs_max_;
  std::uint64_t runs_ = 0;
};

Shrunk shrink_first_failure(Lie lie, std::size_t& items_before) {
  WorldOptions options;
  options.lie = lie;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Plan plan = draw_plan(seed, {.nodes = 1, .devices = 6, .seconds = 20, .plan_class = PlanClass::Swarm});
    Failure failure = failure_of(World(plan, options).run());
    if (failure.outcome != Outcome::Violated) continue;
    items_before = plan.items.size();
    TrialsHere trials(options, 600);
    Shrunk shrunk = shrink(plan, failure, trials);
    EXPECT_EQ(shrunk.failure.invariant, failure.invariant);
    return shrunk;
  }
  ADD_FAILURE() << "60 seeds, and none fails";
  return {};
}

TEST(Shrink, a_lying_disk_is_shown_by_a_few_items) {
  std::size_t before = 0;
  const Shrunk shrunk = shrink_first_failure(Lie::LoseAckedLog, before);
  EXPECT_GT(before, 50U);
  EXPECT_LE(shrunk.plan.items.size(), 12U) << print_plan(shrunk.plan);
  EXPECT_LE(shrunk.plan.owners.size(), 4U);
  // What is written to a file fails as it did here.
  const auto read_again = parse_plan(print_plan(shrunk.plan));
  ASSERT_TRUE(read_again.ok()) << read_again.status();
  WorldOptions options;
  options.lie = Lie::LoseAckedLog;
  const Failure again = failure_of(World(*read_again, options).run());
  EXPECT_TRUE(again.same_as(shrunk.failure)) << again.text() << ": " << again.what;
  const Failure honest = failure_of(World(*read_again, {}).run());
  EXPECT_FALSE(honest.is_failure()) << honest.text() << ": " << honest.what;
}

TEST(Shrink, a_forgetting_phone_is_shown_by_a_few_items) {
  std::size_t before = 0;
  const Shrunk shrunk = shrink_first_failure(Lie::PhoneForgets, before);
  EXPECT_LE(shrunk.plan.items.size(), 12U) << print_plan(shrunk.plan);
}

TEST(Shrink, without_runs_left_the_plan_stays_as_it_was) {
  const Plan plan = draw_plan(3, {.devices = 4, .seconds = 10});
  TrialsHere trials({}, 0);
  const Shrunk shrunk = shrink(plan, {Outcome::Violated, 1, second, "as told"}, trials);
  EXPECT_EQ(print_plan(shrunk.plan), print_plan(plan));
}

TEST(Smaller, every_step_keeps_a_plan_that_can_be_read) {
  const auto expect_valid = [](const std::optional<Plan>& plan, const std::string& step) {
    if (!plan) return 0;
    const auto parsed = parse_plan(print_plan(*plan));
    EXPECT_TRUE(parsed.ok()) << step << ": " << parsed.status();
    return 1;
  };
  int taken = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Plan plan = draw_plan(seed, {.seconds = 20});
    for (std::uint32_t device = 0; device < plan.owners.size(); ++device) {
      taken += expect_valid(without_device(plan, device), "without_device");
      taken += expect_valid(without_sends_of(plan, device), "without_sends_of");
    }
    for (std::size_t step = 0; step < plain_steps(); ++step) taken += expect_valid(with_plain(plan, step), "plain");
    taken += expect_valid(without_items(plan, 3, 10), "without_items");
    taken += expect_valid(cut_after(plan, 5 * second), "cut_after");
    taken += expect_valid(with_seconds(plan, 10), "with_seconds");
    taken += expect_valid(with_nodes(plan, 1), "with_nodes");
    taken += expect_valid(with_shards(plan, 1), "with_shards");
    taken += expect_valid(with_needed_contacts(plan), "with_needed_contacts");
    taken += expect_valid(rounded(plan, all_items, second), "rounded");
    taken += expect_valid(with_least(plan, all_items, true, true), "with_least");
  }
  EXPECT_GT(taken, 500);
}

TEST(Smaller, messages_go_where_they_went_when_contacts_are_fewer) {
  const auto recipients = [](const Plan& plan) {
    std::vector<std::uint32_t> list;
    for (const Item& item : plan.items) {
      if (item.kind != ItemKind::Send) continue;
      const auto& contacts = plan.contacts[plan.owners[item.subject]];
      list.push_back(contacts[item.object % contacts.size()]);
    }
    return list;
  };
  const Plan plan = draw_plan(8, {.devices = 20, .seconds = 3});
  const auto fewer = with_needed_contacts(plan);
  ASSERT_TRUE(fewer.has_value());
  EXPECT_EQ(recipients(*fewer), recipients(plan));
}

TEST(Smaller, the_list_of_items_says_whose_they_are) {
  EXPECT_TRUE(subject_is_node(ItemKind::Crash));
  EXPECT_TRUE(subject_is_node(ItemKind::BreakAll));
  EXPECT_FALSE(subject_is_node(ItemKind::Send));
  EXPECT_FALSE(subject_is_node(ItemKind::PhoneCrash));
}

}  // namespace
}  // namespace chasqui::sim
