// A regression: a short plan that once failed, its story, and what it must still reach.
//
// Code moves, and an old plan goes blind without a word. So it names what shows that it still gets there: marks of the
// core (CHASQUI_MARK), and what the run itself counts: accepted, delivered, crashes, breaks. The plan follows, as
// plan_text.h says:
//
//   story A phone that ... was told that ...
//   invariant I2
//   must_reach cursor_resent crashes=2 accepted=3
//   chasqui-sim plan 1
//   ...
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/plan/plan.h"
#include "sim/world.h"

namespace chasqui::sim {

struct Regression {
  std::string story;
  int invariant = 0;  // that failed before the fix; 0: it crashed or got stuck
  std::vector<std::pair<std::string, std::uint64_t>> must_reach;  // at least so often
  Plan plan;
};

// InvalidArgument: a line cannot be read, or the story or what it must reach is missing.
[[nodiscard]] absl::StatusOr<Regression> parse_regression(std::string_view text);

// The plan of a regression, or a plain plan.
[[nodiscard]] absl::StatusOr<Plan> parse_any_plan(std::string_view text);

// Empty: it passes. A short plan may be vacuous: what it must reach stands for what it shows.
[[nodiscard]] std::string failing(const Regression& regression, const Report& report);

}  // namespace chasqui::sim
