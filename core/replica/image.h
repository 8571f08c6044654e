// What a replica's log must look like at start, and how a new group's looks.
#pragma once

#include "absl/status/status.h"
#include "core/base/ids.h"
#include "core/log_image.h"
#include "core/replica/configuration.h"

namespace chasqui::replica {

[[nodiscard]] bool is_empty(const ReplicaImage& image);  // nothing was ever written

// The log of a new group: term 1, and entry 1 is the CHANGE that makes `self` its only voter.
[[nodiscard]] ReplicaImage first_image(ShardId shard, ReplicaId self);

// The library reads configurations and indices unchecked, and a log that lost its end would elect without it. DataLoss:
// the log must not be used, and why.
[[nodiscard]] absl::Status check_image(const ReplicaImage& image, RaftIndex applied);

// The last configuration in a checked image, committed or not.
[[nodiscard]] peer::Configuration last_configuration(const ReplicaImage& image);

}  // namespace chasqui::replica
