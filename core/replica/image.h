// What a replica's log must look like at start, and how a new group's looks.
#pragma once

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "core/base/ids.h"
#include "core/log_image.h"
#include "core/replica/configuration.h"

namespace chasqui::replica {

[[nodiscard]] bool is_empty(const ReplicaImage& image);  // nothing was ever written

// The log of a new group: term 1, and entry 1 is the CHANGE that makes `voters` its voters. The same bytes at each of
// them, in whatever order they are named.
[[nodiscard]] ReplicaImage first_image(ShardId shard, std::vector<ReplicaId> voters);

// The library reads configurations and indices unchecked, and a log that lost its end would elect without it. DataLoss:
// the log must not be used, and why.
// `ingested`: the state may be ahead of the log's end if it is as it was ingested, with a descriptor that the log has.
[[nodiscard]] absl::Status check_image(const ReplicaImage& image, RaftIndex applied,
                                       const std::optional<Ingested>& ingested = std::nullopt);

// A crash came between the two writes of an install: makes the image what the second would have left. False: it did
// not, and nothing is changed.
[[nodiscard]] bool finish_install(ReplicaImage& image, const Ingested& ingested);

// The last configuration in a checked image, committed or not.
[[nodiscard]] peer::Configuration last_configuration(const ReplicaImage& image);

}  // namespace chasqui::replica
