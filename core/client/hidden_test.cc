#include "core/client/hidden.h"

#include <gtest/gtest.h>

#include "core/base/bounds.h"

namespace chasqui::client {
namespace {

const ConversationId chat = ConversationId::direct(UserId(1), UserId(2));
constexpr MonoTime now{};

HiddenEvents answer(std::uint64_t hides, std::vector<std::uint64_t> ranges) {
  HiddenEvents events;
  events.set_conversation(chat.str());
  events.set_hides(hides);
  events.mutable_ranges()->Assign(ranges.begin(), ranges.end());
  return events;
}

struct Device {
  Journal journal;
  Hidden hidden{journal};
  bool hears(std::uint64_t hides, std::vector<std::uint64_t> ranges) {
    bool is_news = false;
    EXPECT_TRUE(hidden.on_answer(chat, answer(hides, std::move(ranges)), is_news));
    return is_news;
  }
};

TEST(Hidden, what_is_hidden_here_is_said_until_the_server_has_it) {
  Device device;
  EXPECT_FALSE(device.hidden.next_request(now).has_value());
  ASSERT_TRUE(device.hidden.hide(chat, 3, 5).ok());
  EXPECT_TRUE(device.hidden.is_hidden(chat, Seq(4)));
  EXPECT_FALSE(device.hidden.is_confirmed(chat, Seq(4)));
  const auto said = device.hidden.next_request(now);
  ASSERT_TRUE(said && said->hide);
  EXPECT_EQ(said->hide->first_seq(), 3U);
  EXPECT_EQ(said->hide->last_seq(), 5U);
  EXPECT_FALSE(device.hidden.next_request(now).has_value()) << "one at a time";
  device.hidden.on_connection_lost();
  EXPECT_TRUE(device.hidden.next_request(now).has_value());
  device.hidden.on_error(chat, false, now + seconds(1));
  EXPECT_FALSE(device.hidden.next_request(now).has_value());
  EXPECT_EQ(device.hidden.next_deadline(), now + seconds(1));
  EXPECT_TRUE(device.hidden.next_request(now + seconds(1)).has_value());
  EXPECT_FALSE(device.hears(1, {3, 5}));
  EXPECT_TRUE(device.hidden.is_confirmed(chat, Seq(4)));
  EXPECT_FALSE(device.hidden.next_request(now + seconds(9)).has_value());
}

TEST(Hidden, what_another_device_hides_is_asked_for_when_the_index_says_so) {
  Device device;
  device.hidden.note(chat, 0);
  EXPECT_FALSE(device.hidden.is_lacking());
  device.hidden.note(chat, 2);
  EXPECT_TRUE(device.hidden.is_lacking());
  const auto asked = device.hidden.next_request(now);
  ASSERT_TRUE(asked && !asked->hide);
  EXPECT_TRUE(device.hears(2, {7, 7}));
  EXPECT_TRUE(device.hidden.is_hidden(chat, Seq(7)));
  EXPECT_FALSE(device.hidden.is_lacking());
  device.hidden.note(chat, 2);
  EXPECT_FALSE(device.hidden.is_lacking()) << "it knows that one";
}

// Seed 482627979.
TEST(Hidden, what_is_hidden_while_the_answer_is_on_its_way_is_asked_for_again) {
  Device device;
  device.hidden.note(chat, 2);
  ASSERT_TRUE(device.hidden.next_request(now).has_value());
  device.hidden.note(chat, 3);
  EXPECT_TRUE(device.hears(2, {7, 7}));
  EXPECT_TRUE(device.hidden.is_lacking());
  const auto again = device.hidden.next_request(now);
  ASSERT_TRUE(again && !again->hide);
  EXPECT_TRUE(device.hears(3, {7, 9}));
  EXPECT_FALSE(device.hidden.is_lacking());
  EXPECT_FALSE(device.hidden.next_request(now).has_value());
}

// As a server that was restored might.
TEST(Hidden, a_count_that_the_server_does_not_stand_by_is_asked_for_once) {
  Device device;
  device.hidden.note(chat, 9);
  ASSERT_TRUE(device.hidden.next_request(now).has_value());
  EXPECT_TRUE(device.hears(2, {7, 7}));
  EXPECT_FALSE(device.hidden.is_lacking());
  EXPECT_FALSE(device.hidden.next_request(now).has_value());
}

TEST(Hidden, a_journal_brings_back_what_was_hidden_and_what_is_still_to_be_said) {
  Device device;
  ASSERT_TRUE(device.hidden.hide(chat, 3, 3).ok());
  (void)device.hidden.next_request(now);
  (void)device.hears(1, {3, 3});
  ASSERT_TRUE(device.hidden.hide(chat, 9, 9).ok());
  std::vector<JournalRecord> records;
  device.hidden.compact(records);
  ASSERT_EQ(records.size(), 1U);
  Device again;
  ASSERT_TRUE(again.hidden.replay(chat, records[0].hidden()).ok());
  EXPECT_TRUE(again.hidden.is_confirmed(chat, Seq(3)));
  EXPECT_TRUE(again.hidden.is_hidden(chat, Seq(9)));
  const auto said = again.hidden.next_request(now);
  ASSERT_TRUE(said && said->hide);
  EXPECT_EQ(said->hide->first_seq(), 9U);
  JournalHidden damaged = records[0].hidden();
  damaged.add_ranges(1);
  EXPECT_FALSE(again.hidden.replay(chat, damaged).ok());
}

TEST(Hidden, there_is_an_end_to_the_stretches) {
  Device device;
  for (std::uint64_t i = 0; i < bounds::hidden_ranges_max; ++i) {
    ASSERT_TRUE(device.hidden.hide(chat, 2 * i + 1, 2 * i + 1).ok());
  }
  EXPECT_TRUE(absl::IsResourceExhausted(device.hidden.hide(chat, 10'000, 10'000)));
  EXPECT_TRUE(device.hidden.hide(chat, 2, 2).ok()) << "it joins two";
  EXPECT_TRUE(device.hidden.hide(chat, 10'000, 10'000).ok());
}

TEST(Hidden, a_restored_server_is_told_all_again) {
  Device device;
  device.hidden.note(chat, 1);
  (void)device.hidden.next_request(now);
  (void)device.hears(1, {3, 4});
  device.hidden.on_history_restored();
  EXPECT_TRUE(device.hidden.is_hidden(chat, Seq(3)));
  const auto said = device.hidden.next_request(now);
  ASSERT_TRUE(said && said->hide);
  EXPECT_EQ(said->hide->last_seq(), 4U);
}

TEST(Hidden, nonsense_is_told_apart) {
  Device device;
  bool is_news = false;
  device.hidden.note(chat, 1);
  (void)device.hidden.next_request(now);
  EXPECT_FALSE(device.hidden.on_answer(chat, answer(1, {5, 4}), is_news));
  EXPECT_FALSE(device.hidden.on_answer(ConversationId::direct(UserId(1), UserId(3)), answer(1, {1, 2}), is_news));
}

}  // namespace
}  // namespace chasqui::client
