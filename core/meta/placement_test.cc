#include "core/meta/placement.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

namespace chasqui::meta {
namespace {

std::vector<Member> processes(std::size_t count, std::size_t nodes_each) {
  std::vector<Member> members;
  for (std::size_t p = 1; p <= count; ++p) {
    for (std::size_t n = 0; n < nodes_each; ++n) members.push_back({NodeId(p + 4096 * n), p});
  }
  return members;
}

TEST(Placement, one_node_holds_everything) {
  EXPECT_EQ(replicas_of(ShardId(7), processes(1, 1)), std::vector<NodeId>{NodeId(1)});
}

TEST(Placement, three_nodes_lead_a_third_each) {
  std::map<std::uint64_t, int> leads;
  for (std::uint32_t s = 0; s < 63; ++s) {
    const auto replicas = replicas_of(ShardId(s), processes(3, 1));
    EXPECT_EQ(replicas.size(), 3U);
    ++leads[replicas[0].value()];
  }
  for (const auto& [node, count] : leads) EXPECT_EQ(count, 21) << node;
}

RC_GTEST_PROP(Placement, replicas_lie_in_different_domains_and_are_spread_evenly, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(1, 12);
  const auto nodes_each = *rc::gen::inRange<std::size_t>(1, 5);
  const auto members = processes(count, nodes_each);
  std::map<std::uint64_t, std::size_t> held;
  const std::uint32_t shards = static_cast<std::uint32_t>(count * nodes_each * 4);
  for (std::uint32_t s = 0; s < shards; ++s) {
    const auto replicas = replicas_of(ShardId(s), members);
    std::set<std::uint64_t> domains;
    for (const NodeId node : replicas) {
      domains.insert(node.value() % 4096);
      ++held[node.value()];
    }
    RC_ASSERT(domains.size() == replicas.size());
    RC_ASSERT(replicas.size() == std::min<std::size_t>(3, count));
  }
  for (const Member& member : members) RC_ASSERT(held[member.node.value()] == 4 * std::min<std::size_t>(3, count));
}

}  // namespace
}  // namespace chasqui::meta
