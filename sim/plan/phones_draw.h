// The family "phones": people reinstall, restore, copy and carry their phones about. Drawn apart from the other
// families (plan_draw.cc), so that their draws are as they were before it.
#pragma once

#include "sim/plan/plan.h"

namespace chasqui::sim {

// Whether this is the one family of a plan of class single.
[[nodiscard]] bool phones_alone(const Plan& plan);

// Adds the items of the family if it is on.
void draw_phones(Plan& plan);

}  // namespace chasqui::sim
