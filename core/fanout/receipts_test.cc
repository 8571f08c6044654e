#include "core/fanout/receipts.h"

#include <gtest/gtest.h>

namespace chasqui::fanout {
namespace {

const ConversationId club = ConversationId::group(UserId(1), 1);

Now at(std::int64_t ms) {
  return {MonoTime{} + milliseconds(ms), WallTime{}};
}

TEST(GroupReceipts, the_first_mark_is_told_at_once_and_the_next_ones_together_a_pause_later) {
  const Limits limits;
  GroupReceipts receipts(limits);
  EXPECT_TRUE(receipts.add(club, {UserId(1), Seq(0), Seq(3)}, at(10)));
  auto due = receipts.take(at(10), 8);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].moved.size(), 1U);
  EXPECT_TRUE(receipts.add(club, {UserId(1), Seq(3), Seq(4)}, at(20)));
  EXPECT_TRUE(receipts.add(club, {UserId(2), Seq(0), Seq(4)}, at(30)));
  EXPECT_TRUE(receipts.add(club, {UserId(1), Seq(4), Seq(9)}, at(40)));
  EXPECT_TRUE(receipts.take(at(900), 8).empty());
  EXPECT_EQ(receipts.next_deadline(), at(10 + static_cast<std::int64_t>(limits.receipt_pause_ms)).mono);
  due = receipts.take(at(1'010), 8);
  ASSERT_EQ(due.size(), 1U);
  ASSERT_EQ(due[0].moved.size(), 2U);
  EXPECT_EQ(due[0].moved[0].above, Seq(3));
  EXPECT_EQ(due[0].moved[0].to, Seq(9));
  EXPECT_EQ(due[0].moved[1].user, UserId(2));
  EXPECT_TRUE(receipts.take(at(3'000), 8).empty());
  EXPECT_EQ(receipts.size(), 0U) << "a group that rests is forgotten";
  EXPECT_EQ(receipts.next_deadline(), MonoTime::never());
}

TEST(GroupReceipts, above_the_bound_a_new_group_is_left_to_ask) {
  const Limits limits;
  GroupReceipts receipts(limits);
  for (std::uint64_t i = 1; i <= bounds::receipt_groups_max; ++i) {
    EXPECT_TRUE(receipts.add(ConversationId::group(UserId(1), i), {UserId(1), Seq(), Seq(1)}, at(0)));
  }
  EXPECT_FALSE(receipts.add(ConversationId::group(UserId(2), 1), {UserId(1), Seq(), Seq(1)}, at(0)));
  EXPECT_TRUE(receipts.add(ConversationId::group(UserId(1), 1), {UserId(2), Seq(), Seq(1)}, at(0)));
  EXPECT_EQ(receipts.take(at(0), 16).size(), 16U) << "a step takes a part";
  receipts.clear();
  EXPECT_EQ(receipts.size(), 0U);
}

}  // namespace
}  // namespace chasqui::fanout
