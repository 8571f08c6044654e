#include "core/fanout/notify.h"

#include <gtest/gtest.h>

namespace chasqui::fanout {
namespace {

const ConversationId both = ConversationId::direct(UserId(3), UserId(4));

peer::NotifyBatch batch(std::uint64_t id, std::uint64_t head, std::uint64_t user = 3) {
  peer::NotifyBatch frame;
  frame.set_from_shard(1);
  frame.set_to_shard(2);
  frame.set_from_term(9);
  frame.set_batch(id);
  peer::NotifyItem& item = *frame.add_items();
  item.set_user(user);
  item.set_conversation(both.str());
  item.set_head(head);
  return frame;
}

struct NotifyTest : ::testing::Test {
  Limits limits;
  Notify notify{limits};
  Now now{MonoTime{}, WallTime{}};
  log::Notify command;
  std::vector<BatchName> completes;
};

TEST_F(NotifyTest, neighbours_share_one_mark_and_one_entry) {
  ASSERT_TRUE(notify.add(batch(1, 5), NodeId(1), now));
  ASSERT_TRUE(notify.add(batch(2, 7), NodeId(1), now));
  ASSERT_TRUE(notify.add(batch(3, 6), NodeId(1), now));
  EXPECT_FALSE(notify.take(now, false, command, completes)) << "it lingers";
  now.mono = notify.next_deadline();
  ASSERT_TRUE(notify.take(now, false, command, completes));
  ASSERT_EQ(command.marks_size(), 1);
  EXPECT_EQ(command.marks(0).head(), 7U);
  EXPECT_EQ(completes.size(), 3U);
  EXPECT_EQ(notify.next_deadline(), MonoTime::never());
}

TEST_F(NotifyTest, a_hello_sees_marks_until_they_are_applied) {
  ASSERT_TRUE(notify.add(batch(1, 5), NodeId(1), now));
  absl::btree_map<ConversationId, Owed> pending;
  notify.pending(UserId(3), pending);
  EXPECT_EQ(pending[both].head, 5U);
  ASSERT_TRUE(notify.take(now, true, command, completes));
  pending.clear();
  notify.pending(UserId(3), pending);
  EXPECT_EQ(pending[both].head, 5U) << "proposed is not yet applied";
  notify.applied(command);
  pending.clear();
  notify.pending(UserId(3), pending);
  EXPECT_TRUE(pending.empty());
  notify.pending(UserId(4), pending);
  EXPECT_TRUE(pending.empty());
}

TEST_F(NotifyTest, what_was_refused_is_proposed_again_with_its_batches) {
  ASSERT_TRUE(notify.add(batch(1, 5), NodeId(1), now));
  ASSERT_TRUE(notify.take(now, true, command, completes));
  notify.give_back(command, std::move(completes), now);
  log::Notify again;
  std::vector<BatchName> batches;
  now.mono = notify.next_deadline();
  ASSERT_TRUE(notify.take(now, false, again, batches));
  EXPECT_EQ(again.marks(0).head(), 5U);
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].batch, 1U);
}

TEST_F(NotifyTest, a_flood_is_cut_into_commands_and_no_batch_is_acknowledged_early) {
  for (std::uint64_t i = 0; i < 600; ++i) ASSERT_TRUE(notify.add(batch(i + 1, 1, 10 + i), NodeId(1), now));
  std::size_t marks = 0;
  int commands = 0;
  while (notify.take(now, true, command, completes)) {
    marks += static_cast<std::size_t>(command.marks_size());
    ++commands;
    EXPECT_EQ(completes.empty(), marks < 600) << "only the command that empties the queue completes batches";
    command.Clear();
  }
  EXPECT_EQ(marks, 600U);
  EXPECT_EQ(commands, 3);
  EXPECT_EQ(completes.size(), 600U);
}

TEST_F(NotifyTest, there_is_a_limit) {
  std::uint64_t taken = 0;
  while (taken < 1'000'000 && notify.add(batch(taken + 1, 1, 10 + taken), NodeId(1), now)) ++taken;
  EXPECT_EQ(taken, Notify::waiting_max);
}

}  // namespace
}  // namespace chasqui::fanout
