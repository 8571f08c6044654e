#include "runtime/cluster_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "net/peer_address.h"
#include "runtime/cluster_config.h"

namespace chasqui {

ClusterPlan plan_cluster(const Config& config, std::uint64_t nodes_per_process) {
  ClusterPlan plan;
  plan.process = ProcessId(config.node_id);
  if (config.cluster_id.empty()) {
    plan.nodes = {NodeId(config.node_id)};
    return plan;
  }
  plan.cluster = cluster_id_bytes(config.cluster_id);
  std::vector<PeerEntry> processes = config.peers;
  if (processes.empty()) {
    processes.push_back({config.node_id, ""});
  }
  std::sort(processes.begin(), processes.end(), [](const auto& a, const auto& b) { return a.node < b.node; });
  for (const PeerEntry& entry : processes) {
    const ProcessId process(entry.node);
    std::vector<NodeId> nodes;
    for (std::uint64_t i = 0; i < nodes_per_process; i++) {
      nodes.push_back(node_of(process, i));
      plan.members.push_back({nodes.back(), process.value()});
    }
    if (process == plan.process) {
      plan.nodes = std::move(nodes);
    } else {
      plan.others.push_back({process, *parse_peer_endpoint(entry.address), std::move(nodes)});
    }
  }
  if (plan.members.size() == 1) {
    plan.members.clear();
  }
  if (!plan.others.empty()) {
    plan.listen_peers = *peer_listen_endpoint(config);
  }
  return plan;
}

std::uint64_t nodes_for(const Config& config, unsigned cores) {
  if (config.nodes_per_process != 0) {
    return config.nodes_per_process;
  }
  if (config.peers.size() < 2) {
    return 1;
  }
  return std::clamp<std::uint64_t>(cores - cores / 4, 1, nodes_per_process_max);
}

std::string cluster_id_bytes(const std::string& id) {
  constexpr std::size_t id_bytes = 16;
  const bool is_hex = id.size() == 2 * id_bytes && id.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (is_hex) {
    return absl::HexStringToBytes(id);
  }
  return std::string(view(blake2b_256("chasqui cluster ", id)).substr(0, id_bytes));
}

absl::StatusOr<std::shared_ptr<PeerTls>> load_peer_tls(const Config& config) {
  if (config.peer_certificate.empty()) {
    return std::shared_ptr<PeerTls>();
  }
  return PeerTls::load({config.peer_certificate, config.peer_key, config.peer_ca},
                       {config.cluster_id, ProcessId(config.node_id)});
}

}  // namespace chasqui
