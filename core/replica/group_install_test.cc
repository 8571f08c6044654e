// Rules 2, 3, 11 and 23 while a snapshot is installed, and what a crash leaves of it.
#include <gtest/gtest.h>

#include "core/replica/image.h"
#include "core/replica/test_bench.h"

namespace chasqui::replica {
namespace {

peer::RaftMessage offer(const Bench& bench, std::uint64_t leader, std::uint64_t term, std::uint64_t index,
                        std::uint64_t index_term) {
  peer::RaftMessage message = bench.from(leader, term);
  auto* install = message.mutable_install();
  install->set_last_index(index);
  install->set_last_term(index_term);
  install->set_configuration_index(1);
  *install->mutable_configuration() = servers({1, 2, 3});
  return message;
}

// Follows leader 1 in term 3 with the log up to 3, and is offered the state at 20.
void lag(Bench& bench) {
  bench.have(servers({1, 2, 3}));
  bench.boot();
  bench.receive(bench.append(1, 3, 1, 1, {command_entry(3, "a"), command_entry(3, "b")}, 2));
  bench.sync();
  ASSERT_EQ(bench.group->delivered(), RaftIndex(2));
  bench.take_messages();
}
void begin(Bench& bench) {
  lag(bench);
  bench.receive(offer(bench, 1, 3, 20, 3));
  ASSERT_NE(bench.group->installing(), nullptr);
}
void ingested(Bench& bench, std::uint64_t applied) {
  bench.run([&](Outputs& out) { bench.group->ingested(bench.now(), RaftIndex(applied), out); });
}

TEST(Install, replaces_log_and_descriptor_when_the_state_is_there) {
  Bench bench(2);
  begin(bench);
  EXPECT_EQ(bench.group->installing()->index, RaftIndex(20));
  bench.out = Outputs();
  ingested(bench, 20);
  ASSERT_EQ(bench.out.appends.size(), 1U);
  EXPECT_TRUE(bench.out.appends[0].reset);
  EXPECT_EQ(bench.out.appends[0].snapshot->index, RaftIndex(20));
  EXPECT_NE(bench.group->installing(), nullptr);  // not before it is synced
  EXPECT_TRUE(bench.sent(peer::RaftMessage::kAppendResult, 1).empty());
  bench.sync();
  EXPECT_EQ(bench.group->installing(), nullptr);
  EXPECT_EQ(bench.group->commit_index(), RaftIndex(20));
  EXPECT_EQ(bench.group->last_index(), RaftIndex(20));
  const auto answers = bench.sent(peer::RaftMessage::kAppendResult, 1);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].append_result().last_index(), 20U);
  // And it goes on from there.
  bench.receive(bench.append(1, 3, 20, 3, {command_entry(3, "c")}, 21));
  bench.sync();
  ASSERT_FALSE(bench.out.committed.empty());
  EXPECT_EQ(bench.out.committed.back().index, RaftIndex(21));
}

TEST(Install, a_state_newer_than_its_descriptor_is_not_applied_to_twice) {
  Bench bench(2);
  begin(bench);
  ingested(bench, 22);
  bench.sync();
  bench.out = Outputs();
  bench.receive(
      bench.append(1, 3, 20, 3, {command_entry(3, "21"), command_entry(3, "22"), command_entry(3, "23")}, 23));
  bench.sync();
  ASSERT_EQ(bench.out.committed.size(), 1U);
  EXPECT_EQ(bench.out.committed[0].index, RaftIndex(23));
}

// The configuration that a second offer brings is freed by nobody if the library is shown it: the leak check sees it.
TEST(Rule11, offers_during_an_install_leak_nothing_and_change_nothing) {
  Bench bench(2);
  begin(bench);
  for (int i = 0; i < 10; ++i) bench.receive(offer(bench, 1, 3, 20, 3));
  bench.receive(offer(bench, 1, 3, 30, 3));
  EXPECT_EQ(bench.group->installing()->index, RaftIndex(20));
  ingested(bench, 20);
  bench.sync();
  EXPECT_EQ(bench.group->last_index(), RaftIndex(20));
}

