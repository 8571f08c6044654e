// Where a peer is, as a configuration writes it. No socket in here: what reads a configuration needs no more.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace chasqui {

// "10.0.0.2:7400", "[::1]:7400" or "node2.example.org:7400". InvalidArgument: it is none.
struct PeerEndpoint {
  std::string host;  // without brackets
  std::string port;
  // A name counts as another machine: nobody knows what it will mean tomorrow.
  [[nodiscard]] bool is_on_loopback() const;
};
[[nodiscard]] absl::StatusOr<PeerEndpoint> parse_peer_endpoint(const std::string& address);

}  // namespace chasqui
