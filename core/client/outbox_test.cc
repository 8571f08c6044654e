#include "core/client/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/bounds.h"

namespace chasqui::client {
namespace {

const ConversationId chat = ConversationId::direct(UserId(1), UserId(2));
const ConversationId other_chat = ConversationId::direct(UserId(1), UserId(3));
constexpr MonoTime now{1};

Error error(Code code, std::uint64_t next = 0, std::uint32_t after_ms = 0) {
  Error error;
  error.set_code(code);
  error.set_next_outbox_seq(next);
  error.set_retry_after_ms(after_ms);
  return error;
}

class OutboxTest : public ::testing::Test {
 protected:
  OutboxSeq send(const std::string& payload, const ConversationId& conversation = chat) {
    const absl::StatusOr<OutboxSeq> ticket = outbox.send(conversation, payload, Seq());
    EXPECT_TRUE(ticket.ok());
    return *ticket;
  }
  void sync() {
    written += journal.take().size();
    journal.persisted(written);
    outbox.on_persisted();
  }
  // The numbers that leave now.
  std::vector<std::uint64_t> leaving(MonoTime at = now) {
    std::vector<std::uint64_t> numbers;
    while (auto outgoing = outbox.next(at)) numbers.push_back(outgoing->number.value());
    return numbers;
  }
  // The lane's first acceptance, after which messages leave together.
  void prove() {
    const OutboxSeq ticket = send("first");
    sync();
    ASSERT_THAT(leaving(), ::testing::SizeIs(1));
    outbox.on_accepted(chat, ticket, Seq(1), false);
  }

  Random random{Seed{}};
  Journal journal;
  Outbox outbox{journal, random, milliseconds(500), seconds(30)};
  std::uint64_t written = 0;
};

TEST_F(OutboxTest, nothing_leaves_before_its_record_is_synced) {
  send("a");
  EXPECT_TRUE(leaving().empty());
  sync();
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{1}));
  EXPECT_TRUE(leaving().empty());
}

TEST_F(OutboxTest, the_first_message_of_a_connection_goes_alone) {
  send("a");
  send("b");
  sync();
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{1}));
  outbox.on_accepted(chat, OutboxSeq(1), Seq(1), false);
  send("c");
  sync();
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{2, 3}));
}

TEST_F(OutboxTest, each_connection_proves_the_numbers_anew) {
  prove();
  for (const char* body : {"b", "c", "d"}) send(body);
  sync();
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{2, 3, 4}));
  outbox.on_connection_lost();
  // A copy may have connected meanwhile, and used 3 for something else and not 4: together they would overtake each
  // other.
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{2}));
  outbox.on_accepted(chat, OutboxSeq(2), Seq(2), true);
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{3})) << "a retry proves nothing";
  outbox.on_accepted(chat, OutboxSeq(3), Seq(3), false);
  send("e");
  sync();
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{4, 5}));
}

TEST_F(OutboxTest, what_a_journal_holds_goes_one_by_one) {
  for (const std::uint64_t ticket : {1U, 2U, 3U}) {
    JournalSent sent;
    sent.set_ticket(ticket);
    sent.set_payload("x");
    if (ticket == 1) sent.set_outbox_seq(1);
    ASSERT_TRUE(outbox.replay(chat, sent).ok());
  }
  outbox.on_device_changed();
  outbox.number_from_1(chat);
  sync();
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{1}));
}

TEST_F(OutboxTest, at_most_64_are_unanswered) {
  prove();
  for (int i = 0; i < 100; ++i) send("x");
  sync();
  EXPECT_EQ(leaving().size(), 64U);
  outbox.on_accepted(chat, OutboxSeq(3), Seq(3), false);
  // The lowest is still open: its answer must stay in the window.
  EXPECT_TRUE(leaving().empty());
  outbox.on_accepted(chat, OutboxSeq(2), Seq(2), false);
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{66, 67}));
}

