// How a cluster is laid out, for those who judge it: which nodes share a process, and which hold which shard.
#pragma once

#include <cstdint>
#include <vector>

namespace chasqui::sim {

struct ClusterShape {
  std::vector<std::uint32_t> process_of;             // by node; empty: no cluster, each node stands alone
  std::vector<std::vector<std::uint32_t>> replicas;  // by shard: nodes
  bool rare_branches = false;  // of the core are made to happen: what is told may be refused, and then comes again

  [[nodiscard]] bool is_cluster() const { return !process_of.empty(); }
  [[nodiscard]] std::size_t majority(std::uint32_t shard) const { return replicas[shard].size() / 2 + 1; }
};

}  // namespace chasqui::sim
