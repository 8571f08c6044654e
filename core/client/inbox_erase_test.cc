#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/digest.h"
#include "core/client/inbox.h"

namespace chasqui::client {
namespace {

const ConversationId chat = ConversationId::direct(UserId(1), UserId(2));

Event message(std::uint64_t seq, About::Kind kind = About::NOTHING, std::uint64_t about = 0) {
  Event event;
  event.set_seq(seq);
  if (kind != About::DELETION) event.set_payload("a secret");
  event.set_digest(std::string(view(blake2b_256(event.payload()))));
  if (kind != About::NOTHING) {
    event.mutable_about()->set_kind(kind);
    event.mutable_about()->set_seq(about);
  }
  return event;
}

// A device, its journal and what stands in it.
struct Device {
  Random random{Seed{}};
  Journal journal;
  Inbox inbox{journal, random, milliseconds(500), seconds(30), true};
  std::vector<std::string> records;
  std::uint64_t handed_out = 0;

  void take(const Event& event) {
    ASSERT_TRUE(inbox.on_event(chat, event).ok());
    sync();
  }
  void sync() {
    for (std::string& record : journal.take()) records.push_back(std::move(record));
    journal.persisted(records.size());
    std::vector<Received> received;
    inbox.on_persisted(received);
  }
  // The journal's place is taken by the shorter one.
  void compact() {
    std::vector<JournalRecord> compacted;
    inbox.compact(compacted);
    records.clear();
    for (const JournalRecord& record : compacted) records.push_back(record.SerializeAsString());
    inbox.journal_replaced();
  }
  [[nodiscard]] bool has_secret() const {
    return std::any_of(records.begin(), records.end(),
                       [](const std::string& record) { return record.find("secret") != std::string::npos; });
  }
  // Another inbox, from that journal.
  void reopen(Inbox& other) const {
    for (const std::string& bytes : records) {
      JournalRecord record;
      ASSERT_TRUE(record.ParseFromString(bytes));
      Event event;
      if (record.has_taken()) {
        ASSERT_TRUE(other.replay(chat, record.taken(), event).ok());
      }
      if (record.has_position()) {
        ASSERT_TRUE(other.replay(chat, record.position()).ok());
      }
      if (record.has_shown()) other.replay(chat, record.shown());
    }
  }
};

TEST(InboxErase, what_is_deleted_goes_from_what_is_kept_and_from_the_journal_with_its_edits) {
  Device device;
  device.take(message(1));
  device.take(message(2, About::EDIT, 1));
  EXPECT_FALSE(device.inbox.holds_erased());
  device.take(message(3, About::DELETION, 1));
  EXPECT_TRUE(device.inbox.holds_erased());
  const auto kept = device.inbox.not_shown();
  ASSERT_EQ(kept.size(), 3U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(kept[i].event.erased_by(), 3U);
    EXPECT_EQ(kept[i].event.payload(), "");
  }
  EXPECT_TRUE(device.has_secret());
  device.compact();
  EXPECT_FALSE(device.inbox.holds_erased());
  EXPECT_FALSE(device.has_secret());
}

TEST(InboxErase, what_was_shown_already_goes_from_the_journal_too) {
  Device device;
  device.take(message(1));
  device.inbox.mark_shown(chat, Seq(1));
  device.sync();
  device.take(message(2, About::DELETION, 1));
  EXPECT_TRUE(device.inbox.holds_erased());
  device.compact();
  EXPECT_FALSE(device.has_secret());
  device.inbox.mark_shown(chat, Seq(2));
  device.sync();
  device.take(message(3));
  EXPECT_FALSE(device.inbox.holds_erased());
}

TEST(InboxErase, a_journal_is_outdated_until_it_has_been_replaced_whoever_opens_it) {
  Device device;
  device.take(message(1));
  device.take(message(2, About::DELETION, 1));
  Inbox again(device.journal, device.random, milliseconds(500), seconds(30), true);
  device.reopen(again);
  EXPECT_TRUE(again.holds_erased());
  device.compact();
  Inbox after(device.journal, device.random, milliseconds(500), seconds(30), true);
  device.reopen(after);
  EXPECT_FALSE(after.holds_erased()) << "else it would be replaced at every start";
}

TEST(InboxErase, what_one_has_sent_goes_from_the_journal_too_whichever_is_heard_first) {
  Device device;
  Event erased = message(1);
  erased.clear_payload();
  erased.set_erased_by(2);
  device.inbox.note_own(chat, Seq(1));
  device.take(erased);
  device.take(message(2, About::DELETION, 1));
  EXPECT_TRUE(device.inbox.holds_erased());
  device.compact();
  EXPECT_FALSE(device.inbox.holds_erased());

  device.take(message(3, About::DELETION, 1));
  EXPECT_FALSE(device.inbox.holds_erased());
  device.inbox.note_own(chat, Seq(4));  // the answer came after the deletion
  EXPECT_TRUE(device.inbox.holds_erased());
}

// Seed 126 of three to five nodes: a restored phone finds what it had sent in the history, long after it was deleted.
TEST(InboxErase, what_one_has_sent_may_be_answered_after_its_deletion_was_shown) {
  Device device;
  Event erased = message(1);
  erased.clear_payload();
  erased.set_erased_by(2);
  device.take(erased);
  device.take(message(2, About::DELETION, 1));
  device.inbox.mark_shown(chat, Seq(2));
  device.compact();
  device.inbox.note_own(chat, Seq(3));
  EXPECT_FALSE(device.inbox.holds_erased());
  device.inbox.note_own(chat, Seq(1));
  EXPECT_TRUE(device.inbox.holds_erased());
}

TEST(InboxErase, a_deletion_of_another_message_erases_nothing) {
  Device device;
  device.take(message(1));
  device.take(message(2));
  device.take(message(3, About::DELETION, 2));
  EXPECT_EQ(device.inbox.not_shown()[0].event.payload(), "a secret");
  EXPECT_EQ(device.inbox.not_shown()[1].event.payload(), "");
}

TEST(InboxErase, what_disappears_does_so_by_the_devices_clock) {
  Device device;
  Event brief = message(1);
  brief.set_expires_ms(5'000);
  device.take(brief);
  Event longer = message(2);
  longer.set_expires_ms(9'000);
  device.take(longer);
  device.inbox.expire({4'999});
  EXPECT_FALSE(device.inbox.holds_erased());
  device.inbox.expire({5'000});
  EXPECT_TRUE(device.inbox.holds_erased());
  EXPECT_TRUE(device.inbox.not_shown()[0].event.expired());
  EXPECT_EQ(device.inbox.not_shown()[0].event.payload(), "");
  EXPECT_EQ(device.inbox.not_shown()[1].event.payload(), "a secret");
  ASSERT_TRUE(device.inbox.next_expiry().has_value());
  EXPECT_EQ(device.inbox.next_expiry()->ms, 9'000);
  device.inbox.expire({10'000});
  device.compact();
  EXPECT_FALSE(device.has_secret());
}

}  // namespace
}  // namespace chasqui::client
