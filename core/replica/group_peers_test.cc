// RAFT.md section 6: a leader that is silent, a process that is dead, a link that is down; groups of several voters.
#include <gtest/gtest.h>

#include "core/replica/image.h"
#include "core/replica/test_bench.h"

namespace chasqui::replica {
namespace {

// Follows leader 1 in term 2; the entry of that term is synced.
void follow(Bench& bench) {
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.receive(bench.append(1, 2, 1, 1, {command_entry(2)}, 1));
  bench.sync();
  ASSERT_EQ(bench.group->leader(), ReplicaId(1));
  bench.take_messages();
}

bool grants(Bench& bench, std::uint64_t candidate, bool pre_vote) {
  bench.take_messages();
  bench.receive(bench.vote(candidate, 3, 2, 2, pre_vote));
  bench.sync();
  const auto answers = bench.sent(peer::RaftMessage::kVoteResult, candidate);
  return !answers.empty() && answers.back().vote_result().granted();
}

TEST(SilentLeader, keeps_its_followers_votes_for_one_election_timeout_and_no_longer) {
  Bench bench(2);
  follow(bench);
  bench.ms += 499;
  EXPECT_FALSE(grants(bench, 3, true));
  EXPECT_FALSE(grants(bench, 3, false));
  EXPECT_EQ(bench.group->term(), RaftTerm(2));
  bench.ms += 1;
  EXPECT_TRUE(grants(bench, 3, true));
  EXPECT_TRUE(grants(bench, 3, false));
}

TEST(SilentLeader, without_it_an_election_waits_for_the_second_of_two_timers) {
  CHASQUI_NEEDS_SWITCHES();
  Rules rules;
  rules.disrupt_silent_leaders = false;
  Bench bench(2, rules);
  follow(bench);
  bench.ms += 500;
  EXPECT_FALSE(grants(bench, 3, true));
}

TEST(SilentLeader, a_word_from_it_starts_the_timeout_anew) {
  Bench bench(2);
  follow(bench);
  bench.ms += 400;
  bench.receive(bench.append(1, 2, 2, 2, {}, 2));
  bench.ms += 499;
  EXPECT_FALSE(grants(bench, 3, true));
}

TEST(DeadLeader, one_survivor_is_due_at_once_and_the_other_a_heartbeat_later) {
  Bench second(2);
  Bench third(3);
  follow(second);
  follow(third);
  for (Bench* bench : {&second, &third}) bench->group->gone(bench->now(), ReplicaId(1));
  const std::int64_t second_due = second.group->deadline().ms() - second.ms;
  const std::int64_t third_due = third.group->deadline().ms() - third.ms;
  EXPECT_EQ(std::min(second_due, third_due), 0);
  EXPECT_EQ(std::max(second_due, third_due), 100);
  Bench& first = second_due == 0 ? second : third;
  first.tick();
  EXPECT_FALSE(first.group->is_leader());
  EXPECT_EQ(first.sent(peer::RaftMessage::kVote, second_due == 0 ? 3 : 2).size(), 1U);
}

TEST(DeadLeader, who_knows_it_votes_for_another_at_once) {
  Bench bench(2);
  follow(bench);
  EXPECT_FALSE(grants(bench, 3, true));
  bench.group->gone(bench.now(), ReplicaId(1));
  EXPECT_TRUE(grants(bench, 3, true));
  EXPECT_TRUE(grants(bench, 3, false));
}

TEST(DeadLeader, the_death_of_another_changes_nothing) {
  Bench bench(2);
  follow(bench);
  const MonoTime deadline = bench.group->deadline();
  bench.group->gone(bench.now(), ReplicaId(3));
  EXPECT_EQ(bench.group->deadline(), deadline);
  EXPECT_FALSE(grants(bench, 3, true));
}

TEST(DeadLeader, a_leader_of_a_later_term_is_not_disturbed_by_it) {
  Bench bench(2);
  follow(bench);
  bench.group->gone(bench.now(), ReplicaId(1));
  bench.receive(bench.append(3, 3, 2, 2, {}, 2));
  bench.sync();
  EXPECT_FALSE(grants(bench, 1, true));
}

TEST(DeadLeader, a_replica_with_unsynced_entries_stands_when_they_are_synced) {
  Bench bench(2);
  follow(bench);
  bench.receive(bench.append(1, 2, 2, 2, {command_entry(2)}, 2));
  bench.group->gone(bench.now(), ReplicaId(1));
  EXPECT_GT(bench.group->deadline().ms() - bench.ms, 100);
  bench.sync();
  EXPECT_LE(bench.group->deadline().ms() - bench.ms, 100);
}

TEST(DeadLeader, its_clock_keeps_running_and_never_stands_still) {
  Bench bench(2);
  follow(bench);
  bench.group->gone(bench.now(), ReplicaId(1));
  bench.sleep_until_deadline();  // stands: pre-votes leave
  const std::int64_t first = bench.ms;
  bench.sleep_until_deadline();
  EXPECT_GE(bench.ms - first, 500);
  EXPECT_LE(bench.ms - first, 1'000);
}

TEST(Links, nothing_is_filled_for_a_peer_whose_link_is_down) {
  Bench bench(1);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.lead(2);
  bench.take_messages();
  bench.group->link(ReplicaId(3), false);
  ASSERT_TRUE(bench.propose("a").ok());
  bench.ms += 200;
  bench.tick();
  EXPECT_TRUE(bench.sent(peer::RaftMessage::kAppend, 3).empty());
  EXPECT_FALSE(bench.sent(peer::RaftMessage::kAppend, 2).empty());
  bench.group->link(ReplicaId(3), true);
  bench.ms += 100;
  bench.tick();
  EXPECT_FALSE(bench.sent(peer::RaftMessage::kAppend, 3).empty());
}

TEST(Bootstrap, entry_1_is_the_same_at_every_voter) {
  const ReplicaImage one = first_image(ShardId(3), {ReplicaId(1), ReplicaId(2), ReplicaId(3)});
  const ReplicaImage other = first_image(ShardId(3), {ReplicaId(3), ReplicaId(1), ReplicaId(2)});
  EXPECT_EQ(one.hard_state, other.hard_state);
  ASSERT_EQ(one.entries.size(), 1U);
  EXPECT_EQ(*one.entries[0].payload, *other.entries[0].payload);
  EXPECT_EQ(one.entries[0].term, RaftTerm(1));
}

}  // namespace
}  // namespace chasqui::replica