TEST_F(OutboxTest, nothing_overtakes_what_must_be_repeated) {
  prove();
  for (int i = 0; i < 4; ++i) send("x");
  sync();
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{2, 3, 4, 5}));
  EXPECT_EQ(outbox.on_error(chat, OutboxSeq(3), error(UNAVAILABLE), now), SendVerdict::Again);
  send("y");
  sync();
  const MonoTime later = now + seconds(1);
  EXPECT_TRUE(leaving(later).empty());  // 2, 4 and 5 are not answered
  outbox.on_accepted(chat, OutboxSeq(2), Seq(2), false);
  EXPECT_EQ(outbox.on_error(chat, OutboxSeq(4), error(OUT_OF_RANGE, 3), now), SendVerdict::Again);
  EXPECT_EQ(outbox.on_error(chat, OutboxSeq(5), error(OUT_OF_RANGE, 3), now), SendVerdict::Again);
  EXPECT_TRUE(leaving(now).empty());
  EXPECT_LE(outbox.next_deadline(), later);
  EXPECT_EQ(leaving(later), (std::vector<std::uint64_t>{3, 4, 5, 6}));
}

TEST_F(OutboxTest, advice_to_wait_is_heeded_and_the_pace_grows_slowly) {
  prove();
  for (int i = 0; i < 10; ++i) send("x");
  sync();
  ASSERT_EQ(leaving().size(), 10U);
  for (std::uint64_t n = 2; n <= 11; ++n) {
    EXPECT_EQ(outbox.on_error(chat, OutboxSeq(n), error(RESOURCE_EXHAUSTED, 0, 60'000), now), SendVerdict::Again);
  }
  EXPECT_TRUE(leaving(now + milliseconds(59'999)).empty());
  const MonoTime later = now + seconds(61);
  EXPECT_EQ(leaving(later), (std::vector<std::uint64_t>{2}));
  outbox.on_accepted(chat, OutboxSeq(2), Seq(2), false);
  EXPECT_EQ(leaving(later), (std::vector<std::uint64_t>{3, 4}));
}

TEST_F(OutboxTest, advice_that_does_not_help_is_followed_ever_more_slowly_and_never_by_more_than_two_seconds) {
  const OutboxSeq ticket = send("a");
  sync();
  MonoTime at = now;
  std::vector<Duration> waits;
  for (int i = 0; i < 60; ++i) {
    ASSERT_THAT(leaving(at), ::testing::SizeIs(1));
    EXPECT_EQ(outbox.on_error(chat, ticket, error(RESOURCE_EXHAUSTED, 0, 100), at), SendVerdict::Again);
    waits.push_back(outbox.next_deadline() - at);
    EXPECT_GE(waits.back(), milliseconds(100));
    EXPECT_LE(waits.back(), milliseconds(2'101));
    at = outbox.next_deadline();
  }
  EXPECT_LE(waits.front(), milliseconds(201));
  Duration late{};
  for (std::size_t i = 10; i < waits.size(); ++i) late = {late.ns + waits[i].ns};
  EXPECT_GT(late.ns / 50, milliseconds(700).ns) << "on average";
}

TEST_F(OutboxTest, a_broken_connection_sends_everything_again_under_the_same_numbers) {
  prove();
  send("a");
  send("b");
  sync();
  ASSERT_EQ(leaving().size(), 2U);
  outbox.on_connection_lost();
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{2}));
  outbox.on_accepted(chat, OutboxSeq(2), Seq(2), false);
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{3}));
}

TEST_F(OutboxTest, a_message_refused_without_a_number_gives_it_to_the_next_and_journals_that_first) {
  prove();
  send("a");
  send("b");
  sync();
  ASSERT_EQ(leaving().size(), 2U);
  EXPECT_EQ(outbox.on_error(chat, OutboxSeq(2), error(PERMISSION_DENIED, 2), now), SendVerdict::Refused);
  EXPECT_EQ(outbox.on_error(chat, OutboxSeq(3), error(OUT_OF_RANGE, 2), now), SendVerdict::Again);
  EXPECT_TRUE(leaving().empty());
  sync();
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(outbox.in_flight_number(chat, OutboxSeq(3)), OutboxSeq(2));
}

TEST_F(OutboxTest, until_its_numbers_are_proven_a_group_is_told_what_is_known_of_it) {
  const ConversationId club = ConversationId::group(UserId(1), 7);
  const OutboxSeq first = *outbox.send(club, "a", Seq(4));
  ASSERT_TRUE(outbox.send(club, "b", Seq(4)).ok());
  sync();
  EXPECT_EQ(outbox.next(now)->known, Seq(4));
  Error member = error(ABORTED);
  member.set_known_seq(9);
  EXPECT_EQ(outbox.on_error(club, first, member, now), SendVerdict::Again);
  EXPECT_EQ(outbox.next(now)->known, Seq(9)) << "at once: it was told what to say";
  EXPECT_EQ(outbox.on_error(club, first, member, now), SendVerdict::Again);
  EXPECT_EQ(outbox.next(now), std::nullopt) << "a server that says so again is not obeyed in a circle";
  outbox.on_connection_lost();
  const MonoTime later = outbox.next_deadline();
  EXPECT_EQ(outbox.next(later)->known, Seq(9));
  outbox.on_accepted(club, first, Seq(10), false);
  EXPECT_EQ(outbox.next(later)->known, std::nullopt);
}

TEST_F(OutboxTest, numbers_that_are_not_ours_call_for_a_new_device) {
  prove();
  send("a");
  sync();
  ASSERT_EQ(leaving().size(), 1U);
  EXPECT_EQ(outbox.on_error(chat, OutboxSeq(2), error(ALREADY_EXISTS), now), SendVerdict::Renew);
  // So does a server that wants what was accepted already.
  outbox.on_connection_lost();
  ASSERT_EQ(leaving().size(), 1U);
  EXPECT_EQ(outbox.on_error(chat, OutboxSeq(2), error(OUT_OF_RANGE, 1), now), SendVerdict::Renew);
}

TEST_F(OutboxTest, under_a_new_device_numbers_start_at_1_and_tickets_stay) {
  prove();
  send("a");
  send("b");
  sync();
  outbox.on_device_changed();
  EXPECT_EQ(outbox.next_unnumbered(), chat);
  EXPECT_EQ(send("c"), OutboxSeq(4));
  sync();
  EXPECT_TRUE(leaving().empty());  // what the old numbers stored must be known first
  EXPECT_EQ(outbox.found(chat, view(blake2b_256("a")), Seq(9)), OutboxSeq(2));
  EXPECT_EQ(outbox.found(chat, view(blake2b_256("z")), Seq(10)), std::nullopt);
  outbox.number_from_1(chat);
  EXPECT_TRUE(leaving().empty());
  sync();
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(outbox.next_unnumbered(), std::nullopt);
}

TEST_F(OutboxTest, conversations_take_turns_and_do_not_hold_up_each_other) {
  send("a");
  send("b", other_chat);
  sync();
  EXPECT_EQ(leaving().size(), 2U);
  EXPECT_EQ(outbox.on_error(chat, OutboxSeq(1), error(UNAVAILABLE, 0, 10'000), now), SendVerdict::Again);
  outbox.on_accepted(other_chat, OutboxSeq(1), Seq(1), false);
  send("c", other_chat);
  sync();
  EXPECT_EQ(leaving(), (std::vector<std::uint64_t>{2}));
}

TEST_F(OutboxTest, a_whole_window_over_the_rate_costs_one_delay_of_the_length_that_the_server_said) {
  send("a");
  sync();
  ASSERT_EQ(leaving(), (std::vector<std::uint64_t>{1}));
  outbox.on_accepted(chat, OutboxSeq(1), Seq(1), false);
  for (int i = 0; i < 20; ++i) send("b");
  sync();
  const std::vector<std::uint64_t> left = leaving();
  ASSERT_GT(left.size(), 1U);
  for (const std::uint64_t n : left) {
    EXPECT_EQ(outbox.on_error(chat, OutboxSeq(n), error(RESOURCE_EXHAUSTED, 0, 113), now), SendVerdict::Again);
  }
  EXPECT_GE(outbox.next_deadline(), now + milliseconds(113));
  EXPECT_LE(outbox.next_deadline(), now + milliseconds(226));
}

TEST_F(OutboxTest, ten_thousand_messages_wait_and_not_one_more) {
  for (std::uint64_t i = 0; i < bounds::outbox_messages_max; ++i) ASSERT_TRUE(outbox.send(chat, "x", Seq()).ok());
  EXPECT_EQ(outbox.send(chat, "x", Seq()).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(outbox.size(), bounds::outbox_messages_max);
}

}  // namespace
}  // namespace chasqui::client
