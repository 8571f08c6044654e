#include "core/client/inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/digest.h"

namespace chasqui::client {
namespace {

const ConversationId chat = ConversationId::direct(UserId(1), UserId(2));
constexpr MonoTime now{1};

Event event(std::uint64_t seq, const std::string& payload = "x") {
  Event event;
  event.set_seq(seq);
  event.set_payload(payload);
  event.set_digest(std::string(view(blake2b_256(payload))));
  return event;
}

HistoryPage page(std::uint64_t first, std::uint64_t last, std::uint64_t head) {
  HistoryPage page;
  page.set_conversation(chat.str());
  for (std::uint64_t seq = first; seq <= last; ++seq) *page.add_events() = event(seq);
  page.set_head(head);
  return page;
}

class InboxTest : public ::testing::Test {
 protected:
  std::vector<std::uint64_t> sync(std::uint64_t records = 1'000'000) {
    handed_out += journal.take().size();
    persisted = std::min(handed_out, persisted + records);
    journal.persisted(persisted);
    std::vector<Received> received;
    inbox.on_persisted(received);
    std::vector<std::uint64_t> seqs;
    for (const Received& one : received) seqs.push_back(one.event.seq());
    return seqs;
  }
  Random random{Seed{}};
  Journal journal;
  Inbox inbox{journal, random, milliseconds(500), seconds(30), true};
  std::uint64_t handed_out = 0;
  std::uint64_t persisted = 0;
};

using Seqs = std::vector<std::uint64_t>;

TEST_F(InboxTest, an_event_is_heard_only_once_it_is_on_disk) {
  ASSERT_TRUE(inbox.on_event(chat, event(1)).ok());
  ASSERT_TRUE(inbox.on_event(chat, event(2)).ok());
  EXPECT_EQ(inbox.taken(chat), Seq());
  EXPECT_EQ(sync(1), Seqs{1});
  EXPECT_EQ(inbox.taken(chat), Seq(1));
  EXPECT_EQ(inbox.not_shown().size(), 1U);
  EXPECT_EQ(sync(), Seqs{2});
}

TEST_F(InboxTest, a_push_that_comes_twice_is_heard_once) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(inbox.on_event(chat, event(1)).ok());
  EXPECT_EQ(sync(), Seqs{1});
  ASSERT_TRUE(inbox.on_event(chat, event(1)).ok());
  EXPECT_TRUE(sync().empty());
}

TEST_F(InboxTest, a_gap_is_fetched_and_what_came_above_it_is_not_asked_again) {
  ASSERT_TRUE(inbox.on_event(chat, event(1)).ok());
  ASSERT_TRUE(inbox.on_event(chat, event(4)).ok());
  EXPECT_EQ(sync(), Seqs{1});
  const std::optional<Fetch> fetch = inbox.next_fetch(now);
  ASSERT_TRUE(fetch.has_value());
  EXPECT_EQ(fetch->after, Seq(1));
  EXPECT_EQ(fetch->limit, 2U);
  EXPECT_FALSE(inbox.next_fetch(now).has_value());
  ASSERT_TRUE(inbox.on_page(chat, page(2, 3, 4), now).ok());
  EXPECT_EQ(sync(), (Seqs{2, 3, 4}));
  EXPECT_FALSE(inbox.next_fetch(now).has_value());
}

TEST_F(InboxTest, a_long_gap_is_filled_page_by_page) {
  inbox.note_head(chat, Seq(450));
  std::uint64_t asked = 0;
  while (auto fetch = inbox.next_fetch(now)) {
    ++asked;
    const std::uint64_t first = fetch->after.value() + 1;
    ASSERT_TRUE(inbox.on_page(chat, page(first, std::min<std::uint64_t>(first + 199, 450), 450), now).ok());
    sync();
  }
  EXPECT_EQ(asked, 3U);
  EXPECT_EQ(inbox.taken(chat), Seq(450));
}

TEST_F(InboxTest, a_false_head_is_asked_for_once) {
  inbox.note_head(chat, Seq(1'000'000));
  ASSERT_TRUE(inbox.next_fetch(now).has_value());
  ASSERT_TRUE(inbox.on_page(chat, page(1, 2, 2), now).ok());
  EXPECT_FALSE(inbox.next_fetch(now + seconds(100)).has_value());
  EXPECT_EQ(sync(), (Seqs{1, 2}));
}

TEST_F(InboxTest, what_does_not_fit_its_digest_is_not_taken) {
  Event damaged = event(1);
  damaged.set_payload("y");
  EXPECT_EQ(inbox.on_event(chat, damaged).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(inbox.on_event(chat, event(0)).ok());
  EXPECT_FALSE(inbox.on_event(chat, event(std::uint64_t{1} << 63)).ok());
  EXPECT_TRUE(sync().empty());
  ASSERT_TRUE(inbox.on_event(chat, event(1)).ok());
  EXPECT_EQ(sync(), Seqs{1});
}

TEST_F(InboxTest, a_page_with_a_hole_is_not_believed) {
  inbox.note_head(chat, Seq(3));
  ASSERT_TRUE(inbox.next_fetch(now).has_value());
  EXPECT_FALSE(inbox.on_page(chat, page(2, 3, 3), now).ok());
}

TEST_F(InboxTest, at_most_256_wait_above_a_gap_and_the_rest_is_fetched) {
  for (std::uint64_t seq = 2; seq <= 400; ++seq) ASSERT_TRUE(inbox.on_event(chat, event(seq)).ok());
  std::optional<Fetch> fetch = inbox.next_fetch(now);
  ASSERT_TRUE(fetch.has_value());
  EXPECT_EQ(fetch->limit, 1U);
  ASSERT_TRUE(inbox.on_page(chat, page(1, 1, 400), now).ok());
  sync();
  EXPECT_EQ(inbox.taken(chat), Seq(257));
  fetch = inbox.next_fetch(now);
  ASSERT_TRUE(fetch.has_value());
  EXPECT_EQ(fetch->after, Seq(257));
}

TEST_F(InboxTest, what_a_slow_disk_cannot_take_is_fetched_later) {
  for (std::uint64_t seq = 1; seq <= Inbox::unsynced_events_max + 100; ++seq) {
    ASSERT_TRUE(inbox.on_event(chat, event(seq)).ok());
  }
  EXPECT_FALSE(inbox.next_fetch(now).has_value());  // no room
  EXPECT_EQ(sync().size(), Inbox::unsynced_events_max);
  const std::optional<Fetch> fetch = inbox.next_fetch(now);
  ASSERT_TRUE(fetch.has_value());
  EXPECT_EQ(fetch->after, Seq(Inbox::unsynced_events_max));
}

TEST_F(InboxTest, eight_conversations_are_fetched_at_once) {
  for (std::uint64_t i = 2; i < 30; ++i) inbox.note_head(ConversationId::direct(UserId(1), UserId(i)), Seq(1));
  int fetches = 0;
  while (inbox.next_fetch(now)) ++fetches;
  EXPECT_EQ(fetches, 8);
}

TEST_F(InboxTest, a_refused_fetch_is_repeated_later_and_a_forbidden_one_never) {
  inbox.note_head(chat, Seq(1));
  ASSERT_TRUE(inbox.next_fetch(now).has_value());
  Error error;
  error.set_code(UNAVAILABLE);
  error.set_retry_after_ms(1'000);
  inbox.on_fetch_error(chat, error, now);
  EXPECT_FALSE(inbox.next_fetch(now + milliseconds(999)).has_value());
  const MonoTime later = now + milliseconds(1'001);
  EXPECT_LE(inbox.next_deadline(now), later);
  ASSERT_TRUE(inbox.next_fetch(later).has_value());
  error.set_code(PERMISSION_DENIED);
  inbox.on_fetch_error(chat, error, later);
  EXPECT_FALSE(inbox.next_fetch(later + seconds(100)).has_value());
}

TEST_F(InboxTest, after_a_failure_a_new_gap_is_still_fetched) {
  inbox.note_head(chat, Seq(1));
  ASSERT_TRUE(inbox.next_fetch(now).has_value());
  Error error;
  error.set_code(UNAVAILABLE);
  inbox.on_fetch_error(chat, error, now);
  ASSERT_TRUE(inbox.on_event(chat, event(1)).ok());  // pushed meanwhile
  ASSERT_TRUE(inbox.on_event(chat, event(3)).ok());
  EXPECT_TRUE(inbox.next_fetch(now + seconds(1)).has_value());
}

TEST_F(InboxTest, a_failure_of_a_fetch_that_was_not_needed_any_more_holds_up_no_later_one) {
  inbox.note_head(chat, Seq(1));
  ASSERT_TRUE(inbox.next_fetch(now).has_value());
  ASSERT_TRUE(inbox.on_event(chat, event(1)).ok());  // pushed before the error comes
  Error error;
  error.set_code(UNAVAILABLE);
  inbox.on_fetch_error(chat, error, now);
  EXPECT_FALSE(inbox.next_fetch(now + seconds(100)).has_value());
  ASSERT_TRUE(inbox.on_event(chat, event(3)).ok());
  EXPECT_TRUE(inbox.next_fetch(now + seconds(101)).has_value());
}

TEST_F(InboxTest, what_was_shown_is_not_kept) {
  for (std::uint64_t seq = 1; seq <= 3; ++seq) ASSERT_TRUE(inbox.on_event(chat, event(seq)).ok());
  sync(2);
  inbox.mark_shown(chat, Seq(3));  // 3 is not taken yet
  ASSERT_EQ(inbox.not_shown().size(), 0U);
  sync();
  ASSERT_EQ(inbox.not_shown().size(), 1U);
  EXPECT_EQ(inbox.not_shown()[0].event.seq(), 3U);
}

// ------------------------------------------------------------------------------------------------------------ groups

const ConversationId club = ConversationId::group(UserId(1), 7);

// As who had blocked the sender is served it.
Event withheld(std::uint64_t seq) {
  Event husk;
  husk.set_seq(seq);
  husk.set_digest(std::string(32, 'd'));
  husk.set_withheld(true);
  return husk;
}

TEST_F(InboxTest, what_was_withheld_is_passed_over_and_its_place_is_kept) {
  ASSERT_TRUE(inbox.on_event(chat, event(1)).ok());
  ASSERT_TRUE(inbox.on_event(chat, event(4)).ok());
  ASSERT_TRUE(inbox.next_fetch(now).has_value());
  HistoryPage between = page(2, 1, 4);
  *between.add_events() = withheld(2);
  *between.add_events() = withheld(3);
  ASSERT_TRUE(inbox.on_page(chat, between, now).ok());
  std::vector<std::string> records = journal.take();
  handed_out = records.size();
  EXPECT_EQ(sync(), (Seqs{1, 4}));
  EXPECT_EQ(inbox.taken(chat), Seq(4));

  Journal of_another_life;
  Inbox again(of_another_life, random, milliseconds(500), seconds(30), true);
  for (const std::string& bytes : records) {
    JournalRecord record;
    ASSERT_TRUE(record.ParseFromString(bytes));
    Event taken;
    const absl::Status replayed =
        record.has_taken() ? again.replay(chat, record.taken(), taken) : again.replay(chat, record.position());
    ASSERT_TRUE(replayed.ok()) << replayed;
  }
  EXPECT_EQ(again.taken(chat), Seq(4));
  EXPECT_EQ(again.not_shown().size(), 2U);
}

TEST_F(InboxTest, a_deletion_that_was_withheld_blanks_what_it_is_about) {
  ASSERT_TRUE(inbox.on_event(chat, event(1, "taken back")).ok());
  Event husk = withheld(2);
  husk.mutable_about()->set_kind(About::DELETION);
  husk.mutable_about()->set_seq(1);
  ASSERT_TRUE(inbox.on_event(chat, husk).ok());
  EXPECT_EQ(sync(), Seqs{1});
  ASSERT_EQ(inbox.not_shown().size(), 1U);
  EXPECT_EQ(inbox.not_shown()[0].event.payload(), "");
  EXPECT_EQ(inbox.not_shown()[0].event.erased_by(), 2U);
}

// Events of those seqs, and what is hidden.
HistoryPage club_page(const Seqs& seqs, const std::vector<std::pair<std::uint64_t, std::uint64_t>>& hidden,
                      std::uint64_t head) {
  HistoryPage page;
  page.set_conversation(club.str());
  for (const std::uint64_t seq : seqs) *page.add_events() = event(seq);
  for (const auto& [from, to] : hidden) {
    page.add_hidden()->set_from(from);
    page.mutable_hidden(page.hidden_size() - 1)->set_to(to);
  }
  page.set_head(head);
  return page;
}

TEST_F(InboxTest, what_a_newcomer_may_not_see_is_passed_over) {
  ASSERT_TRUE(inbox.on_event(club, event(7)).ok());  // the one that made us a member
  ASSERT_EQ(inbox.next_fetch(now)->limit, 6U);
  ASSERT_TRUE(inbox.on_page(club, club_page({}, {{1, 6}}, 7), now).ok());
  EXPECT_EQ(sync(), Seqs{7});
  EXPECT_EQ(inbox.taken(club), Seq(7));
  EXPECT_FALSE(inbox.next_fetch(now).has_value());
}

TEST_F(InboxTest, both_times_of_a_member_are_taken_and_nothing_of_between) {
  inbox.note_head(club, Seq(9));
  ASSERT_TRUE(inbox.next_fetch(now).has_value());
  ASSERT_TRUE(inbox.on_page(club, club_page({3, 4, 8, 9}, {{1, 2}, {5, 7}}, 9), now).ok());
  EXPECT_EQ(sync(1), Seqs{}) << "what is passed over is journaled too";
  EXPECT_EQ(sync(), (Seqs{3, 4, 8, 9}));
  EXPECT_EQ(inbox.not_shown().size(), 4U);
  inbox.mark_shown(club, Seq(4));
  EXPECT_EQ(inbox.not_shown().size(), 2U);
  ASSERT_TRUE(inbox.on_event(club, event(10)).ok());
  EXPECT_EQ(sync(), Seqs{10});
}

TEST_F(InboxTest, a_compacted_journal_passes_over_the_same) {
  inbox.note_head(club, Seq(9));
  (void)inbox.next_fetch(now);
  ASSERT_TRUE(inbox.on_page(club, club_page({3, 4, 8}, {{1, 2}, {5, 7}, {9, 9}}, 9), now).ok());
  (void)sync();
  inbox.mark_shown(club, Seq(3));
  std::vector<JournalRecord> records;
  inbox.compact(records);
  Journal other_journal;
  Inbox other(other_journal, random, milliseconds(500), seconds(30), true);
  for (const JournalRecord& record : records) {
    Event ignored;
    if (record.has_taken()) {
      ASSERT_TRUE(other.replay(club, record.taken(), ignored).ok());
    }
    if (record.has_position()) {
      ASSERT_TRUE(other.replay(club, record.position()).ok());
    }
  }
  EXPECT_EQ(other.taken(club), Seq(9));
  ASSERT_EQ(other.not_shown().size(), 2U);
  EXPECT_EQ(other.not_shown()[0].event.seq(), 4U);
  EXPECT_EQ(other.not_shown()[1].event.seq(), 8U);
}

TEST_F(InboxTest, only_a_group_hides_and_only_what_is_there) {
  inbox.note_head(chat, Seq(3));
  (void)inbox.next_fetch(now);
  HistoryPage page = club_page({3}, {{1, 2}}, 3);
  page.set_conversation(chat.str());
  EXPECT_FALSE(inbox.on_page(chat, page, now).ok());
  inbox.note_head(club, Seq(3));
  (void)inbox.next_fetch(now);
  EXPECT_FALSE(inbox.on_page(club, club_page({}, {{1, 4}}, 3), now).ok());
}

TEST_F(InboxTest, a_hole_that_is_not_said_to_be_hidden_is_an_error) {
  inbox.note_head(club, Seq(3));
  (void)inbox.next_fetch(now);
  EXPECT_FALSE(inbox.on_page(club, club_page({1, 3}, {}, 3), now).ok());
}

}  // namespace
}  // namespace chasqui::client
