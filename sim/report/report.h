// What a run has shown, for people and for programs.
#pragma once

#include <cstdint>
#include <string>

#include "sim/history_file/judge_history.h"
#include "sim/plan/plan.h"
#include "sim/world.h"

namespace chasqui::sim {

// `wall_ns`: how long it took. `replay`: the command that runs it again.
[[nodiscard]] std::string report_text(const Plan& plan, const Report& report, std::uint64_t wall_ns,
                                      const std::string& replay);
[[nodiscard]] std::string report_json(const Plan& plan, const Report& report, std::uint64_t wall_ns,
                                      const std::string& replay);

// Of a history that was judged.
[[nodiscard]] std::string history_text(const std::string& path, const HistoryVerdict& history);

}  // namespace chasqui::sim
