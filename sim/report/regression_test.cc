#include "sim/report/regression.h"

#include <gtest/gtest.h>

#include "sim/plan/plan_draw.h"
#include "sim/plan/plan_text.h"

namespace chasqui::sim {
namespace {

std::string file(const std::string& must_reach) {
  return "# A comment.\nstory A node that was killed\nstory forgot.\ninvariant I1\nmust_reach " + must_reach + "\n" +
         print_plan(draw_plan(3, {.devices = 4, .seconds = 5}));
}

TEST(Regression, a_file_is_a_story_what_it_must_reach_and_a_plan) {
  const auto regression = parse_regression(file("cursor_resent crashes=2"));
  ASSERT_TRUE(regression.ok()) << regression.status();
  EXPECT_EQ(regression->story, "A node that was killed forgot.");
  EXPECT_EQ(regression->invariant, 1);
  ASSERT_EQ(regression->must_reach.size(), 2U);
  EXPECT_EQ(regression->must_reach[1], (std::pair<std::string, std::uint64_t>{"crashes", 2}));
  EXPECT_EQ(print_plan(regression->plan), print_plan(draw_plan(3, {.devices = 4, .seconds = 5})));
  EXPECT_TRUE(parse_any_plan(file("crashes")).ok()) << "replay takes it too";
}

TEST(Regression, what_says_nothing_about_itself_is_refused) {
  EXPECT_FALSE(parse_regression(print_plan(draw_plan(3, {}))).ok());
  EXPECT_FALSE(parse_regression(file("crashes=none")).ok());
  EXPECT_FALSE(parse_regression(file("crashes=0")).ok());
  const auto bad_line = parse_regression("story A\nmust_reach b\nnonsense\n");
  ASSERT_FALSE(bad_line.ok());
  EXPECT_NE(bad_line.status().message().find("line 3"), absl::string_view::npos) << bad_line.status();
}

TEST(Regression, a_run_that_fails_or_does_not_get_there_fails_it) {
  const auto regression = parse_regression(file("cursor_resent crashes=2"));
  ASSERT_TRUE(regression.ok());
  Report report;
  report.crashes = 2;
  report.marks["cursor_resent"] = 1;
  EXPECT_EQ(failing(*regression, report), "");
  report.verdict.outcome = Outcome::Vacuous;
  EXPECT_EQ(failing(*regression, report), "") << "a short plan is one";
  report.crashes = 1;
  EXPECT_NE(failing(*regression, report).find("gone blind: crashes"), std::string::npos);
  report.crashes = 2;
  report.marks.clear();
  EXPECT_NE(failing(*regression, report).find("cursor_resent"), std::string::npos);
  report.marks["cursor_resent"] = 1;
  report.verdict = {Outcome::Violated, {{1, 5, "lost"}}};
  EXPECT_EQ(failing(*regression, report), "violated I1: lost");
}

}  // namespace
}  // namespace chasqui::sim
