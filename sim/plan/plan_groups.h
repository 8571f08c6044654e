// Groups in a plan: who creates one, who writes into it, and what becomes of it.
#pragma once

#include "sim/plan/plan.h"

namespace chasqui::sim {

// In a third of the plans, by dice of its own: all else stays as it was.
void draw_groups(Plan& plan);

}  // namespace chasqui::sim
