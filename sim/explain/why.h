// Why a run failed: the events that led to its violation, some dozens of lines and not the log.
//
// The plan is run twice: once to learn which event came from which, once for the text of those that count. These are
// the backward slice from the violation; the last events that speak of what the violation names (its conversation, or
// else its device or session), since what is wrong was often written long before it was seen; and the last faults.
#pragma once

#include <string>
#include <vector>

#include "sim/plan/plan.h"
#include "sim/world.h"

namespace chasqui::sim {

// For people. Says so if the run does not fail. `options`: as the run was; its trace and recorders are replaced.
[[nodiscard]] std::string explain(const Plan& plan, WorldOptions options);

// What a sentence of a judge names, as traces write it: conversations ("19b7c0de..29b7c0de"), else sessions, else
// devices.
[[nodiscard]] std::vector<std::string> names_in(const std::string& what);
// Does a line of the trace speak of one of them?
[[nodiscard]] bool speaks_of(const std::string& line, const std::vector<std::string>& names);

}  // namespace chasqui::sim
