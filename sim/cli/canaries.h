// `chasqui-sim canaries`: switches bugs on one by one and counts the seeds and CPU seconds until their invariant
// notices.
#pragma once

#include "sim/cli/options.h"

namespace chasqui::sim {

// 0: each was found; 1: one was not; 3: it could not be run.
[[nodiscard]] int run_canaries(const Options& options);

}  // namespace chasqui::sim
