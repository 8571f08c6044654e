// Who a process of the cluster is, as it says in the first frame of a link, and why it may be refused.
//
// A process has a number, which is its failure domain and the id of its first node; its i-th node is p + 4096 i.
// Everything in a hello comes from outside and is looked at here, before anything else of the link is.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/ids.h"
#include "proto/peer.pb.h"

namespace chasqui {

using ProcessId = Number<struct ProcessIdTag>;

constexpr std::uint32_t peer_protocol_version = 1;
constexpr std::uint32_t peer_feature_level = 1;
constexpr std::uint64_t processes_max = 4095;  // the number of a process is below the step between its nodes
constexpr std::uint64_t node_step = 4096;
constexpr std::uint64_t nodes_per_process_max = 64;
constexpr std::uint64_t hello_bytes_max = 16 * 1024;

[[nodiscard]] constexpr NodeId node_of(ProcessId process, std::uint64_t index) {
  return NodeId(process.value() + node_step * index);
}
[[nodiscard]] constexpr ProcessId process_of(NodeId node) {
  return ProcessId(node.value() % node_step);
}

struct PeerIdentity {
  ProcessId process;
  std::string cluster;  // 16 bytes
  ShardCount shards;
  std::map<NodeId, std::string> stores;  // 16 bytes each: one for each node of the process
  std::uint32_t feature_level = peer_feature_level;
};

// Why a link is refused: one word for throttling the log, one sentence for whoever reads it.
struct PeerRefusal {
  std::string_view cause;  // a literal
  std::string sentence;
};
// Stands in for std::variant: either who it is, or why not.
struct PeerChecked {
  PeerIdentity identity;
  PeerRefusal refusal;  // cause empty: none
  [[nodiscard]] bool ok() const { return refusal.cause.empty(); }
};

[[nodiscard]] std::string hello_frame(const PeerIdentity& self, ProcessId to);
// `others`: the nodes of every other process of the cluster.
[[nodiscard]] PeerChecked check_hello(const peer::PeerHello& hello, const PeerIdentity& self,
                                      const std::map<ProcessId, std::vector<NodeId>>& others);

[[nodiscard]] std::string ping_frame(bool is_answer);
[[nodiscard]] std::string closing_frame(peer::PeerClosing::Reason reason, std::string_view why);

}  // namespace chasqui
