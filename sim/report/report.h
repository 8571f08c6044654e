// What a run has shown, for people and for programs.
#pragma once

#include <cstdint>
#include <string>

#include "sim/plan/plan.h"
#include "sim/world.h"

namespace chasqui::sim {

// `wall_ns`: how long it took. `replay`: the command that runs it again.
[[nodiscard]] std::string report_text(const Plan& plan, const Report& report, std::uint64_t wall_ns,
                                      const std::string& replay);
[[nodiscard]] std::string report_json(const Plan& plan, const Report& report, std::uint64_t wall_ns,
                                      const std::string& replay);

}  // namespace chasqui::sim
