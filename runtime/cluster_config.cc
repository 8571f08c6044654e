#include "runtime/cluster_config.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "net/peer_address.h"
#include "net/peer_hello.h"
#include "net/peer_name.h"

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

absl::StatusOr<Endpoint> peer_listen_endpoint(const Config& config) {
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
  return peer_listen_endpoint(config).status();
}

absl::Status check_peer_exposure(const Config& config) {
  if (config.peers.size() < 2 || !config.peer_certificate.empty()) {
    return absl::OkStatus();
  }
  const absl::StatusOr<Endpoint> listening = peer_listen_endpoint(config);
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

}  // namespace chasqui
