// Rules 7, 8, 9, 10, 12 and 24: what peers say, and what is said to them.
#include <gtest/gtest.h>

#include <cstring>

#include "core/replica/group_messages.h"
#include "core/replica/test_bench.h"

namespace chasqui::replica {
namespace {

// ----------------------------------------------------------------------------------- 7: what is committed is trimmed

// A follower has 1..5 committed and compacted up to 4; the leader's first message comes again, with previous index 0.
void resend_from_the_beginning(bool rule, Bench** keep) {
  Rules rules;
  rules.trim_committed = rule;
  static std::unique_ptr<Bench> bench;
  bench = std::make_unique<Bench>(2, rules);
  bench->have(servers({1, 2, 3}));
  bench->boot();
  const std::vector<LogEntry> rest(4, command_entry(1));
  bench->receive(bench->append(1, 1, 1, 1, rest, 5));
  bench->sync();
  EXPECT_EQ(bench->group->delivered(), RaftIndex(5));
  bench->run([&](Outputs& out) { EXPECT_TRUE(bench->group->compact(bench->now(), RaftIndex(4), 0, out)); });
  bench->sync();
  EXPECT_EQ(bench->group->tail().base(), RaftIndex(4));
  bench->take_messages();
  bench->out.appends.clear();
  std::vector<LogEntry> all = {change_entry(1, servers({1, 2, 3}))};
  all.insert(all.end(), rest.begin(), rest.end());
  all.push_back(command_entry(1, "new"));
  bench->receive(bench->append(1, 1, 0, 0, all, 5));
  *keep = bench.get();
}

TEST(Rule7, a_resent_message_from_the_beginning_brings_only_what_is_new) {
  Bench* bench = nullptr;
  resend_from_the_beginning(true, &bench);
  ASSERT_EQ(bench->out.appends.size(), 1U);
  EXPECT_EQ(bench->out.appends[0].first_index, RaftIndex(6));
  ASSERT_EQ(bench->out.appends[0].entries.size(), 1U);
  EXPECT_EQ(*bench->out.appends[0].entries[0].payload, "new");
  bench->sync();
  EXPECT_EQ(bench->sent(peer::RaftMessage::kAppendResult, 1).back().append_result().last_index(), 6U);
}

TEST(Rule7, without_it_the_log_is_corrupt) {
  CHASQUI_NEEDS_SWITCHES();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Bench* bench = nullptr;
  EXPECT_DEATH(resend_from_the_beginning(false, &bench), "");
}

TEST(Rule7, a_message_wholly_below_the_commit_index_is_answered_with_it) {
  Bench bench(2);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.receive(bench.append(1, 1, 1, 1, {command_entry(1), command_entry(1), command_entry(1)}, 4));
  bench.sync();
  bench.take_messages();
  bench.receive(bench.append(1, 1, 1, 1, {command_entry(1)}, 4));
  const auto answers = bench.sent(peer::RaftMessage::kAppendResult, 1);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].append_result().rejected(), 0U);
  EXPECT_EQ(answers[0].append_result().last_index(), 4U);
}

TEST(Rule7, a_leader_that_contradicts_what_is_committed_stops_this_replica_and_nothing_is_lost) {
  Bench bench(2);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.receive(bench.append(1, 1, 1, 1, {command_entry(1)}, 2));
  bench.sync();
  const std::size_t writes = bench.writes();
  bench.receive(bench.append(3, 7, 1, 1, {command_entry(7)}, 2));
  EXPECT_EQ(bench.group->stopped().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(bench.writes(), writes);
  EXPECT_EQ(bench.group->deadline(), MonoTime::never());
  bench.receive(bench.append(1, 1, 2, 1, {command_entry(1)}, 2));
  EXPECT_EQ(bench.writes(), writes);
}

// --------------------------------------------------------------------------------------- 8: answers to a stale leader

#if defined(__SANITIZE_ADDRESS__)
__attribute__((no_sanitize("address")))
#endif
__attribute__((noinline)) void
dirty_the_stack() {
  volatile unsigned char bytes[16'384];
  for (auto& byte : bytes) byte = 0x5a;
}

std::uint64_t last_index_told_to_a_stale_leader(bool rule) {
  Rules rules;
  rules.correct_stale_answers = rule;
  Bench bench(2, rules);
  bench.have(servers({1, 2, 3}), {command_entry(1)}, 9);
  bench.boot();
  const auto message = bench.append(1, 3, 0, 0, {});
  dirty_the_stack();
  bench.receive(message);
  const auto answers = bench.sent(peer::RaftMessage::kAppendResult, 1);
  EXPECT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers.at(0).term(), 9U);
  EXPECT_EQ(answers.at(0).append_result().rejected(), 0U);
  return answers.at(0).append_result().last_index();
}

TEST(Rule8, a_stale_leader_is_told_nothing_that_reads_as_success) {
  EXPECT_EQ(last_index_told_to_a_stale_leader(true), 0U);
}

TEST(Rule8, without_it_it_is_told_whatever_lay_on_the_stack) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_NE(last_index_told_to_a_stale_leader(false), 0U);
}

