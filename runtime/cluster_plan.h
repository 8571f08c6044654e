// What a configuration means for the processes of a cluster: who is in it, under which numbers, and how they trust.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/member.h"
#include "net/address.h"
#include "net/peer_links.h"
#include "runtime/config.h"

namespace chasqui {

// Who is in the cluster, as every process of it computes it.
struct ClusterPlan {
  std::optional<std::string> cluster;  // 16 bytes; none: it stands alone, and its store knows its own
  ProcessId process;
  std::vector<NodeId> nodes;        // of this process
  std::vector<Member> members;      // all nodes of the cluster; empty: the one node stands alone
  std::vector<PeerProcess> others;  // empty: no peer port
  std::optional<Endpoint> listen_peers;
};
// Of a configuration that check_cluster() has passed. `nodes_per_process`: what was decided at the first start.
[[nodiscard]] ClusterPlan plan_cluster(const Config& config, std::uint64_t nodes_per_process);

// How many nodes a new process gets: what is configured, else one per core in a cluster (of four cores, one is left to
// compaction and reads) and one alone.
[[nodiscard]] std::uint64_t nodes_for(const Config& config, unsigned cores);

// 32 hex digits are the id itself, a name is hashed.
[[nodiscard]] std::string cluster_id_bytes(const std::string& id);

// The peers' TLS, if it is configured.
[[nodiscard]] absl::StatusOr<std::shared_ptr<PeerTls>> load_peer_tls(const Config& config);

}  // namespace chasqui
