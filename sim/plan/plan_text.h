// A plan as text: one line for each thing, a word and its numbers. What a regression is kept as.
//
//   chasqui-sim plan 1
//   seed 7
//   class swarm
//   ...
//   item 1200000000 crash subject=0 object=0 length=3000000000 size=0
//
// Only knobs and limits that differ from their defaults are written. parse_plan(print_plan(p)) is p.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "sim/plan/plan.h"

namespace chasqui::sim {

[[nodiscard]] std::string print_plan(const Plan& plan);

// InvalidArgument names the line. Subjects and objects are checked, so that what is parsed can be run.
[[nodiscard]] absl::StatusOr<Plan> parse_plan(std::string_view text);

}  // namespace chasqui::sim