TEST(Rule8, a_stale_message_with_a_previous_entry_is_refused) {
  Bench bench(2);
  bench.have(servers({1, 2, 3}), {command_entry(1)}, 9);
  bench.boot();
  bench.receive(bench.append(1, 3, 2, 1, {command_entry(3)}));
  const auto answers = bench.sent(peer::RaftMessage::kAppendResult, 1);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].append_result().rejected(), 2U);
  EXPECT_EQ(answers[0].append_result().last_index(), 1U);
}

// ------------------------------------------------------------------------------------ 9: vote results while candidate

RaftTerm term_after_a_late_vote_result(bool rule) {
  Rules rules;
  rules.votes_only_while_candidate = rule;
  Bench bench(2, rules);
  bench.have(servers({1, 2, 3}), {}, 4);
  bench.boot();
  bench.receive(bench.vote_result(1, 6, false, false));
  return bench.group->term();
}

TEST(Rule9, a_late_vote_result_at_a_follower_is_dropped) {
  EXPECT_EQ(term_after_a_late_vote_result(true), RaftTerm(4));
}

TEST(Rule9, without_it_the_library_reads_it_by_a_candidates_fields) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_NE(term_after_a_late_vote_result(false), RaftTerm(4));
}

// ------------------------------------------------------------------------------ 10: a refusal carries the refuser's
// term

std::uint64_t term_of_a_refused_pre_vote(bool rule) {
  Rules rules;
  rules.refusal_carries_term = rule;
  Bench bench(2, rules);
  bench.have(servers({1, 2, 3}), {command_entry(1), command_entry(2)}, 9);
  bench.boot();
  bench.receive(bench.vote(1, 3, 1, 1, true));
  const auto answers = bench.sent(peer::RaftMessage::kVoteResult, 1);
  EXPECT_EQ(answers.size(), 1U);
  EXPECT_FALSE(answers.at(0).vote_result().granted());
  return answers.at(0).term();
}

TEST(Rule10, a_refused_pre_vote_teaches_the_higher_term) {
  EXPECT_EQ(term_of_a_refused_pre_vote(true), 9U);
}

TEST(Rule10, without_it_the_asker_never_learns_it) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_EQ(term_of_a_refused_pre_vote(false), 3U);
}

// -------------------------------------------------------------------------------------------- 12: a standby votes

bool vote_of_a_standby(bool rule) {
  Rules rules;
  rules.standby_votes = rule;
  Bench bench(3, rules);
  bench.have(servers({1, 2}, {3}));  // it may be a voter in a change that it has not received
  bench.boot();
  bench.receive(bench.vote(2, 5, 4, 3));
  bench.sync();
  const auto answers = bench.sent(peer::RaftMessage::kVoteResult, 2);
  EXPECT_EQ(answers.size(), 1U);
  EXPECT_EQ(bench.group->configuration().servers(2).role(), peer::Server::STANDBY);
  return answers.at(0).vote_result().granted();
}

TEST(Rule12, a_standby_gives_its_vote) {
  EXPECT_TRUE(vote_of_a_standby(true));
}

TEST(Rule12, without_it_a_majority_that_is_up_elects_nobody) {
  CHASQUI_NEEDS_SWITCHES();
  EXPECT_FALSE(vote_of_a_standby(false));
}

// ----------------------------------------------------------------------------------- 24: malformed and foreign
// messages

