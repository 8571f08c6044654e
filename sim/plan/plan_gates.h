// Who blocks, accepts and is no more blocked, and who lets himself be added to groups by whom.
#pragma once

#include "sim/plan/plan.h"

namespace chasqui::sim {

void draw_gates(Plan& plan);

}  // namespace chasqui::sim