[[maybe_unused]] void leak_one() {
  Rules rules;
  rules.empty_installs = false;
  Bench bench(2, rules);
  begin(bench);
  for (int i = 0; i < 3; ++i) bench.receive(offer(bench, 1, 3, 20, 3));
  bench.group.reset();
}

#if defined(__SANITIZE_ADDRESS__)
extern "C" int __lsan_do_recoverable_leak_check();
TEST(Rule11, without_it_the_library_leaks_each_of_them) {
  CHASQUI_NEEDS_SWITCHES();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        leak_one();
        std::_Exit(__lsan_do_recoverable_leak_check() != 0 ? 23 : 0);
      },
      testing::ExitedWithCode(23), "");
}
#endif

TEST(Rule2, what_was_under_way_when_an_install_began_proves_nothing) {
  Bench bench(2);
  lag(bench);
  bench.receive(bench.append(1, 3, 3, 3, {command_entry(3, "late")}, 2));
  bench.receive(offer(bench, 1, 3, 20, 3));
  ASSERT_NE(bench.group->installing(), nullptr);
  bench.sync();
  EXPECT_EQ(bench.group->library().last_stored, 0U);
  EXPECT_EQ(bench.group->delivered(), RaftIndex(2));
  ingested(bench, 20);
  bench.sync();
  EXPECT_EQ(bench.group->library().last_stored, 20U);
}

TEST(Rule3, nothing_is_applied_during_an_install) {
  Bench bench(2);
  lag(bench);
  bench.out = Outputs();
  bench.receive(offer(bench, 1, 3, 20, 3));
  bench.receive(bench.append(1, 3, 20, 3, {}, 20));  // its commit index is of the log that comes
  bench.receive(bench.append(1, 3, 20, 3, {command_entry(3, "x"), change_entry(3, servers({1, 2, 3}, {4}))}, 22));
  bench.sync();
  EXPECT_TRUE(bench.out.committed.empty());
  EXPECT_EQ(bench.group->last_index(), RaftIndex(3));  // the disk's log is the old one
}

TEST(Rule23, nothing_is_compacted_during_an_install) {
  Bench bench(2);
  begin(bench);
  bench.run([&](Outputs& out) { EXPECT_FALSE(bench.group->compact(bench.now(), RaftIndex(2), 0, out)); });
}

TEST(Rule23, a_descriptor_under_way_is_forgotten_when_an_install_begins) {
  Bench bench(2);
  lag(bench);
  bench.run([&](Outputs& out) { EXPECT_TRUE(bench.group->compact(bench.now(), RaftIndex(2), 0, out)); });
  bench.receive(offer(bench, 1, 3, 20, 3));
  bench.sync();
  EXPECT_EQ(bench.group->snapshot_index(), RaftIndex());
  ingested(bench, 20);
  bench.sync();
  EXPECT_EQ(bench.group->snapshot_index(), RaftIndex(20));
}

TEST(Install, neither_votes_nor_stands_meanwhile) {
  Bench bench(2);
  begin(bench);
  bench.take_messages();
  bench.ms += 5'000;
  bench.tick();
  EXPECT_TRUE(bench.sent(peer::RaftMessage::kVote, 3).empty());
  bench.receive(bench.vote(3, 4, 50, 3));
  bench.sync();
  const auto answers = bench.sent(peer::RaftMessage::kVoteResult, 3);
  for (const auto& answer : answers) EXPECT_FALSE(answer.vote_result().granted());
}

TEST(Install, a_new_leader_meanwhile_hears_of_it_at_the_end) {
  Bench bench(2);
  begin(bench);
  bench.receive(bench.append(3, 5, 40, 5, {command_entry(5)}, 30));
  bench.receive(offer(bench, 3, 5, 35, 5));
  ingested(bench, 20);
  bench.sync();
  EXPECT_EQ(bench.group->leader(), ReplicaId(3));
  const auto answers = bench.sent(peer::RaftMessage::kAppendResult, 3);
  ASSERT_FALSE(answers.empty());
  EXPECT_EQ(answers.back().append_result().last_index(), 20U);
  bench.receive(offer(bench, 3, 5, 35, 5));
  ASSERT_NE(bench.group->installing(), nullptr);
  EXPECT_EQ(bench.group->installing()->index, RaftIndex(35));
}

