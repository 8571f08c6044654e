// chasqui-sim diverge and records: where two runs of one plan begin to differ.
#pragma once

#include "sim/cli/options.h"

namespace chasqui::sim {

// Prints the checkpoints of the trace hash, or the records from..to with the text around them, a line for each.
[[nodiscard]] int run_records(const Options& options, const Plan& plan);

// Runs this program's `records` (or another's) twice. 0: equal; 1: they differ, and the first difference is printed; 3:
// they could not be run.
[[nodiscard]] int run_diverge(const Options& options);

}  // namespace chasqui::sim
