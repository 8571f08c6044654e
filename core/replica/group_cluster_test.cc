// Three replicas and everything that goes wrong between them.
#include <gtest/gtest.h>

#include "core/replica/test_cluster.h"

namespace chasqui::replica {
namespace {

constexpr std::uint64_t everybody[] = {1, 2, 3};

TEST(Cluster, three_replicas_elect_a_leader_and_agree) {
  TestCluster cluster(1);
  for (const std::uint64_t id : everybody) cluster.add(id).have(servers({1, 2, 3}));
  for (const std::uint64_t id : everybody) cluster.boot(id);
  cluster.calm(3'000);
  const std::uint64_t leader = cluster.leader();
  ASSERT_NE(leader, 0U);
  for (int i = 0; i < 20; ++i) cluster.propose(leader);
  cluster.calm(300);
  EXPECT_EQ(cluster.committed(), 22U);  // the change, the barrier, and 20
  for (const std::uint64_t id : everybody) {
    EXPECT_EQ(cluster.next_to_commit(id), 23U);
    EXPECT_EQ(cluster.at(id).group->leader(), ReplicaId(leader));
  }
  EXPECT_TRUE(cluster.at(leader).group->reads_fresh(cluster.at(leader).now()));
  EXPECT_EQ(cluster.terms_led(), 1U);
}

// Each seed is its own story; the checks are in TestCluster::gather.
class Storm : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Storm, committed_entries_are_one_history_and_the_group_recovers) {
  std::size_t installed = 0;
  for (std::uint64_t story = 0; story < 8; ++story) {
    TestCluster cluster(GetParam() * 8 + story);
    for (const std::uint64_t id : everybody) cluster.add(id).have(servers({1, 2, 3}));
    for (const std::uint64_t id : everybody) cluster.boot(id);
    for (int i = 0; i < 3'000 && !testing::Test::HasFatalFailure(); ++i) cluster.stir();
    cluster.heal();
    cluster.calm(5'000);
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "story " << story;
    const std::uint64_t leader = cluster.leader();
    ASSERT_NE(leader, 0U) << "nobody leads after all is well again; story " << story;
    cluster.propose(leader);
    cluster.calm(500);
    for (const std::uint64_t id : everybody) EXPECT_EQ(cluster.next_to_commit(id), cluster.committed() + 1) << story;
    installed += cluster.installed();
  }
  EXPECT_GT(installed, 0U) << "nobody ever lagged behind a log: the storm is too mild";
}

INSTANTIATE_TEST_SUITE_P(Seeds, Storm, testing::Range<std::uint64_t>(0, 6));

// Rule 10, as it was found: terms 2, 4 and 9; the longest log has the lowest term, and the rest lack its entries.
std::uint64_t leader_of_unequal_terms(bool rule) {
  Rules rules;
  rules.refusal_carries_term = rule;
  TestCluster cluster(3);
  std::vector<LogEntry> rest(26, command_entry(2));
  cluster.add(1, rules).have(servers({1, 2, 3}), rest, 2);
  cluster.add(2, rules).have(servers({1, 2, 3}), {command_entry(1)}, 4);
  cluster.add(3, rules).have(servers({1, 2, 3}), {}, 9);
  for (const std::uint64_t id : everybody) cluster.boot(id);
  cluster.calm(5'000);
  return cluster.leader();
}

TEST(Rule10, the_longest_log_leads_though_its_term_was_lowest) {
  EXPECT_EQ(leader_of_unequal_terms(true), 1U);
}

TEST(Rule10, without_it_nobody_ever_leads) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_EQ(leader_of_unequal_terms(false), 0U);
}

}  // namespace
}  // namespace chasqui::replica
