// What is drawn for clusters of several nodes: how many, how they are wired, and how that wiring fails.
#pragma once

#include "sim/plan/plan.h"
#include "sim/plan/plan_draw.h"

namespace chasqui::sim {

// Before people are drawn. Its draws are of a concern of their own: a seed that is no cluster stays as it was.
void draw_cluster_size(Plan& plan, const PlanOverrides& overrides);
// Is it one of the few that go on for long_run_seconds, most of which one shard has no quorum?
[[nodiscard]] bool draw_long_run(const Plan& plan, const PlanOverrides& overrides);
constexpr std::uint32_t long_run_seconds = 3'600;
// After all other families.
void draw_cluster_faults(Plan& plan, const PlanOverrides& overrides);

}  // namespace chasqui::sim
