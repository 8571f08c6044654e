// Which nodes hold a shard, in a cluster whose nodes are fixed: a pure function of the list of members.
//
// Replicas of a shard lie in different failure domains (processes). The first one named is its home leader: it leads
// the shard when nothing speaks against it. Shards go round the domains, so leaders and replicas are spread evenly.
// Source: round-robin placement; moving replicas comes with the cluster map.
#pragma once

#include <cstddef>
#include <vector>

#include "core/base/ids.h"
#include "core/base/member.h"

namespace chasqui::meta {

inline constexpr std::size_t replicas_wanted = 3;

// `members`: in any order, no node twice. At most `wanted` nodes, each of another domain; an even number of domains
// below `wanted` still gives one replica each. Empty only if `members` is.
std::vector<NodeId> replicas_of(ShardId shard, const std::vector<Member>& members,
                                std::size_t wanted = replicas_wanted);

}  // namespace chasqui::meta
