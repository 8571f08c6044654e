// Rules 13, 14, 19, 20, 21 and 23, and the lease: a leader's life.
// Over 400 lines because each rule has its script, and each script its line of time.
#include <gtest/gtest.h>

#include "core/replica/test_bench.h"

namespace chasqui::replica {
namespace {

Rules rules_with(bool Rules::* rule, bool on) {
  Rules rules;
  rules.*rule = on;
  return rules;
}

// ------------------------------------------------------------------------- 13: a sole voter leads only in a new term

// One voter and a standby. An entry reaches the standby, is not synced, and is lost in a crash: {that entry's term,
// the term of what then stands at its index}.
std::pair<RaftTerm, RaftTerm> terms_at_one_index(bool rule) {
  Bench bench(1, rules_with(&Rules::sole_voter_new_term, rule));
  bench.have(servers({1}, {2}));
  bench.boot();
  bench.sync();
  EXPECT_TRUE(bench.group->leads());
  bench.receive(bench.append_result(2, bench.group->last_index().value()));
  bench.take_messages();
  const auto index = bench.propose("lost");
  const auto sent = bench.sent(peer::RaftMessage::kAppend, 2);
  EXPECT_EQ(sent.size(), 1U);
  const RaftTerm first(sent.at(0).append().entries(0).term());
  bench.crash_and_boot();
  bench.sync();
  EXPECT_TRUE(bench.propose("other").ok());
  return {first, bench.group->tail().term_of(*index)};
}

TEST(Rule13, a_restarted_sole_voter_leads_in_another_term) {
  const auto [first, second] = terms_at_one_index(true);
  EXPECT_LT(first, second);
}

TEST(Rule13, without_it_a_standby_may_hold_another_entry_of_the_same_index_and_term) {
  CHASQUI_NEEDS_SWITCHES();
  const auto [first, second] = terms_at_one_index(false);
  EXPECT_EQ(first, second);
}

TEST(Rule13, it_leads_only_when_the_new_term_is_on_the_disk) {
  Bench bench(1);
  bench.have(servers({1}), {command_entry(4)}, 4);
  bench.boot();
  EXPECT_FALSE(bench.group->running());
  ASSERT_EQ(bench.out.appends.size(), 1U);
  EXPECT_EQ(*bench.out.appends[0].hard_state, (HardState{RaftTerm(5), ReplicaId(1)}));
  bench.tick();
  bench.receive(bench.append(2, 9, 1, 1, {}));
  EXPECT_FALSE(bench.group->running());
  bench.sync();
  EXPECT_TRUE(bench.group->leads());
  EXPECT_EQ(bench.group->term(), RaftTerm(5));
}

// A sole voter was told of a higher term and follows: the term in which it leads again.
RaftTerm term_after_stepping_down(bool rule, RaftTerm heard) {
  Bench bench(1, rules_with(&Rules::sole_voter_new_term, rule));
  bench.have(servers({1}, {2}));
  bench.boot();
  bench.sync();
  bench.group->know(ReplicaId(7));
  bench.receive(bench.append(7, heard.value(), 1, 1, {}));  // one that was removed, and believes to lead
  bench.sync();
  EXPECT_FALSE(bench.group->is_leader());
  for (int i = 0; i < 3 && !bench.group->is_leader(); ++i) {
    bench.sleep_until_deadline();
    bench.sync();
  }
  EXPECT_TRUE(bench.group->leads());
  return bench.group->term();
}

TEST(Rule13, a_sole_voter_that_followed_leads_in_a_term_of_its_own) {
  EXPECT_EQ(term_after_stepping_down(true, RaftTerm(9)), RaftTerm(10));
}

TEST(Rule13, without_it_one_term_has_two_leaders) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_EQ(term_after_stepping_down(false, RaftTerm(9)), RaftTerm(9));
}

TEST(Rule13, timeout_now_does_not_make_a_sole_voter_lead_in_an_old_term) {
  for (const bool rule : {true, false}) {
    if (!rule && !rules_can_be_switched) continue;
    Bench bench(1, rules_with(&Rules::sole_voter_new_term, rule));
    bench.have(servers({1}, {2}));
    bench.boot();
    bench.sync();
    bench.group->know(ReplicaId(7));
    bench.receive(bench.append(7, 9, 1, 1, {}));
    bench.sync();
    auto now = bench.from(7, 9);
    now.mutable_timeout_now()->set_last_index(bench.group->last_index().value());
    now.mutable_timeout_now()->set_last_term(bench.group->tail().term_of(bench.group->last_index()).value());
    bench.receive(now);
    EXPECT_EQ(bench.group->is_leader(), !rule);
  }
}

// --------------------------------------------------------------------------------------------- 14: barrier at once

TEST(Rule14, a_new_leader_adds_an_entry_of_its_term_and_leads_when_it_is_committed) {
  Bench bench(1);
  bench.have(servers({1, 2, 3}));  // last == commit: the library adds nothing
  bench.boot();
  bench.elect(2);
  EXPECT_EQ(bench.group->last_index(), RaftIndex(2));
  EXPECT_EQ(bench.out.appends.back().entries.at(0).type, EntryType::Barrier);
  EXPECT_FALSE(bench.group->leads());
  EXPECT_EQ(bench.change(servers({1, 2, 3}, {4})).code(), absl::StatusCode::kFailedPrecondition);
  bench.sync();
  EXPECT_FALSE(bench.group->leads());
  bench.receive(bench.append_result(2, 2));
  EXPECT_TRUE(bench.group->leads());
  EXPECT_TRUE(bench.change(servers({1, 2, 3}, {4})).ok());
}

TEST(Rule14, the_librarys_own_barrier_counts_too) {
  Bench bench(1);
  bench.have(servers({1, 2, 3}), {command_entry(2), command_entry(2)});
  bench.boot();
  bench.elect(2);
  EXPECT_EQ(bench.group->last_index(), RaftIndex(4));
  EXPECT_EQ(bench.out.appends.back().entries.at(0).type, EntryType::Barrier);
  bench.sync();
  bench.receive(bench.append_result(2, 4));
  EXPECT_TRUE(bench.group->leads());
  EXPECT_EQ(bench.group->delivered(), RaftIndex(4));
}

TEST(Rule14, without_it_a_change_is_accepted_before_an_entry_of_the_term_is_committed) {
  CHASQUI_NEEDS_SWITCHES();
  Bench bench(1, rules_with(&Rules::barrier_at_once, false));
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.elect(2);
  EXPECT_EQ(bench.group->last_index(), RaftIndex(1));
  EXPECT_TRUE(bench.change(servers({1, 2, 3}, {4})).ok());
}

// ------------------------------------------------------------------------------------------------- 19: transfer

TEST(Rule19, leadership_goes_only_to_one_that_has_everything) {
  for (const bool rule : {true, false}) {
    if (!rule && !rules_can_be_switched) continue;
    Bench bench(1, rules_with(&Rules::check_transfers, rule));
    bench.have(servers({1, 2, 3}));
    bench.boot();
    bench.lead(2);
    absl::Status status;
    bench.run([&](Outputs& out) { status = bench.group->transfer(bench.now(), ReplicaId(3), out); });  // it lags
    EXPECT_EQ(status.ok(), !rule) << status;
    if (!rule) {
      EXPECT_FALSE(bench.propose("held up for nothing").ok());
    }
  }
}

TEST(Rule19, during_a_transfer_nothing_is_proposed_and_afterwards_it_is) {
  Bench bench(1);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.lead(2);
  bench.run([&](Outputs& out) {
    EXPECT_EQ(bench.group->transfer(bench.now(), ReplicaId(9), out).code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(bench.group->transfer(bench.now(), ReplicaId(2), out).ok());
  });
  EXPECT_EQ(bench.sent(peer::RaftMessage::kTimeoutNow, 2).size(), 1U);
  EXPECT_EQ(bench.propose("x").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(bench.group->reads_fresh(bench.now()));
  for (int i = 0; i < 8; ++i) {  // the target does not stand, and goes on answering
    bench.sleep_until_deadline();
    bench.receive(bench.append_result(2, bench.group->last_index().value()));
  }
  EXPECT_TRUE(bench.group->is_leader());
  EXPECT_TRUE(bench.propose("x").ok());
}

// -------------------------------------------------------------------------------------------- 20: timeouts when due

std::size_t sent_at_once_after_spurious_timeouts(bool rule) {
  Bench bench(1, rules_with(&Rules::timeouts_when_due, rule));
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.lead(2);
  bench.ms += 10;
  EXPECT_TRUE(bench.propose("a").ok());
  bench.receive(bench.append_result(2, bench.group->last_index().value()));
  for (int i = 0; i < 3; ++i) {
    bench.ms += 1;
    bench.tick();
  }
  bench.take_messages();
  EXPECT_TRUE(bench.propose("b").ok());
  return bench.sent(peer::RaftMessage::kAppend, 2).size();
}

TEST(Rule20, a_spurious_tick_changes_nothing) {
  EXPECT_EQ(sent_at_once_after_spurious_timeouts(true), 1U);
}

TEST(Rule20, without_it_followers_fall_back_to_probe) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_EQ(sent_at_once_after_spurious_timeouts(false), 0U);
}

TEST(Rule20, time_that_goes_back_changes_nothing) {
  Bench bench(1);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.lead(2);
  const MonoTime due = bench.group->deadline();
  bench.ms -= 5'000;
  bench.tick();
  EXPECT_TRUE(bench.propose("x").ok());
  EXPECT_TRUE(bench.group->is_leader());
  EXPECT_GE(bench.group->deadline(), due);
}

// ------------------------------------------------------------------------------------- 21: first entry after idling

std::size_t entries_sent_at_once_to_one_in_probe(bool rule) {
  Bench bench(1, rules_with(&Rules::wake_idle_followers, rule));
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.lead(2);  // 3 has never answered: it is in probe
  for (int i = 0; i < 5; ++i) {
    bench.sleep_until_deadline();
    bench.receive(bench.append_result(2, bench.group->last_index().value()));
  }
  bench.ms += 10;  // in the middle of a heartbeat interval
  bench.take_messages();
  EXPECT_TRUE(bench.propose("x").ok());
  return bench.sent(peer::RaftMessage::kAppend, 3).size();
}

TEST(Rule21, after_a_pause_the_first_entry_goes_out_at_once) {
  EXPECT_EQ(entries_sent_at_once_to_one_in_probe(true), 1U);
}

TEST(Rule21, without_it_it_waits_for_a_heartbeat) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_EQ(entries_sent_at_once_to_one_in_probe(false), 0U);
}

// ------------------------------------------------------------------------------------------------------ 23: snapshots

// What a new standby that has nothing is sent, after a snapshot at index 1 was tried: {entries, snapshots}.
std::pair<int, int> sent_to_a_newcomer(bool rule) {
  Bench bench(1, rules_with(&Rules::check_snapshots, rule));
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.lead(2);
  bool compacted = false;
  bench.run([&](Outputs& out) { compacted = bench.group->compact(bench.now(), RaftIndex(1), 0, out); });
  EXPECT_EQ(compacted, !rule);
  bench.sync();
  EXPECT_TRUE(bench.change(servers({1, 2, 3}, {4})).ok());
  int entries = 0;
  int snapshots = 0;
  for (int i = 0; i < 10; ++i) {
    for (const auto& message : bench.take_messages()) {
      if (message.to() == 2) bench.receive(bench.append_result(2, bench.group->last_index().value()));
      if (message.to() != 4) continue;
      if (message.has_install()) ++snapshots;
      if (!message.has_append()) continue;
      if (message.append().prev_index() == 0) {
        entries += message.append().entries_size();
        bench.receive(bench.append_result(4, 0));
      } else {
        bench.receive(bench.append_result(4, 0, message.append().prev_index()));
      }
    }
    bench.sleep_until_deadline();
  }
  return {entries, snapshots};
}

TEST(Rule23, a_newcomer_is_sent_the_log) {
  const auto [entries, snapshots] = sent_to_a_newcomer(true);
  EXPECT_GT(entries, 0);
}

TEST(Rule23, without_it_a_newcomer_is_sent_nothing_for_ever) {
  CHASQUI_NEEDS_SWITCHES();
  const auto [entries, snapshots] = sent_to_a_newcomer(false);
  EXPECT_EQ(entries, 0);
  EXPECT_EQ(snapshots, 0);
}

TEST(Rule23, a_snapshot_is_of_what_is_applied_and_never_goes_back) {
  Bench bench(1);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.lead(2);
  ASSERT_TRUE(bench.propose("a").ok());
  ASSERT_TRUE(bench.propose("b").ok());
  bench.sync();
  bench.receive(bench.append_result(2, 3));
  const auto compact = [&](std::uint64_t index) {
    bool done = false;
    bench.run([&](Outputs& out) { done = bench.group->compact(bench.now(), RaftIndex(index), 0, out); });
    return done;
  };
  EXPECT_FALSE(compact(4));  // not committed
  EXPECT_TRUE(compact(3));
  EXPECT_FALSE(compact(3));  // its descriptor is under way
  bench.sync();
  EXPECT_FALSE(compact(3));
  EXPECT_FALSE(compact(2));
  EXPECT_EQ(bench.group->snapshot_index(), RaftIndex(3));
}

TEST(Rule23, a_newcomer_of_a_compacted_group_is_sent_the_snapshot_with_its_configuration) {
  Bench bench(1);
  bench.have(servers({1}));
  bench.boot();
  bench.sync();
  EXPECT_EQ(bench.change(servers({1}, {2})).code(), absl::StatusCode::kFailedPrecondition);  // 1 and 2 are let go of
  bench.run([&](Outputs& out) { EXPECT_TRUE(bench.group->compact(bench.now(), RaftIndex(2), 0, out)); });
  bench.sync();
  ASSERT_TRUE(bench.change(servers({1}, {2})).ok());
  bench.sync();
  peer::RaftMessage install;
  for (int i = 0; i < 5; ++i) {
    for (const auto& message : bench.take_messages()) {
      if (message.has_install()) install = message;
      if (message.has_append()) bench.receive(bench.append_result(2, 0, message.append().prev_index()));
    }
    bench.sleep_until_deadline();
  }
  EXPECT_EQ(install.install().last_index(), 2U);
  EXPECT_EQ(install.install().configuration_index(), 1U);
  EXPECT_EQ(serialize(install.install().configuration()), serialize(servers({1})));
}

// -------------------------------------------------------------------------------------------------- the lease (R5)

TEST(FreshReads, end_four_fifths_of_an_election_timeout_after_a_quorum_was_last_asked) {
  Bench bench(1);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.lead(2);
  EXPECT_FALSE(bench.group->reads_fresh(bench.now()));  // nobody has echoed a stamp
  bench.sleep_until_deadline();
  const auto asked = bench.sent(peer::RaftMessage::kAppend, 2).back();
  const std::int64_t asked_ms = bench.ms;
  bench.ms += 50;
  bench.receive(bench.append_result(2, bench.group->last_index().value(), 0, asked.append().sent_at()));
  EXPECT_TRUE(bench.group->reads_fresh(bench.now()));
  bench.ms = asked_ms + 399;
  EXPECT_TRUE(bench.group->reads_fresh(bench.now()));
  bench.ms = asked_ms + 400;
  EXPECT_FALSE(bench.group->reads_fresh(bench.now()));
}

TEST(FreshReads, a_follower_echoes_the_newest_stamp_of_its_leader_only) {
  Bench bench(2);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  auto message = bench.append(1, 5, 1, 1, {});
  message.mutable_append()->set_sent_at(70);
  bench.receive(message);
  message.mutable_append()->set_sent_at(60);
  bench.receive(message);
  auto stale = bench.append(3, 4, 1, 1, {});
  stale.mutable_append()->set_sent_at(99);
  bench.receive(stale);
  bench.sync();
  const auto answers = bench.sent(peer::RaftMessage::kAppendResult, 1);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].append_result().echo(), 70U);
  EXPECT_EQ(answers[1].append_result().echo(), 70U);
  EXPECT_EQ(bench.sent(peer::RaftMessage::kAppendResult, 3).at(0).append_result().echo(), 0U);
}

