// What a hostile client says: the messages of one volley of a trick (CHASQUI_SIM_TRICKS in plan/plan.h).
#pragma once

#include <string>
#include <vector>

#include "sim/hostile/hostile.h"

namespace chasqui::sim {

// It must have said Hello, and been answered, before a volley of this.
[[nodiscard]] bool logs_in(ItemKind trick);
[[nodiscard]] std::string hello_bytes(Scene& scene);
[[nodiscard]] std::vector<std::string> volley(const HostileSession& session, Scene& scene, Dice& dice);

}  // namespace chasqui::sim
