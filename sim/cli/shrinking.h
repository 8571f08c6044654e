// chasqui-sim shrink.
#pragma once

#include "sim/cli/options.h"

namespace chasqui::sim {

// 0: it fails, and the smaller plan is written; 1: it does not fail; 3: it could not be run.
[[nodiscard]] int run_shrink(const Options& options, Plan plan);

}  // namespace chasqui::sim
