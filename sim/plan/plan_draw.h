// A seed becomes a plan.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/plan/plan.h"

namespace chasqui::sim {

// What the caller fixes; the rest is drawn. Fixing one leaves the draws of the others as they are.
struct PlanOverrides {
  std::optional<std::uint32_t> nodes = {};       // at least 1; more are one cluster, unless they are unconnected
  std::optional<std::uint32_t> nodes_most = {};  // drawn from `nodes` up to this
  bool unconnected = false;
  std::optional<std::uint32_t> devices = {};  // at least 2 for each node
  std::optional<std::uint32_t> seconds = {};  // at least 1
  std::optional<PlanClass> plan_class = {};
  bool points_off = false;  // nothing rare is made to happen, no fault is aimed at a mark
};

[[nodiscard]] Plan draw_plan(std::uint64_t seed, const PlanOverrides& overrides);

}  // namespace chasqui::sim