std::vector<peer::RaftMessage> malformed(const Bench& bench) {
  std::vector<peer::RaftMessage> all;
  all.push_back(bench.append(1, 0, 1, 1, {}));                                    // no term
  all.push_back(bench.append(2, 5, 1, 1, {}));                                    // from ourselves
  all.push_back(bench.append(9, 5, 1, 1, {}));                                    // from a stranger
  all.push_back(bench.append(1, 5, 1, 0, {}));                                    // an index without its term
  all.push_back(bench.append(1, 5, 0, 1, {}));                                    // a term without its index
  all.push_back(bench.append(1, 5, 1, 6, {}));                                    // a previous term above the message's
  all.push_back(bench.append(1, 5, 1, 1, {command_entry(0)}));                    // an entry without a term
  all.push_back(bench.append(1, 5, 1, 1, {command_entry(6)}));                    // of a term to come
  all.push_back(bench.append(1, 5, 1, 1, {command_entry(4), command_entry(3)}));  // falling terms
  all.push_back(bench.append(1, 5, std::uint64_t{1} << 63, 1, {}));               // an index that would wrap
  all.push_back(bench.append(1, std::uint64_t{1} << 63, 1, 1, {}));               // a term that would
  LogEntry bad{RaftTerm(5), EntryType::Change, std::make_shared<const std::string>("\x0a\x80")};
  all.push_back(bench.append(1, 5, 1, 1, {bad}));  // a configuration that does not decode
  all.push_back(bench.append(1, 5, 1, 1, {command_entry(5, std::string(1'048'577, 'x'))}));  // one byte too much
  all.push_back(bench.append(1, 5, 1, 1, std::vector<LogEntry>(append_entries_max + 1, command_entry(5))));
  auto unknown = bench.append(1, 5, 1, 1, {command_entry(5)});
  unknown.mutable_append()->mutable_entries(0)->set_type(static_cast<peer::RaftEntry::Type>(77));
  all.push_back(unknown);
  all.push_back(bench.vote(1, 5, 7, 0));
  all.push_back(bench.vote(1, 5, 7, 9));
  auto elsewhere = bench.append(1, 5, 1, 1, {});
  elsewhere.set_to(3);
  all.push_back(elsewhere);
  all.push_back(bench.from(1, 5));  // nothing in it
  auto install = bench.from(1, 5);
  install.mutable_install()->set_last_index(9);
  all.push_back(install);
  return all;
}

TEST(Rule24, malformed_and_foreign_messages_change_nothing) {
  Bench bench(2);
  bench.have(servers({1, 2, 3}), {}, 2);
  bench.boot();
  for (const auto& message : malformed(bench)) {
    bench.receive(message);
    EXPECT_EQ(bench.group->term(), RaftTerm(2)) << message.ShortDebugString();
    EXPECT_EQ(bench.writes(), 0U) << message.ShortDebugString();
    EXPECT_TRUE(bench.out.messages.empty()) << message.ShortDebugString();
  }
  bench.receive(bench.append(1, 5, 1, 1, {command_entry(5)}));
  EXPECT_EQ(bench.writes(), 1U);  // and the replica still listens
}

TEST(Rule24, without_it_an_entry_of_a_term_to_come_lands_in_the_log) {
  CHASQUI_NEEDS_SWITCHES();
  Rules rules;
  rules.check_messages = false;
  Bench bench(2, rules);
  bench.have(servers({1, 2, 3}), {}, 2);
  bench.boot();
  bench.receive(bench.append(1, 5, 1, 1, {command_entry(6)}));
  ASSERT_EQ(bench.out.appends.size(), 1U);
  EXPECT_EQ(bench.out.appends[0].entries.at(0).term, RaftTerm(6));
}

TEST(Rule24, a_second_leader_of_our_own_term_is_not_heard) {
  Bench bench(1);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.lead(2);
  bench.take_messages();
  const std::size_t writes = bench.writes();
  bench.receive(bench.append(3, bench.group->term().value(), 1, 1, {command_entry(1)}));
  EXPECT_TRUE(bench.group->leads());
  EXPECT_EQ(bench.writes(), writes);
}

TEST(Rule24, one_that_the_cluster_map_knows_is_heard_before_its_change_arrives) {
  Bench bench(2);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.receive(bench.append(4, 5, 1, 1, {command_entry(5)}));
  EXPECT_EQ(bench.writes(), 0U);
  bench.group->know(ReplicaId(4));
  bench.receive(bench.append(4, 5, 1, 1, {command_entry(5)}));
  EXPECT_EQ(bench.writes(), 1U);
}

TEST(Rule22, a_repeated_refusal_of_what_a_follower_has_is_ignored) {
  Bench bench(1);
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.lead(2);
  const std::uint64_t last = bench.group->last_index().value();
  bench.take_messages();
  bench.receive(bench.append_result(2, last - 1, last));
  EXPECT_TRUE(bench.sent(peer::RaftMessage::kAppend, 2).empty());
  ASSERT_TRUE(bench.propose("x").ok());
  EXPECT_EQ(bench.sent(peer::RaftMessage::kAppend, 2).size(), 1U);  // still in pipeline
}

}  // namespace
}  // namespace chasqui::replica
