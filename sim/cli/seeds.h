// Many seeds, each in a process of its own: a crash takes one seed only, and nothing outlives a seed.
#pragma once

#include "sim/cli/options.h"

namespace chasqui::sim {

// Prints a line for each seed that does not pass, and a summary. 0: all passed; 1: some did not; 3: none was run.
[[nodiscard]] int run_seeds(const Options& options);

}  // namespace chasqui::sim
