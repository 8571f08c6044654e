// The judges of clusters, I8, I9, I22, and what I10 and I19 see there: each gets histories that it must accept and
// histories that it must refuse. Over 400 lines because histories of one kind are told with the same few words.
#include <gtest/gtest.h>

#include "sim/invariants/i08_replicas_agree.h"
#include "sim/invariants/i09_raft.h"
#include "sim/invariants/i10_durable_before_said.h"
#include "sim/invariants/i11_marks_grow.h"
#include "sim/invariants/i19_revoked.h"
#include "sim/invariants/i22_available.h"
#include "sim/invariants/i27_beyond_is_named.h"

namespace chasqui::sim {
namespace {

using History = std::vector<Fact>;
const ShardId shard(0);

template <class Judge>
std::size_t found(Judge& judge, const History& history, Time step = millisecond) {
  Time at = 0;
  for (const Fact& fact : history) judge.see(at += step, fact);
  judge.finish(at + step);
  return judge.violations().size();
}

// --------------------------------------------------------------------------------------------------------------- I8,
// I9

EntryApplied applied(std::uint32_t node, std::uint64_t index, std::uint64_t term, std::uint64_t digest,
                     std::uint64_t state, std::uint64_t seen_term = 0) {
  EntryApplied fact{node, shard, RaftIndex(index), RaftTerm(term), digest, state, RaftTerm(seen_term), true, 0, 0};
  if (seen_term == 0) fact.seen_term = fact.term;
  return fact;
}
EntryLogged logged(std::uint32_t node, std::uint64_t index, std::uint64_t term, std::uint64_t before,
                   std::uint64_t digest) {
  return {node, shard, RaftIndex(index), RaftTerm(term), RaftTerm(before), digest};
}
LeaderSpoke spoke(std::uint32_t node, std::uint64_t term, std::vector<std::uint64_t> terms, std::uint64_t first = 1) {
  LeaderSpoke fact{node, shard, RaftTerm(term), RaftTerm(term), RaftIndex(first), {}};
  for (const std::uint64_t each : terms) fact.terms.emplace_back(each);
  return fact;
}
VoteLeft vote(std::uint32_t node, std::uint64_t term, std::uint64_t candidate) {
  return {node, shard, RaftTerm(term), ReplicaId(candidate), RaftTerm(term), ReplicaId(candidate)};
}

TEST(I8, takes_replicas_that_agree_and_one_that_applies_again_after_a_crash) {
  ReplicasAgree judge(true);
  EXPECT_EQ(found(judge, {applied(0, 1, 1, 7, 70), applied(1, 1, 1, 7, 70), applied(0, 2, 1, 8, 80),
                          applied(0, 1, 1, 7, 70), applied(0, 2, 1, 8, 80), applied(1, 2, 1, 8, 0)}),
            0U);
  EXPECT_GT(judge.checks(), 0U);
}

TEST(I8, another_entry_or_another_state_at_an_index_is_noticed) {
  ReplicasAgree entries(true), states(true), terms(true);
  EXPECT_EQ(found(entries, {applied(0, 1, 1, 7, 0), applied(1, 1, 1, 9, 0)}), 1U);
  EXPECT_EQ(found(states, {applied(0, 1, 1, 7, 70), applied(1, 1, 1, 7, 71)}), 1U);
  EXPECT_EQ(found(terms, {applied(0, 1, 1, 7, 70), applied(1, 1, 2, 7, 70)}), 1U);
}

TEST(I9, takes_an_election_that_overwrites_what_was_not_committed) {
  Raft judge(true);
  EXPECT_EQ(found(judge, {vote(0, 1, 1), vote(1, 1, 1), spoke(0, 1, {1}), logged(0, 1, 1, 0, 5), logged(1, 1, 1, 0, 5),
                          applied(0, 1, 1, 5, 0), logged(0, 2, 1, 1, 6), vote(1, 2, 2), vote(2, 2, 2), spoke(1, 2, {1}),
                          logged(1, 2, 2, 1, 8), logged(0, 2, 2, 1, 8), applied(1, 2, 2, 8, 0)}),
            0U);
}

TEST(I8, a_state_that_a_disk_has_changed_is_another_judges_matter) {
  ReplicasAgree judge(true);
  EXPECT_EQ(found(judge, {applied(0, 1, 1, 7, 70), StateRotted{1, shard}, applied(1, 1, 1, 7, 71)}), 0U);
  EXPECT_EQ(found(judge, {applied(1, 1, 1, 8, 71)}), 1U);
}

TEST(I27InACluster, a_replica_that_its_disk_has_changed_must_stop_and_no_other_may) {
  const ClusterShape shape{{0, 1, 2}, {{0, 1, 2}}};
  // All apply an entry each 5 s, or only two of them do, or one path is closed, or one crashes amid it.
  const auto after_a_minute = [&](std::uint32_t nodes, bool stops, bool cut, bool crashes = false) {
    BeyondIsNamed judge(shape);
    judge.see(second, StateRotted{1, shard});
    if (cut) judge.see(second, PathChanged{0, 1, false});
    for (std::uint64_t i = 1; i <= 15; ++i) {
      if (crashes && i == 7) judge.see(35 * second, NodeCrashed{2, {}});
      if (stops && i == 4) judge.see(20 * second, ReplicaStopped{1, shard});
      for (std::uint32_t node = 0; node < nodes; ++node) {
        judge.see(static_cast<Time>(i) * 5 * second, applied(node, i, 1, 7, 0));
      }
    }
    return judge.violations().size();
  };
  EXPECT_GT(after_a_minute(3, false, false), 0U);
  EXPECT_EQ(after_a_minute(3, true, false), 0U);
  EXPECT_EQ(after_a_minute(2, false, false), 0U);
  EXPECT_EQ(after_a_minute(3, false, true), 0U);
  EXPECT_EQ(after_a_minute(3, false, false, true), 0U);
  BeyondIsNamed wrong(shape);
  EXPECT_EQ(found(wrong, {ReplicaStopped{1, shard}}), 1U);
}

TEST(I9, two_leaders_in_a_term_are_noticed) {
  Raft judge(true);
  EXPECT_EQ(found(judge, {spoke(0, 3, {}), spoke(1, 3, {})}), 1U);
  Raft by_role(true);
  EXPECT_EQ(found(by_role, {spoke(0, 3, {}), LeadChanged{1, shard, RaftTerm(3), true}}), 1U);
}

TEST(I9, a_second_vote_in_a_term_is_noticed_and_the_same_one_again_is_not) {
  Raft judge(true);
  EXPECT_EQ(found(judge, {vote(0, 3, 1), vote(0, 3, 1), vote(0, 4, 2)}), 0U);
  Raft twice(true);
  EXPECT_EQ(found(twice, {vote(0, 3, 1), vote(0, 3, 2)}), 1U);
}

TEST(I9, logs_that_agree_on_an_entry_and_differ_in_it_or_below_are_noticed) {
  Raft entries(true), below(true);
  EXPECT_EQ(found(entries, {logged(0, 2, 2, 1, 8), logged(1, 2, 2, 1, 9)}), 1U);
  EXPECT_EQ(found(below, {logged(0, 3, 4, 2, 8), logged(1, 3, 4, 3, 8)}), 1U);
}

TEST(I9, a_leader_without_what_was_committed_before_its_term_is_noticed) {
  Raft lost(true), other(true), short_log(true);
  EXPECT_EQ(found(lost, {applied(0, 1, 1, 5, 0), applied(0, 2, 1, 6, 0), spoke(1, 2, {1})}), 1U);
  EXPECT_EQ(found(other, {applied(0, 1, 1, 5, 0), spoke(1, 3, {2})}), 1U);
  EXPECT_EQ(found(short_log, {applied(0, 1, 1, 5, 0), spoke(1, 3, {}, 1)}), 1U);
}

// An entry of an old term may be committed by a later leader: one elected in between need not have it.
TEST(I9, what_counts_is_the_term_that_committed_an_entry) {
  Raft judge(true);
  EXPECT_EQ(found(judge, {applied(0, 1, 1, 5, 0, 4), spoke(1, 3, {})}), 0U);
  EXPECT_EQ(found(judge, {spoke(2, 5, {})}), 1U);
  Raft compacted(true);
  EXPECT_EQ(found(compacted, {applied(0, 1, 1, 5, 0), applied(0, 2, 1, 6, 0), spoke(1, 2, {1}, 2)}), 0U);
}

TEST(I9, a_refusal_that_names_entries_that_are_not_there_is_noticed) {
  const auto refusal = [](std::uint64_t rejected, std::uint64_t last, std::uint64_t log_last) {
    return RejectionLeft{1, shard, RaftTerm(3), RaftIndex(rejected), RaftIndex(last), RaftIndex(log_last)};
  };
  Raft shorter(true), longer(true), stale(true), garbage(true);
  EXPECT_EQ(found(shorter, {refusal(9, 5, 5)}), 0U);
  EXPECT_EQ(found(longer, {refusal(3, 8, 8)}), 0U);
  EXPECT_EQ(found(stale, {refusal(9, 8, 5)}), 0U);
  EXPECT_EQ(found(garbage, {refusal(9, 1'000'000, 5)}), 1U);
}

TEST(I9, a_committed_entry_that_changes_is_noticed) {
  Raft judge(true);
  EXPECT_EQ(found(judge, {applied(0, 1, 1, 5, 0), applied(1, 1, 2, 6, 0)}), 1U);
}

// --------------------------------------------------------------------------------------------------------------- I10

TEST(I10InACluster, what_leaves_before_its_cause_is_on_disk_is_noticed) {
  const Model model;
  const auto violations = [&](Fact fact) {
    DurableBeforeSaid judge(&model);
    return found(judge, {std::move(fact)});
  };
  EXPECT_EQ(violations(vote(0, 3, 1)), 0U);
  VoteLeft early = vote(0, 3, 1);
  early.durable_term = RaftTerm(2);
  EXPECT_EQ(violations(early), 1U);
  VoteLeft other = vote(0, 3, 1);
  other.durable_vote = ReplicaId(2);
  EXPECT_EQ(violations(other), 1U);

  EXPECT_EQ(violations(ResultLeft{1, shard, RaftTerm(3), RaftIndex(5), RaftTerm(3), RaftIndex(7)}), 0U);
  EXPECT_EQ(violations(ResultLeft{1, shard, RaftTerm(3), RaftIndex(5), RaftTerm(3), RaftIndex(4)}), 1U);
  EXPECT_EQ(violations(ResultLeft{1, shard, RaftTerm(3), RaftIndex(5), RaftTerm(2), RaftIndex(5)}), 1U);

  LeaderSpoke leader = spoke(0, 3, {});
  leader.durable_term = RaftTerm(2);
  EXPECT_EQ(violations(leader), 1U);

  EntryApplied entry = applied(0, 1, 1, 5, 0);
  entry.stored = entry.needed = 2;
  EXPECT_EQ(violations(entry), 0U);
  entry.stored = 1;
  EXPECT_EQ(violations(entry), 1U);
  entry = applied(0, 1, 1, 5, 0);
  entry.synced = false;
  EXPECT_EQ(violations(entry), 1U);
}

TEST(I10InACluster, accepted_needs_a_committed_command) {
  const ConversationId talk = ConversationId::direct(UserId(10), UserId(20));
  const AnswerLeft accepted{2, {talk, UserId(10), DeviceId(1), OutboxSeq(1)}, client::OK, Seq(1), {}};
  Model model;
  DurableBeforeSaid early(&model);
  EXPECT_EQ(found(early, {accepted}), 1U);
  LoggedEntry entry{{0, shard}, RaftIndex(1), {}, {}};
  LoggedSend sent;
  sent.conversation = talk;
  sent.sender = UserId(10);
  sent.device = DeviceId(1);
  sent.number = OutboxSeq(1);
  sent.digest = "digest";
  entry.commands.emplace_back(std::move(sent));
  ASSERT_TRUE(model.apply(entry));
  DurableBeforeSaid judge(&model);
  EXPECT_EQ(found(judge, {accepted}), 0U);
}

// --------------------------------------------------------------------------------------------------------------- I11

TEST(I11InACluster, receipts_may_reach_a_session_by_two_ways_and_a_device_never_goes_back) {
  const ConversationId talk = ConversationId::direct(UserId(10), UserId(20));
  const auto left = [&](std::uint64_t seq) { return MarksLeft{1, SessionId(5), talk, UserId(20), Seq(seq), Seq(seq)}; };
  const auto heard = [&](std::uint64_t seq) { return MarksHeard{0, talk, UserId(20), Seq(seq), Seq(seq)}; };
  MarksGrow overtaken(true), alone, device(true);
  EXPECT_EQ(found(overtaken, {left(17), left(2), heard(17)}), 0U);
  EXPECT_EQ(found(alone, {left(17), left(2)}), 1U);
  EXPECT_EQ(found(device, {heard(17), heard(2)}), 1U);
}

// --------------------------------------------------------------------------------------------------------------- I19

TEST(I19InACluster, is_judged_across_nodes_and_lets_off_a_gateway_that_is_cut_off) {
  const DeviceRevoked out{0, UserId(10), DeviceId(1)};
  const ToldDevice shown{1, UserId(10), DeviceId(1), true};
  const ToldDevice refused{1, UserId(10), DeviceId(1), false};
  Revoked soon(true), late(true), no_content(true), cut(true), healed(true);
  EXPECT_EQ(found(soon, {out, shown}, second), 0U);
  EXPECT_EQ(found(late, {out, shown}, 5 * second), 1U);
  EXPECT_EQ(found(no_content, {out, refused}, 5 * second), 0U);
  EXPECT_EQ(found(cut, {out, PathChanged{0, 1, false}, shown}, 5 * second), 0U);
  EXPECT_EQ(found(healed, {out, PathChanged{0, 1, false}, PathChanged{0, 1, true}, shown}, 5 * second), 1U);
  Revoked alone;
  EXPECT_EQ(found(alone, {out, refused}, 2 * second), 1U);
}

// --------------------------------------------------------------------------------------------------------------- I22

ClusterShape three_nodes() {
  return {{0, 1, 2}, {{0, 1, 2}}};
}
History all_start() {
  return {NodeStarted{0, ""}, NodeStarted{1, ""}, NodeStarted{2, ""}};
}
LeadChanged leads(std::uint32_t node, std::uint64_t term, bool on = true) {
  return {node, shard, RaftTerm(term), on};
}
// Nothing happens, but time is looked at.
void pass(History& history, int times) {
  for (int i = 0; i < times; ++i) history.emplace_back(TrafficCounted{});
}

std::size_t unavailable(const History& history) {
  Available judge(three_nodes());
  return found(judge, history, second);
}

TEST(I22, a_shard_that_is_led_is_available) {
  History history = all_start();
  history.emplace_back(leads(0, 1));
  pass(history, 60);
  EXPECT_EQ(unavailable(history), 0U);
}

TEST(I22, a_healthy_majority_without_a_leader_is_noticed) {
  History history = all_start();
  pass(history, 20);
  EXPECT_EQ(unavailable(history), 1U);
}

TEST(I22, two_of_three_are_a_majority_and_one_is_none) {
  History two = all_start();
  two.emplace_back(leads(0, 1));
  pass(two, 20);
  two.emplace_back(NodeCrashed{0, {}});
  pass(two, 2);
  History late = two;
  pass(late, 10);
  EXPECT_EQ(unavailable(late), 1U);
  two.emplace_back(leads(1, 2));
  pass(two, 20);
  EXPECT_EQ(unavailable(two), 0U);
  two.emplace_back(NodeCrashed{1, {}});
  pass(two, 60);
  EXPECT_EQ(unavailable(two), 0U);
}

TEST(I22, a_leader_that_reaches_no_majority_does_not_count) {
  History history = all_start();
  history.emplace_back(leads(0, 1));
  pass(history, 20);
  for (const std::uint32_t other : {1U, 2U}) {
    history.emplace_back(PathChanged{0, other, false});
    history.emplace_back(PathChanged{other, 0, false});
  }
  History lost = history;
  pass(lost, 20);
  EXPECT_EQ(unavailable(lost), 1U);
  history.emplace_back(leads(2, 2));
  pass(history, 20);
  EXPECT_EQ(unavailable(history), 0U);
}

TEST(I22, leaders_that_are_well_and_lost_again_and_again_are_noticed) {
  enum class How : std::uint8_t { Lost, HandsOver, Slow, Alone };
  const auto lost_each = [](int tenths, How how) {
    History history = all_start();
    history.emplace_back(leads(0, 1));
    pass(history, 200);
    if (how == How::Alone) {  // the leader is well, and reaches nobody
      for (const std::uint32_t other : {1U, 2U}) history.emplace_back(NodeCrashed{other, {}});
    }
    for (std::uint64_t term = 2; term < 12; ++term) {
      const std::uint32_t next = how == How::Alone ? 0 : static_cast<std::uint32_t>((term + 1) % 2);
      history.emplace_back(leads(how == How::Alone ? 0 : 1 - next, term, false));
      if (how == How::Slow) history.emplace_back(NodeHindered{1, 100 * millisecond});
      if (how != How::HandsOver) pass(history, 5);
      history.emplace_back(leads(next, term));
      pass(history, tenths);
    }
    Available judge(three_nodes());
    return found(judge, history, 100 * millisecond);
  };
  EXPECT_GT(lost_each(20, How::Lost), 0U);
  EXPECT_EQ(lost_each(80, How::Lost), 0U);
  EXPECT_EQ(lost_each(20, How::HandsOver), 0U);
  EXPECT_EQ(lost_each(20, How::Slow), 0U);
  EXPECT_EQ(lost_each(20, How::Alone), 0U);
}

TEST(I22, a_slow_leader_leads_on_and_a_paused_one_does_not) {
  History slow = all_start();
  slow.emplace_back(leads(0, 1));
  pass(slow, 20);
  History paused = slow;
  slow.emplace_back(NodeHindered{0, 60 * second});
  pass(slow, 50);
  EXPECT_EQ(unavailable(slow), 0U);
  const auto violations = [&](bool heals) {
    Available judge(three_nodes());
    Time at = 0;
    for (const Fact& fact : paused) judge.see(at += second, fact);
    judge.see(at, OperatorStep{0, "pause"});
    judge.see(at, NodeHindered{0, 60 * second});
    // Seed 111 of several nodes: it led again once all had healed, though its pause was to last longer.
    if (heals) judge.see(at += second, Healed{});
    for (int i = 0; i < 20; ++i) judge.see(at += second, TrafficCounted{});
    return judge.violations().size();
  };
  EXPECT_EQ(violations(false), 1U);
  EXPECT_EQ(violations(true), 0U);
}

// Seed 140 of several nodes: it crashed amid its pause, and leads in its next life.
TEST(I22, a_pause_ends_with_the_life_of_its_node) {
  Available judge(three_nodes());
  Time at = 0;
  for (const Fact& fact : all_start()) judge.see(at += second, fact);
  judge.see(at, OperatorStep{0, "pause"});
  judge.see(at, NodeHindered{0, 600 * second});
  judge.see(at += second, NodeCrashed{0, {}});
  judge.see(at += second, NodeStarted{0, {}});
  judge.see(at += second, leads(0, 1));
  for (int i = 0; i < 20; ++i) judge.see(at += second, TrafficCounted{});
  EXPECT_EQ(judge.violations().size(), 0U);
}

TEST(I22, a_leader_that_stands_still_is_heard_while_its_words_are_on_a_slow_path) {
  for (const bool slow : {true, false}) {
    Available judge(three_nodes());
    for (const Fact& fact : all_start()) judge.see(0, fact);
    judge.see(0, leads(0, 1));
    Time at = 20 * second;
    if (slow) judge.see(at, PathSlowed{0, 1, 60 * second});
    judge.see(at, OperatorStep{0, "pause"});
    judge.see(at, NodeHindered{0, 600 * second});
    const auto pass_time = [&](int seconds) {
      for (int i = 0; i < seconds; ++i) judge.see(at += second, TrafficCounted{});
    };
    pass_time(50);
    EXPECT_EQ(judge.violations().size(), slow ? 0U : 1U);
    pass_time(40);
    EXPECT_EQ(judge.violations().size(), 1U);
  }
}

TEST(I22, who_takes_its_state_from_another_is_of_no_majority_until_it_has_it) {
  Available judge(three_nodes());
  for (const Fact& fact : all_start()) judge.see(0, fact);
  Time at = second;
  const auto pass_time = [&](int seconds) {
    for (int i = 0; i < seconds; ++i) judge.see(at += second, TrafficCounted{});
  };
  judge.see(at, NodeCrashed{0, {}});
  judge.see(at, ReplicaInstalls{1, shard, true});
  pass_time(60);
  EXPECT_EQ(judge.violations().size(), 0U);
  judge.see(at, ReplicaInstalls{1, shard, false});
  pass_time(9);
  EXPECT_EQ(judge.violations().size(), 0U);
  pass_time(10);
  EXPECT_EQ(judge.violations().size(), 1U);
}

TEST(I22, pauses_slow_paths_and_wrong_clocks_excuse) {
  History paused = all_start();
  paused.emplace_back(NodeHindered{0, 60 * second});
  paused.emplace_back(NodeHindered{1, 60 * second});
  pass(paused, 50);
  EXPECT_EQ(unavailable(paused), 0U);
  pass(paused, 30);
  EXPECT_EQ(unavailable(paused), 1U);
  History slow = all_start();
  for (const auto& [from, to] : {std::pair{0U, 1U}, {1U, 2U}, {0U, 2U}}) {
    slow.emplace_back(PathSlowed{from, to, 60 * second});
  }
  pass(slow, 50);
  EXPECT_EQ(unavailable(slow), 0U);
  History clocks = all_start();
  clocks.emplace_back(OperatorStep{0, "wall_jump"});
  clocks.emplace_back(OperatorStep{1, "wall_jump"});
  pass(clocks, 60);
  EXPECT_EQ(unavailable(clocks), 0U);
}

TEST(I22, a_shard_whose_replicas_do_not_hear_each_other_is_excused_until_they_do) {
  History history = all_start();
  history.emplace_back(leads(0, 1));
  pass(history, 20);
  history.emplace_back(ShardSilenced{shard, true});
  history.emplace_back(leads(0, 1, false));
  pass(history, 60);
  history.emplace_back(ShardSilenced{shard, false});
  pass(history, 8);  // the end is looked at too
  EXPECT_EQ(unavailable(history), 0U);
  pass(history, 10);
  EXPECT_EQ(unavailable(history), 1U);
}

}  // namespace
}  // namespace chasqui::sim
