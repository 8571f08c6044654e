// The causal slice: what led to a violation, and nothing else.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/explain/causes.h"
#include "sim/explain/why.h"
#include "sim/plan/plan_draw.h"

namespace chasqui::sim {
namespace {

Event event(std::uint64_t number, std::uint64_t cause) {
  Event event;
  event.number = number;
  event.cause = cause;
  return event;
}

TEST(Causes, a_slice_goes_back_by_what_was_carried_out) {
  Causes causes;
  causes.event(event(1, 0));
  causes.event(event(2, 0));
  causes.event(event(5, 1));
  causes.event(event(3, 2));
  causes.event(event(9, 5));
  causes.event(event(7, 9));
  causes.also(3);  // what it carries out came with 3 and with 5; that 9 was before it is no cause
  causes.also(5);
  EXPECT_EQ(causes.slice(9, 100), (std::vector<std::uint64_t>{1, 5, 9}));
  EXPECT_EQ(causes.slice(7, 100), (std::vector<std::uint64_t>{1, 2, 5, 3, 7})) << "in the order in which they happened";
  EXPECT_EQ(causes.slice(7, 3), (std::vector<std::uint64_t>{5, 3, 7})) << "the nearest";
}

TEST(Causes, an_event_that_was_pushed_and_has_not_happened_leads_nowhere) {
  Causes causes;
  causes.event(event(4, 2));
  EXPECT_EQ(causes.slice(4, 10), (std::vector<std::uint64_t>{4}));
  EXPECT_TRUE(causes.slice(2, 10).empty());
}

TEST(Why, names_are_those_of_the_trace) {
  const std::vector<std::string> conversation = {"aaaaaaaa..bbbbbbbb"};
  EXPECT_EQ(names_in("device 3 was shown 00000000aaaaaaaa00000000bbbbbbbb seq 4: why"), conversation);
  EXPECT_EQ(names_in("node 0 has not answered request 9 of session 17"), (std::vector<std::string>{"session=17"}));
  EXPECT_EQ(names_in("device 12: it is late"), (std::vector<std::string>{"device 12"}));
  EXPECT_TRUE(names_in("it took 5000 ms").empty());
  EXPECT_TRUE(speaks_of("node 0 <- frame session=1 [ping]", {"session=1"}));
  EXPECT_FALSE(speaks_of("node 0 <- frame session=17 [ping]", {"session=1"}));
}

TEST(Why, a_violation_is_told_in_some_dozens_of_lines) {
  const PlanOverrides small{.nodes = 1, .devices = 6, .seconds = 20, .plan_class = PlanClass::Swarm};
  WorldOptions options;
  options.lie = Lie::AlterPush;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Plan plan = draw_plan(seed, small);
    const Report report = World(plan, options).run();
    if (report.verdict.outcome != Outcome::Violated) continue;
    const std::string text = explain(plan, options);
    EXPECT_EQ(text.find(report.verdict.text()), 0U) << text;
    EXPECT_NE(text.find(report.verdict.violations.front().what), std::string::npos);
    const auto lines = std::count(text.begin(), text.end(), '\n');
    EXPECT_GT(lines, 10) << text;
    EXPECT_LT(lines, 200) << text;
    // The lie is in a push, which came as a frame to a device, and went out because somebody had written it.
    const std::size_t came = text.rfind(" gets #0 push ");
    ASSERT_NE(came, std::string::npos) << text;
    const std::size_t push = text.rfind("frame_down", came);
    ASSERT_NE(push, std::string::npos) << text;
    EXPECT_LT(text.find(" says "), push) << text;
    return;
  }
  FAIL() << "60 seeds, and nobody noticed";
}

TEST(Why, a_run_that_passes_needs_no_explanation) {
  const Plan plan = draw_plan(1, {.devices = 4, .seconds = 10, .plan_class = PlanClass::Calm});
  EXPECT_EQ(explain(plan, {}).find("nothing to explain"), 0U);
}

}  // namespace
}  // namespace chasqui::sim
