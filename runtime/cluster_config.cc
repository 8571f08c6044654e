#include "runtime/cluster_config.h"

#include <algorithm>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "net/peer_dial.h"

namespace chasqui {

namespace {

absl::Status wrong(std::string what) {
  return absl::InvalidArgumentError(std::move(what));
}

std::string address_of(const Config& config, std::uint64_t node) {
  for (const PeerEntry& peer : config.peers) {
    if (peer.node == node) {
      return peer.address;
    }
  }
  return "";
}

absl::Status check_peers(const Config& config) {
  std::set<std::uint64_t> nodes;
  std::set<std::string> addresses;
  for (const PeerEntry& peer : config.peers) {
    if (const auto endpoint = parse_peer_endpoint(peer.address); !endpoint.ok()) {
      return wrong(absl::StrCat("cluster.peers: ", std::string(endpoint.status().message())));
    }
    if (!nodes.insert(peer.node).second || !addresses.insert(peer.address).second) {
      return wrong(absl::StrCat("cluster.peers names node ", peer.node, " or its address twice"));
    }
  }
  if (nodes.find(config.node_id) == nodes.end()) {
    return wrong(absl::StrCat("cluster.peers does not name this process, node ", config.node_id,
                              ": the list is of all of them, and node.id says which one this is"));
  }
  if (config.peers.size() == 2) {
    return wrong(
        "cluster.peers has 2 processes: if one is lost, the other cannot know what both had accepted, so nothing is "
        "gained by two. Take one, or three and more");
  }
  return absl::OkStatus();
}

absl::StatusOr<Endpoint> listen_endpoint(const Config& config) {
  const std::string& text = config.listen_peers.empty() ? address_of(config, config.node_id) : config.listen_peers;
  absl::StatusOr<Endpoint> endpoint = parse_endpoint(text);
  if (!endpoint.ok() && config.listen_peers.empty()) {
    return wrong(absl::StrCat("cluster.peers gives this process the name ", text,
                              ", which is no address to listen on: set cluster.listen_peers, e.g. \"0.0.0.0:7400\""));
  }
  if (!endpoint.ok()) {
    return wrong(absl::StrCat("cluster.listen_peers: ", std::string(endpoint.status().message())));
  }
  return endpoint;
}

}  // namespace

absl::Status read_peers(Config& config, const toml::node& node) {
  const absl::Status shape = wrong("must be a list of {node = NUMBER, address = \"HOST:PORT\"}");
  const toml::array* array = node.as_array();
  if (array == nullptr) {
    return shape;
  }
  std::vector<PeerEntry> peers;
  for (const toml::node& element : *array) {
    const toml::table* table = element.as_table();
    if (table == nullptr || table->size() != 2) {
      return shape;
    }
    const auto number = (*table)["node"].value_exact<std::int64_t>();
    const auto address = (*table)["address"].value_exact<std::string>();
    if (!number || !address) {
      return shape;
    }
    if (*number < 1 || *number > static_cast<std::int64_t>(processes_max)) {
      return wrong(absl::StrCat("has a node ", *number, ": numbers go from 1 to ", processes_max));
    }
    peers.push_back({static_cast<std::uint64_t>(*number), *address});
  }
  config.peers = std::move(peers);
  return absl::OkStatus();
}

std::string peers_text(const std::vector<PeerEntry>& peers) {
  std::string out = "[";
  for (const PeerEntry& peer : peers) {
    absl::StrAppend(&out, out.size() > 1 ? ", " : "", "{node = ", peer.node, ", address = \"", peer.address, "\"}");
  }
  return absl::StrCat(out, "]");
}

absl::Status check_cluster(const Config& config) {
  const bool has_certificate = !config.peer_certificate.empty();
  if (has_certificate != !config.peer_key.empty() || has_certificate != !config.peer_ca.empty()) {
    return wrong("cluster.certificate, cluster.key and cluster.ca go together: give all three or none");
  }
  if (config.cluster_id.empty()) {
    if (!config.peers.empty() || !config.listen_peers.empty() || has_certificate || config.nodes_per_process > 1) {
      return wrong("[cluster] has keys and no cluster.id: give the cluster a name, the same in each process");
    }
    return absl::OkStatus();
  }
  if (!is_cluster_name(config.cluster_id)) {
    return wrong(absl::StrCat("cluster.id is \"", config.cluster_id, "\": it must be 1 to 63 of a-z, 0-9 and -"));
  }
  if (config.node_id > processes_max) {
    return wrong(absl::StrCat("node.id is ", config.node_id, ": in a cluster it goes from 1 to ", processes_max));
  }
  if (config.peers.empty()) {
    return absl::OkStatus();  // alone, under a name
  }
  if (absl::Status status = check_peers(config); !status.ok()) {
    return status;
  }
  return listen_endpoint(config).status();
}

absl::Status check_peer_exposure(const Config& config) {
  if (config.peers.size() < 2 || !config.peer_certificate.empty()) {
    return absl::OkStatus();
  }
  const absl::StatusOr<Endpoint> listening = listen_endpoint(config);
  bool is_local = listening.ok() && is_loopback(to_address(listening->address()));
  for (const PeerEntry& peer : config.peers) {
    const absl::StatusOr<PeerEndpoint> endpoint = parse_peer_endpoint(peer.address);
    is_local = is_local && endpoint.ok() && endpoint->is_on_loopback();
  }
  return is_local
             ? absl::OkStatus()
             : absl::FailedPreconditionError(
                   "refused to speak plain text to peers on other machines: make certificates with chasqui cluster "
                   "init-certs, and set cluster.certificate, cluster.key and cluster.ca");
}

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
    plan.listen_peers = *listen_endpoint(config);
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
