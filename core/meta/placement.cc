#include "core/meta/placement.h"

#include <algorithm>

#include "absl/container/btree_map.h"

namespace chasqui::meta {

std::vector<NodeId> replicas_of(ShardId shard, const std::vector<Member>& members, std::size_t wanted) {
  absl::btree_map<std::uint64_t, std::vector<NodeId>> nodes_by_domain;
  for (const Member& member : members) nodes_by_domain[member.domain].push_back(member.node);
  std::vector<std::vector<NodeId>> domains;
  domains.reserve(nodes_by_domain.size());
  for (auto& [domain, nodes] : nodes_by_domain) {
    std::sort(nodes.begin(), nodes.end());
    domains.push_back(std::move(nodes));
  }
  std::vector<NodeId> replicas;
  const std::size_t count = std::min(wanted, domains.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::vector<NodeId>& nodes = domains[(shard.value() + i) % domains.size()];
    replicas.push_back(nodes[(shard.value() / domains.size()) % nodes.size()]);
  }
  return replicas;
}

}  // namespace chasqui::meta
