// Hostile people in a plan: who they are, what they do when, and the limits that they meet.
#pragma once

#include "sim/plan/plan.h"

namespace chasqui::sim {

// Nothing in plans that are calm or have one family of faults; a little in half of those of the class swarm.
void draw_hostile(Plan& plan);

}  // namespace chasqui::sim
