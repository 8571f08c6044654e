// What is drawn for nodes' disks, CPUs and clocks beside the families of plan_draw.cc: errors, slowness, drift, lies.
#pragma once

#include "sim/plan/plan.h"

namespace chasqui::sim {

// Nothing in calm plans. In swarm each family with p = 1/2; in single one of them takes the drawn family's place in 3
// of 11 plans, as if all had been drawn from at once.
void draw_disks_and_clocks(Plan& plan);

}  // namespace chasqui::sim
