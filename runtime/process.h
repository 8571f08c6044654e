// What a server process settles with its system before it serves: signals, descriptors, core dumps, root, file modes.
#pragma once

#include "absl/status/status.h"
#include "runtime/config.h"

namespace chasqui {

// SIGPIPE ignored, no core dumps (they would hold passwords), files for their owner alone, as many descriptors as the
// system allows, libsodium ready.
[[nodiscard]] absl::Status prepare_process();

// FailedPrecondition: plain text or root where other machines reach it. Warns of root on loopback.
[[nodiscard]] absl::Status check_exposure(const Config& config);

}  // namespace chasqui
