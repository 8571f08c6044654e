#include "core/client/sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chasqui::client {
namespace {

const ConversationId chat = ConversationId::direct(UserId(1), UserId(2));
const ConversationId other_chat = ConversationId::direct(UserId(1), UserId(3));
constexpr MonoTime now{1};

SyncPage page(const ConversationId& conversation, std::uint64_t head, std::uint64_t version, std::uint64_t top,
              std::uint64_t next_below) {
  SyncPage page;
  IndexEntry& entry = *page.add_entries();
  entry.set_conversation(conversation.str());
  entry.set_head(head);
  entry.set_version(version);
  page.set_top_version(top);
  page.set_next_below(next_below);
  return page;
}

class SyncTest : public ::testing::Test {
 protected:
  void known(std::uint32_t epoch, std::uint64_t version) {
    JournalSynced record;
    record.set_history_epoch(epoch);
    record.set_version(version);
    sync.replay(record);
  }
  Journal journal;
  SyncRun sync{journal};
};

TEST_F(SyncTest, the_version_moves_only_after_the_last_page_and_the_last_event) {
  known(1, 10);
  ASSERT_TRUE(sync.on_hello(HistoryEpoch(1), page(chat, 5, 20, 20, 20)).ok());
  EXPECT_FALSE(sync.complete(true));
  const std::optional<Sync> request = sync.next_request(now);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->since_version(), 10U);
  EXPECT_EQ(request->below_version(), 20U);
  EXPECT_FALSE(sync.next_request(now).has_value());
  ASSERT_TRUE(sync.on_page(page(other_chat, 3, 15, 25, 0)).ok());
  sync.on_progress(chat, Seq(5), Seq(5));
  EXPECT_FALSE(sync.complete(true));
  sync.on_progress(other_chat, Seq(2), Seq(3));
  EXPECT_FALSE(sync.complete(true));
  EXPECT_EQ(sync.version(), Version(10));
  sync.on_progress(other_chat, Seq(3), Seq(4));  // more has come meanwhile: that is not waited for
  EXPECT_TRUE(sync.complete(true));
  EXPECT_EQ(sync.version(), Version(20));  // the first page's top, not the last one's
  EXPECT_FALSE(sync.complete(true));       // told once
}

TEST_F(SyncTest, a_connection_that_breaks_in_between_moves_nothing) {
  known(1, 10);
  ASSERT_TRUE(sync.on_hello(HistoryEpoch(1), page(chat, 5, 20, 20, 0)).ok());
  sync.on_connection_lost();
  EXPECT_FALSE(sync.complete(true));
  EXPECT_EQ(sync.version(), Version(10));
  EXPECT_FALSE(journal.has_records());
}

TEST_F(SyncTest, a_new_epoch_or_an_older_version_asks_for_everything) {
  known(1, 10);
  absl::StatusOr<SyncRun::Started> started = sync.on_hello(HistoryEpoch(2), page(chat, 5, 20, 20, 0));
  ASSERT_TRUE(started.ok());
  EXPECT_TRUE(started->restored);
  EXPECT_TRUE(started->known.empty());
  const std::optional<Sync> request = sync.next_request(now);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->since_version(), 0U);
  ASSERT_TRUE(sync.on_page(page(chat, 5, 7, 7, 0)).ok());
  sync.on_progress(chat, Seq(5), Seq(5));
  EXPECT_FALSE(sync.complete(false));  // heads are in doubt
  EXPECT_TRUE(sync.complete(true));
  EXPECT_EQ(sync.version(), Version(7));
  EXPECT_EQ(sync.epoch(), HistoryEpoch(2));
  sync.on_connection_lost();
  started = sync.on_hello(HistoryEpoch(2), page(chat, 5, 6, 6, 0));
  EXPECT_TRUE(started->restored);
}

TEST_F(SyncTest, the_first_epoch_is_remembered_at_once_and_is_no_restore) {
  absl::StatusOr<SyncRun::Started> started = sync.on_hello(HistoryEpoch(1), page(chat, 5, 20, 20, 0));
  ASSERT_TRUE(started.ok());
  EXPECT_FALSE(started->restored);
  EXPECT_EQ(sync.epoch(), HistoryEpoch(1));
  EXPECT_TRUE(journal.has_records());
}

TEST_F(SyncTest, pages_that_would_never_end_are_not_followed) {
  ASSERT_TRUE(sync.on_hello(HistoryEpoch(1), page(chat, 5, 20, 20, 20)).ok());
  ASSERT_TRUE(sync.next_request(now).has_value());
  EXPECT_FALSE(sync.on_page(page(chat, 5, 20, 20, 20)).ok());
}

TEST_F(SyncTest, a_refused_page_is_asked_again_when_it_is_time) {
  ASSERT_TRUE(sync.on_hello(HistoryEpoch(1), page(chat, 5, 20, 20, 20)).ok());
  ASSERT_TRUE(sync.next_request(now).has_value());
  const MonoTime later = now + seconds(1);
  sync.on_error(later);
  EXPECT_FALSE(sync.next_request(now).has_value());
  EXPECT_EQ(sync.next_deadline(), later);
  EXPECT_TRUE(sync.next_request(later).has_value());
}

}  // namespace
}  // namespace chasqui::client
