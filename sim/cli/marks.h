// `chasqui-sim marks`: per rare branch of the core, how many seeds reached it, how often, and which was the first.
#pragma once

#include "sim/cli/options.h"

namespace chasqui::sim {

// 0: each was reached; 1: one was not; 3: it could not be run.
[[nodiscard]] int run_marks(const Options& options);

}  // namespace chasqui::sim
