// A group's configuration in its three forms: peer.Configuration (ours: in log entries, descriptors and messages), its
// serialized bytes, and libraft's struct, whose memory is the library's.
//
// Limits: 1 to 16 servers, ids > 0 and distinct, each a voter or a standby, at least one voter. SPARE cannot be said.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "core/base/ids.h"
#include "core/replica/raft_c.h"
#include "proto/peer.pb.h"

namespace chasqui::replica {

constexpr int configuration_servers_max = 16;  // 3 -> 4 -> 3, and 5 with zones, fit well; bounds what a peer may send

[[nodiscard]] bool is_valid(const peer::Configuration& configuration);
// nullopt: it does not decode, or breaks a limit above.
[[nodiscard]] std::optional<peer::Configuration> parse_configuration(std::string_view bytes);
[[nodiscard]] std::string serialize(const peer::Configuration& configuration);        // equal values give equal bytes
[[nodiscard]] peer::Configuration voters_only(const std::vector<ReplicaId>& voters);  // in this order

// `self` is a voter and there is no other.
[[nodiscard]] bool is_only_voter(const peer::Configuration& configuration, ReplicaId self);

// A fresh copy for the library, which takes or closes it: one for each event (RAFT.md section 3).
[[nodiscard]] raft_configuration to_raft(const peer::Configuration& configuration);

// The library's own encoding of a configuration, for the CHANGE entries that are shown to it. Freed at the end of
// scope.
class EncodedConfiguration {
 public:
  explicit EncodedConfiguration(const peer::Configuration& configuration);
  ~EncodedConfiguration();
  EncodedConfiguration(const EncodedConfiguration&) = delete;
  EncodedConfiguration& operator=(const EncodedConfiguration&) = delete;
  EncodedConfiguration(EncodedConfiguration&& other) noexcept;
  EncodedConfiguration& operator=(EncodedConfiguration&&) = delete;
  [[nodiscard]] raft_buffer buffer() const { return buffer_; }

 private:
  raft_buffer buffer_{};
};

// Whether the leader `self` may go from `before` to `after` in one step. FailedPrecondition or InvalidArgument says why
// not.
//   Rule 16: one server differs, the order is kept, a new one stands at the end: the library rebuilds its progress
//   array only when the number of servers changes. Rule 18: the leader is neither demoted nor removed, and two voters
//   never become one: else a replica that holds the uncommitted change is needed and does not stand.
[[nodiscard]] absl::Status check_change(const peer::Configuration& before, const peer::Configuration& after,
                                        ReplicaId self);

}  // namespace chasqui::replica
