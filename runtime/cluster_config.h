// The part of chasquid.toml that makes a process one of a cluster: read and checked. cluster_plan.h says what comes of
// it.
//
// Needs neither sockets nor certificates, so that fuzz/ builds it from a few files.
#pragma once

#include <toml++/toml.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/address.h"
#include "runtime/config.h"

namespace chasqui {

// For the table of keys: cluster.peers as TOML, both ways.
[[nodiscard]] absl::Status read_peers(Config& config, const toml::node& node);
[[nodiscard]] std::string peers_text(const std::vector<PeerEntry>& peers);

// What no single key of [cluster] can say. Looks at no file and no system.
[[nodiscard]] absl::Status check_cluster(const Config& config);
// FailedPrecondition: peers that other machines can reach, without certificates.
[[nodiscard]] absl::Status check_peer_exposure(const Config& config);

// Where it listens for peers: cluster.listen_peers, else its own address in cluster.peers. InvalidArgument: neither is
// one.
[[nodiscard]] absl::StatusOr<Endpoint> peer_listen_endpoint(const Config& config);

}  // namespace chasqui