TEST(FreshReads, a_replica_just_restarted_gives_no_vote_for_one_election_timeout) {
  Bench bench(2);
  bench.have(servers({1, 2, 3}));
  bench.boot(RaftIndex(), false);
  bench.ms += 499;
  bench.receive(bench.vote(1, 5, 1, 1));
  bench.sync();
  EXPECT_TRUE(bench.out.messages.empty());
  bench.receive(bench.vote(1, 5, 1, 1, false, true));  // the target of a transfer may
  bench.sync();
  EXPECT_EQ(bench.sent(peer::RaftMessage::kVoteResult, 1).size(), 1U);
}

TEST(FreshReads, do_not_come_back_after_an_aborted_transfer_until_its_target_answered_a_later_question) {
  Lease lease;
  const std::vector<ReplicaId> voters = {ReplicaId(1), ReplicaId(2), ReplicaId(3)};
  const auto at = [](std::int64_t ms) { return MonoTime{ms * 1'000'000}; };
  const auto holds = [&](std::int64_t ms) { return lease.holds(voters, ReplicaId(1), at(ms), milliseconds(500)); };
  lease.echoed(ReplicaId(2), Lease::stamp(at(100)));
  EXPECT_TRUE(holds(100));
  lease.transfer_began(ReplicaId(3), at(110));
  EXPECT_FALSE(holds(110));
  lease.echoed(ReplicaId(2), Lease::stamp(at(700)));
  EXPECT_FALSE(holds(700));  // 3 may be standing right now
  lease.echoed(ReplicaId(3), Lease::stamp(at(720)));
  EXPECT_TRUE(holds(730));
  lease.reset();
  EXPECT_FALSE(holds(730));
}

}  // namespace
}  // namespace chasqui::replica