TEST(Install, an_offer_of_what_the_log_has_is_answered_at_once) {
  Bench bench(2);
  lag(bench);
  bench.receive(offer(bench, 1, 3, 2, 3));
  EXPECT_EQ(bench.group->installing(), nullptr);
  const auto answers = bench.sent(peer::RaftMessage::kAppendResult, 1);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].append_result().last_index(), 2U);
}

TEST(Rule8, an_offer_of_an_older_term_is_answered_with_nothing_that_reads_as_success) {
  Bench bench(2);
  lag(bench);
  bench.receive(bench.append(3, 7, 3, 3, {command_entry(7)}, 2));
  bench.sync();
  bench.take_messages();
  bench.receive(offer(bench, 1, 3, 20, 3));
  EXPECT_EQ(bench.group->installing(), nullptr);
  const auto answers = bench.sent(peer::RaftMessage::kAppendResult, 1);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].append_result().last_index(), 0U);
  EXPECT_EQ(answers[0].term(), 7U);
}

TEST(Install, a_crash_before_the_state_is_there_starts_from_the_old_log) {
  Bench bench(2);
  begin(bench);
  bench.disk.crash(false);
  bench.boot(RaftIndex(2));
  EXPECT_EQ(bench.group->installing(), nullptr);
  EXPECT_EQ(bench.group->last_index(), RaftIndex(3));
  bench.receive(offer(bench, 1, 4, 20, 3));
  EXPECT_NE(bench.group->installing(), nullptr);
}

// The state was replaced, the write that makes the log fit was not made.
void crash_between(Bench& bench, std::uint64_t applied) {
  begin(bench);
  bench.disk.crash(false);
  ReplicaImage image = bench.disk.image(ShardId());
  const Ingested ingested{{RaftIndex(20), RaftTerm(3), serialize(servers({1, 2, 3})), RaftIndex(1)},
                          RaftIndex(applied)};
  EXPECT_FALSE(check_image(image, RaftIndex(applied)).ok());  // by itself it contradicts its state
  ASSERT_TRUE(finish_install(image, ingested));
  EXPECT_FALSE(finish_install(image, ingested));
  bench.begin_life();
  bench.run([&](Outputs& out) {
    const auto status =
        bench.group->start(bench.now(), {std::move(image), RaftIndex(applied), ingested, Group::OnDisk::OldLog}, out);
    EXPECT_TRUE(status.ok()) << status;
  });
  EXPECT_FALSE(bench.group->running());
  bench.sync();
}

TEST(Install, a_crash_between_state_and_log_ends_it_at_the_next_start) {
  Bench bench(2);
  crash_between(bench, 22);
  ASSERT_TRUE(bench.group->running());
  EXPECT_EQ(bench.group->last_index(), RaftIndex(20));
  EXPECT_EQ(bench.group->term(), RaftTerm(3));
  const ReplicaImage image = bench.disk.image(ShardId());
  EXPECT_EQ(image.snapshot.index, RaftIndex(20));
  EXPECT_TRUE(image.entries.empty());
}

TEST(Install, a_state_ahead_of_its_log_is_accepted_only_as_it_came) {
  Bench bench(2);
  crash_between(bench, 22);
  const ReplicaImage image = bench.disk.image(ShardId());
  const Ingested came{{RaftIndex(20), RaftTerm(3), image.snapshot.configuration, RaftIndex(1)}, RaftIndex(22)};
  EXPECT_TRUE(check_image(image, RaftIndex(22), came).ok());
  EXPECT_FALSE(check_image(image, RaftIndex(22)).ok());
  EXPECT_FALSE(check_image(image, RaftIndex(23), came).ok());
  Ingested other = came;
  other.descriptor.index = RaftIndex(21);
  EXPECT_FALSE(check_image(image, RaftIndex(22), other).ok());
}

}  // namespace
}  // namespace chasqui::replica
