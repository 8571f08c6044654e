// Bugs that can be switched on in the simulator's core, and the invariants that must notice (SIMULATION.md section 4).
//
// An invariant that no canary trips is not trusted. A canary is one CHASQUI_CANARY("name") in the core, which chasquid
// does not hold. The numbers are those of SIMULATION.md's table; what is not here has no subject yet.
#pragma once

#include <string_view>
#include <vector>

namespace chasqui::sim {

struct Canary {
  int number = 0;
  std::string_view name;
  std::string_view meaning;
  std::vector<int> trips;  // any of these invariants, with all others off
  std::string_view plans;  // the class of plans in which it shows; empty: any
};

[[nodiscard]] const std::vector<Canary>& canaries();
// None: there is no such canary.
[[nodiscard]] const Canary* canary_named(std::string_view name);

}  // namespace chasqui::sim
