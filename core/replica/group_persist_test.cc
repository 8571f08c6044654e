// Rules 1, 2 and 3: what must be on the disk before anybody hears of it, or before it is applied.
#include <gtest/gtest.h>

#include "core/replica/test_bench.h"

namespace chasqui::replica {
namespace {

// ------------------------------------------------------------------------------------------ 1: persist before send

std::size_t votes_before_and_after_sync(bool rule, std::size_t& after) {
  Rules rules;
  rules.persist_before_send = rule;
  Bench bench(2, rules);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.receive(bench.vote(1, 5, 1, 1));
  const std::size_t before = bench.sent(peer::RaftMessage::kVoteResult, 1).size();
  bench.sync();
  after = bench.sent(peer::RaftMessage::kVoteResult, 1).size();
  return before;
}

TEST(Rule1, a_vote_leaves_only_when_it_is_on_the_disk) {
  std::size_t after = 0;
  EXPECT_EQ(votes_before_and_after_sync(true, after), 0U);
  EXPECT_EQ(after, 1U);
}

TEST(Rule1, without_it_a_vote_could_be_forgotten_and_given_twice) {
  CHASQUI_NEEDS_SWITCHES();
  std::size_t after = 0;
  EXPECT_EQ(votes_before_and_after_sync(false, after), 1U);
}

TEST(Rule1, messages_that_wait_for_a_slow_disk_keep_their_order_and_are_bounded) {
  Bench bench(2);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.receive(bench.append(1, 5, 1, 1, {}, 1));  // term 5 is not synced
  for (std::uint64_t i = 0; i < 2 * SendFence::waiting_max; ++i) bench.receive(bench.append(1, 5, 1 + i % 7, 1, {}));
  EXPECT_TRUE(bench.out.messages.empty());
  bench.sync();
  const auto sent = bench.sent(peer::RaftMessage::kAppendResult, 1);
  EXPECT_EQ(sent.size(), SendFence::waiting_max);
  EXPECT_EQ(sent[0].append_result().rejected(), 0U);
  EXPECT_EQ(sent[2].append_result().rejected(), 2U);
}

// ---------------------------------------------------------------------------- 2: reports never above a truncation

// The leader of term 2 sent 2..4; that of term 3 has others there; only the first write is synced.
std::vector<peer::RaftMessage> answers_to_the_new_leader(bool rule, Bench** keep = nullptr) {
  Rules rules;
  rules.cut_reports = rule;
  static std::unique_ptr<Bench> bench;
  bench = std::make_unique<Bench>(2, rules);
  bench->have(servers({1, 2, 3}));
  bench->boot();
  bench->receive(bench->append(1, 2, 1, 1, {command_entry(2), command_entry(2), command_entry(2)}));
  bench->receive(bench->append(3, 3, 1, 1, {command_entry(3), command_entry(3), command_entry(3)}));
  bench->take_messages();
  EXPECT_EQ(bench->writes(), 2U);
  bench->sync_to(1);
  if (keep != nullptr) *keep = bench.get();
  return bench->sent(peer::RaftMessage::kAppendResult, 3);
}

TEST(Rule2, a_truncated_write_proves_nothing_of_what_replaced_it) {
  Bench* bench = nullptr;
  EXPECT_TRUE(answers_to_the_new_leader(true, &bench).empty());
  EXPECT_EQ(bench->group->library().last_stored, 1U);
  bench->sync_to(2);
  const auto answers = bench->sent(peer::RaftMessage::kAppendResult, 3);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].append_result().last_index(), 4U);
}

TEST(Rule2, without_it_unsynced_entries_count_as_stored) {
  CHASQUI_NEEDS_SWITCHES();
  Bench* bench = nullptr;
  answers_to_the_new_leader(false, &bench);
  EXPECT_EQ(bench->group->library().last_stored, 4U);
}

TEST(Rule2, a_report_cut_in_the_middle_proves_what_is_left) {
  WriteQueue writes;
  writes.give(RaftIndex(5), RaftIndex(7), false, true);
  writes.give(RaftIndex(6), RaftIndex(6), false, true);
  writes.give(RaftIndex(), RaftIndex(), false, true);
  EXPECT_EQ(writes.sync(1).stored, RaftIndex(5));
  EXPECT_EQ(writes.sync(1).stored, RaftIndex());
  EXPECT_EQ(writes.sync(3).stored, RaftIndex(6));
  EXPECT_EQ(writes.sync(99).stored, RaftIndex());
  EXPECT_EQ(writes.synced(), 3U);
}

// -------------------------------------------------------------------------------- 3: apply what is stored here too

std::size_t applied_before_own_sync(bool rule, std::size_t& after) {
  Rules rules;
  rules.apply_stored_only = rule;
  Bench bench(1, rules);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.lead(2);
  bench.out.committed.clear();
  const auto index = bench.propose("x");
  EXPECT_TRUE(index.ok());
  bench.receive(bench.append_result(2, index->value()));
  bench.receive(bench.append_result(3, index->value()));
  EXPECT_EQ(bench.group->commit_index(), *index);  // two of three have it
  const std::size_t before = bench.out.committed.size();
  bench.sync();
  after = bench.out.committed.size();
  return before;
}

TEST(Rule3, what_the_others_committed_is_applied_only_when_it_is_on_this_disk_too) {
  std::size_t after = 0;
  EXPECT_EQ(applied_before_own_sync(true, after), 0U);
  EXPECT_EQ(after, 1U);
}

TEST(Rule3, without_it_the_state_could_be_ahead_of_the_log_after_a_crash) {
  CHASQUI_NEEDS_SWITCHES();
  std::size_t after = 0;
  EXPECT_EQ(applied_before_own_sync(false, after), 1U);
}

}  // namespace
}  // namespace chasqui::replica
