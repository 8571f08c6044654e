// How a certificate, and a configuration, name a process of a cluster.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "net/peer_hello.h"

namespace chasqui {

struct PeerName {
  std::string cluster;
  ProcessId process;
  friend bool operator==(const PeerName&, const PeerName&) = default;
};

// "chasqui://home/node/2", and back; nullopt-like: InvalidArgument.
[[nodiscard]] std::string peer_uri(const PeerName& name);
[[nodiscard]] absl::StatusOr<PeerName> parse_peer_uri(const std::string& uri);
// 1 to 63 of a-z, 0-9 and -: what may stand in such a name.
[[nodiscard]] bool is_cluster_name(const std::string& name);

}  // namespace chasqui
