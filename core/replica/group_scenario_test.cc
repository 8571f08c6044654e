// RAFT.md section 8, what takes several replicas: replacement with crashes, lost offers, cuts, the order of things.
#include <gtest/gtest.h>

#include "core/replica/test_cluster.h"

namespace chasqui::replica {
namespace {

void boot_three(TestCluster& cluster, const Rules& rules = Rules()) {
  for (const std::uint64_t id : {1U, 2U, 3U}) cluster.add(id, rules).have(servers({1, 2, 3}));
  for (const std::uint64_t id : {1U, 2U, 3U}) cluster.boot(id);
  cluster.calm(3'000);
  ASSERT_NE(cluster.leader(), 0U);
}

std::uint64_t another(std::uint64_t id) {
  return id % 3 + 1;
}

void write(TestCluster& cluster, int count) {
  for (int i = 0; i < count; ++i) {
    cluster.propose(cluster.leader());
    cluster.calm(20);
  }
}

// ------------------------------------------------------------------------------------------------- 6: a replacement

// 3 -> 4 -> 3, a crash of everybody in turn after each step; `to_crash` says who first.
void replace(std::uint64_t to_crash) {
  TestCluster cluster(to_crash + 40);
  boot_three(cluster);
  write(cluster, 5);
  // Its replica begins with nothing and hears of the group from its leader.
  const auto step = [&](const peer::Configuration& next) {
    for (int tries = 0; tries < 50; ++tries) {
      const std::uint64_t leader = cluster.leader();
      if (leader != 0 && cluster.change(leader, next).ok()) break;
      cluster.calm(200);
      ASSERT_LT(tries, 49) << "the change was never accepted";
    }
    cluster.crash((to_crash % 3) + 1, to_crash % 2);
    cluster.calm(4'000);
    ASSERT_NE(cluster.leader(), 0U);
    write(cluster, 2);
  };
  // The one that goes leads no more.
  if (cluster.leader() == 3) {
    cluster.transfer(3, 1);
    cluster.calm(1'000);
  }
  Bench& joiner = cluster.add(4);
  joiner.have(servers({1, 2, 3}));  // as if it had been given entry 1: a joiner's own start is of a later issue
  cluster.boot(4);
  step(servers({1, 2, 3}, {4}));
  cluster.calm(500);
  ASSERT_EQ(cluster.next_to_commit(4), cluster.committed() + 1);
  step(servers({1, 2, 3, 4}));
  if (cluster.leader() == 3) {
    cluster.transfer(3, 1);
    cluster.calm(1'000);
  }
  ASSERT_NE(cluster.leader(), 3U);
  peer::Configuration demoted = servers({1, 2, 3, 4});
  demoted.mutable_servers(2)->set_role(peer::Server::STANDBY);
  step(demoted);
  step(servers({1, 2, 4}));
  cluster.isolate(3);
  write(cluster, 5);
  cluster.calm(500);
  for (const std::uint64_t id : {1U, 2U, 4U}) EXPECT_EQ(cluster.next_to_commit(id), cluster.committed() + 1) << id;
}

TEST(Rule18, a_replica_is_replaced_with_a_crash_after_each_step) {
  for (std::uint64_t to_crash = 0; to_crash < 4 && !testing::Test::HasFatalFailure(); ++to_crash) replace(to_crash);
}

// A, B and C: C was promoted by an entry that A and B have; then A dies. B needs C's vote, and C does not know yet that
// it votes.
std::uint64_t leader_after_a_promotion(bool rule) {
  Rules rules;
  rules.standby_votes = rule;
  TestCluster cluster(12);
  for (const std::uint64_t id : {1U, 2U, 3U}) cluster.add(id, rules).have(servers({1, 2}, {3}));
  for (const std::uint64_t id : {1U, 2U, 3U}) cluster.boot(id);
  cluster.calm(3'000);
  const std::uint64_t first = cluster.leader();
  EXPECT_TRUE(first == 1 || first == 2);
  cluster.cut(1, 3);
  cluster.cut(2, 3);
  EXPECT_TRUE(cluster.change(first, servers({1, 2, 3})).ok());
  cluster.calm(300);
  cluster.isolate(first);
  const std::uint64_t second = 3 - first;
  cluster.cut(second, 3, false);
  cluster.calm(5'000);
  return cluster.at(second).group->leads() ? second : 0;
}

TEST(Rule12, a_standby_that_was_promoted_unawares_helps_to_elect) {
  EXPECT_NE(leader_after_a_promotion(true), 0U);
}

TEST(Rule12, without_it_a_majority_that_is_up_has_no_leader) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_EQ(leader_after_a_promotion(false), 0U);
}

// Two voters, one of them is to be demoted by the other, which dies before the change is on its disk. The one that has
// it is a standby by it and does not stand; the other has less and gets no vote.
std::uint64_t leader_after_two_became_one(bool rule) {
  Rules rules;
  rules.check_changes = rule;
  TestCluster cluster(18);
  for (const std::uint64_t id : {1U, 2U}) cluster.add(id, rules).have(servers({1, 2}));
  for (const std::uint64_t id : {1U, 2U}) cluster.boot(id);
  cluster.calm(3'000);
  const std::uint64_t first = cluster.leader();
  const std::uint64_t other = 3 - first;
  EXPECT_NE(first, 0U);
  peer::Configuration one = servers({1, 2});
  one.mutable_servers(static_cast<int>(other) - 1)->set_role(peer::Server::STANDBY);
  cluster.stall(first);
  EXPECT_EQ(cluster.change(first, one).ok(), !rule);
  cluster.calm(100);
  cluster.crash(first, 0);
  cluster.stall(first, false);
  cluster.calm(10'000);
  return cluster.leader();
}

TEST(Rule18, two_voters_stay_two) {
  EXPECT_NE(leader_after_two_became_one(true), 0U);
}

TEST(Rule18, without_it_there_is_no_leader_for_ever) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_EQ(leader_after_two_became_one(false), 0U);
}

// --------------------------------------------------------------------------------------- 5, 12: snapshots and their
// loss

TEST(Install, one_that_was_away_long_is_whole_again) {
  TestCluster cluster(5);
  boot_three(cluster);
  const std::uint64_t leader = cluster.leader();
  const std::uint64_t away = another(leader);
  cluster.isolate(away);
  write(cluster, 30);
  cluster.flush(leader, 0);
  cluster.calm(100);
  cluster.isolate(away, false);
  cluster.calm(3'000);
  EXPECT_EQ(cluster.installed(), 1U);
  EXPECT_EQ(cluster.next_to_commit(away), cluster.committed() + 1);
}

TEST(Install, an_offer_that_is_lost_before_a_newer_compaction_delays_a_follower_by_seconds_only) {
  TestCluster cluster(6);
  boot_three(cluster);
  const std::uint64_t leader = cluster.leader();
  const std::uint64_t away = another(leader);
  cluster.isolate(away);
  write(cluster, 30);
  cluster.flush(leader, 0);
  cluster.calm(100);
  // It answers, so it is offered a snapshot, and the offer does not arrive.
  cluster.cut(away, leader, false);
  cluster.calm(1'000);
  write(cluster, 30);
  cluster.flush(leader, 0);
  cluster.calm(100);
  cluster.isolate(away, false);
  const std::int64_t since = cluster.ms();
  while (cluster.next_to_commit(away) != cluster.committed() + 1 && cluster.ms() - since < 10'000) cluster.calm(50);
  EXPECT_LT(cluster.ms() - since, 10'000);
}

TEST(Install, a_stream_that_is_slow_holds_nobody_else_up) {
  TestCluster cluster(7);
  boot_three(cluster);
  const std::uint64_t leader = cluster.leader();
  const std::uint64_t away = another(leader);
  cluster.isolate(away);
  write(cluster, 30);
  cluster.flush(leader, 0);
  cluster.let_streams_flow(false);
  cluster.isolate(away, false);
  cluster.calm(5'000);
  EXPECT_TRUE(cluster.installs(away));
  EXPECT_EQ(cluster.leader(), leader);
  write(cluster, 10);
  EXPECT_EQ(cluster.next_to_commit(leader), cluster.committed() + 1);
  cluster.let_streams_flow(true);
  cluster.calm(3'000);
  EXPECT_EQ(cluster.next_to_commit(away), cluster.committed() + 1);
}

// ------------------------------------------------------------------------------------------------ 12: a cut for good

TEST(Cluster, a_follower_that_hears_nothing_and_is_heard_raises_no_terms) {
  TestCluster cluster(8);
  boot_three(cluster);
  const std::uint64_t leader = cluster.leader();
  const std::uint64_t deaf = another(leader);
  const RaftTerm term = cluster.at(leader).group->term();
  cluster.cut(leader, deaf);
  cluster.cut(another(deaf), deaf);
  cluster.calm(20'000);
  EXPECT_EQ(cluster.leader(), leader);
  EXPECT_EQ(cluster.at(leader).group->term(), term);
  EXPECT_EQ(cluster.at(deaf).group->term(), term);
}

// ------------------------------------------------------------------------------- 9, 13: reports, and the library's
// clock

TEST(Rule2, a_report_that_comes_after_a_step_down_counts_as_the_followers) {
  Bench bench(1);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.lead(2);
  ASSERT_TRUE(bench.propose("a").ok());
  const RaftIndex mine = bench.group->last_index();
  // Another leads a later term, and has another entry there.
  bench.receive(bench.append(3, 9, mine.value() - 1, bench.group->term().value(), {command_entry(9)}, 0));
  EXPECT_FALSE(bench.group->is_leader());
  bench.sync_to(bench.writes() - 1);  // ours, not the one that took its place
  EXPECT_LT(bench.group->library().last_stored, mine.value());
  bench.sync();
  EXPECT_EQ(bench.group->library().last_stored, mine.value());
}

TEST(Rule17, the_library_never_wants_to_be_woken_in_the_past) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    TestCluster cluster(seed + 90);
    boot_three(cluster);
    for (int i = 0; i < 2'000; ++i) {
      cluster.stir();
      for (const std::uint64_t id : {1U, 2U, 3U}) {
        const Group& group = *cluster.at(id).group;
        if (!group.running()) continue;
        // One that is due is served by the next tick, which moves it on.
        Bench& member = cluster.at(id);
        member.ms = cluster.ms();
        if (group.deadline() > member.now().mono) continue;
        member.tick();
        ASSERT_GT(group.deadline(), member.now().mono) << "replica " << id << " spins";
        cluster.take(id);
      }
    }
  }
}

// ---------------------------------------------------------------------------------------- 14: the same story, the same
// end

std::uint64_t story(std::uint64_t seed) {
  TestCluster cluster(seed);
  boot_three(cluster);
  for (int i = 0; i < 4'000; ++i) cluster.stir();
  cluster.heal();
  cluster.calm(1'000);
  return cluster.digest();
}

// The number is one and the same for both builds of the library: this test runs over each. A change of the rules or of
// this world brings another.
TEST(Determinism, a_story_ends_the_same_wherever_its_memory_lies) {
  const std::uint64_t first = story(77);
  std::vector<std::unique_ptr<std::string>> ballast;  // so that nothing lies where it lay
  for (int i = 0; i < 1'000; ++i) ballast.push_back(std::make_unique<std::string>(static_cast<std::size_t>(i), 'x'));
  EXPECT_EQ(story(77), first);
  EXPECT_NE(story(78), first);
  EXPECT_EQ(first, 9'566'991'834'414'629'308U);
}

}  // namespace
}  // namespace chasqui::replica
