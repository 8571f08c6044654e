// Bugs that can be switched on in the simulator's core, and the invariants that must notice (SIMULATION.md section 4).
//
// An invariant that no canary trips is not trusted. A canary is one CHASQUI_CANARY("name") in the core, which chasquid
// does not hold. The numbers are those of SIMULATION.md's table; what is not here has no subject yet.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace chasqui::sim {

struct Canary {
  int number = 0;
  std::string_view name;
  std::string_view meaning;
  std::array<int, 4> trips{};  // any of these invariants, with all others off; 0: no more
  std::string_view plans;      // "cluster": it shows where there are 3 to 5 nodes; empty: anywhere
  bool rare = false;           // takes minutes to be found, or was not found yet: not among those of a commit
};

[[nodiscard]] std::span<const Canary> canaries();
// None: there is no such canary.
[[nodiscard]] const Canary* canary_named(std::string_view name);

}  // namespace chasqui::sim
