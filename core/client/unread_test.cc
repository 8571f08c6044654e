#include "core/client/unread.h"

#include <gtest/gtest.h>

namespace chasqui::client {
namespace {

const ConversationId talk = ConversationId::direct(UserId(1), UserId(2));

Event event(std::uint64_t seq, std::uint64_t messages) {
  Event event;
  event.set_seq(seq);
  event.set_messages(messages);
  return event;
}

TEST(Unread, an_event_that_comes_again_or_late_counts_once) {
  Unread unread;
  EXPECT_EQ(unread.on_event(talk, event(1, 1), false)->unread, 1U);
  EXPECT_EQ(unread.on_event(talk, event(3, 2), false)->unread, 2U);
  EXPECT_FALSE(unread.on_event(talk, event(3, 2), false).has_value());
  EXPECT_FALSE(unread.on_event(talk, event(2, 1), false).has_value()) << "a reaction, and late";
  EXPECT_EQ(unread.of(talk).unread(), 2U);
}

TEST(Unread, an_own_message_raises_nothing_before_the_server_says_that_it_is_not_unread) {
  Unread unread;
  EXPECT_FALSE(unread.on_event(talk, event(1, 1), true).has_value());
  EXPECT_FALSE(unread.merge(talk, {1, 1, 0, 0}).has_value());
  EXPECT_EQ(unread.of(talk).unread(), 0U);
}

TEST(Unread, what_is_read_here_is_known_at_once_if_it_is_all_there_is) {
  Unread unread;
  (void)unread.on_event(talk, event(1, 1), false);
  (void)unread.on_event(talk, event(2, 2), false);
  EXPECT_FALSE(unread.on_read(talk, Seq(1)).has_value()) << "how many lie below, the server knows";
  EXPECT_EQ(unread.on_read(talk, Seq(2))->unread, 0U);
  EXPECT_FALSE(unread.merge(talk, {2, 1, 0, 0}).has_value()) << "said before that was read";
  EXPECT_EQ(unread.merge(talk, {5, 2, 1, 0})->unread, 3U);
  EXPECT_EQ(unread.of(talk).unread_mentions(), 1U);
}

TEST(Unread, numbers_that_come_apart_never_go_below_nothing) {
  Unread unread;
  EXPECT_FALSE(unread.merge(talk, {0, 7, 0, 3}).has_value());
  EXPECT_EQ(unread.of(talk).unread(), 0U);
  EXPECT_EQ(unread.of(talk).unread_mentions(), 0U);
  EXPECT_EQ(unread.merge(talk, {9, 7, 4, 3})->unread, 2U);
}

TEST(Unread, what_was_heard_and_is_in_no_journal_is_recorded_once) {
  Unread unread;
  (void)unread.merge(talk, {9, 7, 4, 3});
  EXPECT_FALSE(unread.merge(talk, {9, 7, 4, 3}).has_value()) << "a page says what a Head has said";
  const auto record = unread.take_unrecorded(talk);
  ASSERT_TRUE(record.has_value());
  EXPECT_FALSE(unread.take_unrecorded(talk).has_value());
  Unread again;
  again.replay(talk, record->counts());
  EXPECT_FALSE(again.take_unrecorded(talk).has_value());
  EXPECT_EQ(again.of(talk), unread.of(talk));
}

TEST(Unread, the_journal_keeps_them) {
  Unread unread;
  (void)unread.merge(talk, {9, 7, 4, 3});
  Unread again;
  again.replay(talk, unread.record(talk).counts());
  EXPECT_EQ(again.of(talk), unread.of(talk));
  EXPECT_EQ(again.conversations().size(), 1U);
  unread.forget_all();
  EXPECT_EQ(unread.of(talk), Counts());
}

}  // namespace
}  // namespace chasqui::client
