#include "core/fanout/feed.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

namespace chasqui::fanout {
namespace {

const ConversationId both = ConversationId::direct(UserId(3), UserId(4));

state::Feed row(std::uint64_t head, std::vector<std::uint64_t> users) {
  state::Feed feed;
  for (const std::uint64_t user : users) {
    state::FeedItem& item = *feed.add_items();
    item.set_user(user);
    item.set_conversation(both.str());
    item.set_head(head);
  }
  return feed;
}

peer::NotifyAck ack_of(const peer::NotifyBatch& batch) {
  peer::NotifyAck ack;
  ack.set_from_shard(batch.from_shard());
  ack.set_to_shard(batch.to_shard());
  ack.set_from_term(batch.from_term());
  ack.add_batches(batch.batch());
  return ack;
}

struct FeedTest : ::testing::Test {
  Limits limits;
  Feed feed{ShardId(0), ShardCount{8}, limits};
  Now now{MonoTime{}, WallTime{}};
  std::vector<peer::NotifyBatch> taken() {
    std::vector<peer::NotifyBatch> batches;
    feed.take_batches(now, batches);
    return batches;
  }
};

TEST_F(FeedTest, the_cursor_waits_for_the_lowest_row_whatever_is_acknowledged_above) {
  feed.lead(RaftTerm(1), RaftIndex(), RaftIndex());
  feed.add(RaftIndex(5), row(1, {3}), {});
  const auto first = taken();
  feed.add(RaftIndex(6), row(2, {3}), {});
  const auto second = taken();
  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(second.size(), 1U);
  feed.acknowledged(ack_of(second[0]), now);
  EXPECT_EQ(feed.movable(), RaftIndex(4)) << "row 5 is still owed: an acknowledgement names its batch, not a position";
  feed.acknowledged(ack_of(first[0]), now);
  EXPECT_EQ(feed.movable(), RaftIndex(6));
}

TEST_F(FeedTest, a_lost_batch_comes_again_without_its_event) {
  feed.lead(RaftTerm(1), RaftIndex(), RaftIndex());
  feed.add(RaftIndex(1), row(1, {3}), {{both, Seq(1), "event"}});
  const auto first = taken();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].items(0).event(), "event");
  EXPECT_TRUE(taken().empty());
  const MonoTime due = now.mono + Feed::resend_after;
  now.mono = now.mono + seconds(1);
  feed.add(RaftIndex(2), row(2, {3}), {});
  feed.acknowledged(ack_of(taken().at(0)), now);  // so it is not silent: that one was lost
  EXPECT_TRUE(taken().empty());
  feed.parked_reading(*feed.wants_parked(now));  // the scan that a leadership begins with finds nothing
  feed.parked_read({0, true, {}, 1}, {}, false);
  EXPECT_EQ(feed.next_deadline(), due);
  now.mono = due;
  const auto again = taken();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].batch(), first[0].batch());
  EXPECT_EQ(again[0].items(0).head(), 1U);
  EXPECT_TRUE(again[0].items(0).event().empty());
}

TEST_F(FeedTest, every_event_of_an_entry_rides_before_its_last_head) {
  feed.lead(RaftTerm(1), RaftIndex(), RaftIndex());
  feed.add(RaftIndex(1), row(3, {3}), {{both, Seq(1), "a"}, {both, Seq(2), "b"}, {both, Seq(3), "c"}});
  const auto batches = taken();
  ASSERT_EQ(batches.size(), 1U);
  ASSERT_EQ(batches[0].items_size(), 3);
  EXPECT_EQ(batches[0].items(0).event(), "a");
  EXPECT_EQ(batches[0].items(2).event(), "c");
  EXPECT_EQ(batches[0].items(2).head(), 3U);
}

// Seed 68 of three to five nodes: the first of six messages said that all before the last were read or one's own.
TEST_F(FeedTest, an_earlier_event_of_an_entry_says_nothing_of_what_is_read_by_its_end) {
  feed.lead(RaftTerm(1), RaftIndex(), RaftIndex());
  state::Feed owed = row(2, {3});
  owed.mutable_items(0)->set_messages(2);
  owed.mutable_items(0)->set_messages_read(2);
  FreshEvent first{both, Seq(1), "a"};
  first.messages = 1;
  FreshEvent last{both, Seq(2), "b"};
  last.messages = 2;
  feed.add(RaftIndex(1), owed, {first, last});
  const auto batches = taken();
  ASSERT_EQ(batches.size(), 1U);
  ASSERT_EQ(batches[0].items_size(), 2);
  EXPECT_EQ(batches[0].items(0).messages(), 1U);
  EXPECT_EQ(batches[0].items(0).messages_read(), 0U);
  EXPECT_EQ(batches[0].items(1).messages_read(), 2U);
}

TEST_F(FeedTest, a_new_leader_reads_what_the_old_one_owed) {
  feed.lead(RaftTerm(2), RaftIndex(10), RaftIndex(30));
  ASSERT_TRUE(feed.wants_rows());
  EXPECT_EQ(feed.read_above(), RaftIndex(10));
  feed.reading();
  feed.add(RaftIndex(31), row(7, {3}), {});  // comes meanwhile: it waits in the store as well
  feed.rows_read({{RaftIndex(12), row(5, {3})}, {RaftIndex(20), row(6, {4})}}, true);
  ASSERT_TRUE(feed.wants_rows());
  EXPECT_EQ(feed.read_above(), RaftIndex(20));
  EXPECT_EQ(feed.movable(), RaftIndex(11));
  feed.reading();
  feed.rows_read({{RaftIndex(31), row(7, {3})}}, false);
  EXPECT_FALSE(feed.wants_rows());
  for (const auto& batch : taken()) feed.acknowledged(ack_of(batch), now);
  EXPECT_EQ(feed.movable(), RaftIndex(31));
}

// Seed 493: a message was accepted, and its recipient never told, since its row came while an empty read was under way.
TEST_F(FeedTest, a_row_that_comes_while_a_read_finds_nothing_is_read_by_the_next) {
  feed.lead(RaftTerm(2), RaftIndex(10), RaftIndex(12));
  feed.reading();
  feed.add(RaftIndex(13), row(7, {3}), {});
  feed.rows_read({}, false);
  EXPECT_LE(feed.movable(), RaftIndex(12));
  ASSERT_TRUE(feed.wants_rows());
  EXPECT_EQ(feed.read_above(), RaftIndex(12));
  EXPECT_EQ(feed.read_up_to(), RaftIndex(13));
}

TEST_F(FeedTest, acknowledgements_of_an_older_leadership_do_not_count) {
  feed.lead(RaftTerm(1), RaftIndex(), RaftIndex());
  feed.add(RaftIndex(1), row(1, {3}), {});
  const auto old = taken();
  feed.lead(RaftTerm(2), RaftIndex(), RaftIndex(1));
  feed.reading();
  feed.rows_read({{RaftIndex(1), row(1, {3})}}, false);
  (void)taken();
  feed.acknowledged(ack_of(old[0]), now);
  EXPECT_EQ(feed.movable(), RaftIndex(0));
}

TEST_F(FeedTest, memory_is_bounded_and_the_rest_waits_in_the_store) {
  limits.feed_outstanding_items_max = 10;
  feed.lead(RaftTerm(1), RaftIndex(), RaftIndex());
  for (std::uint64_t i = 1; i <= 100; ++i) feed.add(RaftIndex(i), row(i, {3}), {});
  EXPECT_EQ(feed.outstanding(), 10U);
  EXPECT_FALSE(feed.wants_rows()) << "no room yet";
  for (const auto& batch : taken()) feed.acknowledged(ack_of(batch), now);
  EXPECT_TRUE(feed.wants_rows());
  EXPECT_EQ(feed.read_above(), RaftIndex(10));
  EXPECT_EQ(feed.movable(), RaftIndex(10));
}

// Whatever is acknowledged in whatever order, with losses: the cursor never passes a row with something owed, and in
// the end everything is sent and acknowledged.
RC_GTEST_PROP(FeedLaw, no_mark_is_ever_lost, (std::vector<std::uint8_t> choices)) {
  Limits limits;
  limits.feed_batch_items_max = 3;
  limits.feed_outstanding_items_max = 7;
  Feed feed(ShardId(0), ShardCount{4}, limits);
  Now now{MonoTime{}, WallTime{}};
  feed.lead(RaftTerm(1), RaftIndex(), RaftIndex());
  std::vector<std::pair<RaftIndex, state::Feed>> stored;
  std::set<std::pair<std::uint64_t, std::uint64_t>> pairs;
  std::vector<peer::NotifyBatch> in_flight;
  const auto acknowledge = [&](std::size_t at) {
    for (const auto& item : in_flight[at].items()) pairs.erase({item.head(), item.user()});
    feed.acknowledged(ack_of(in_flight[at]), now);
    in_flight.erase(in_flight.begin() + static_cast<std::ptrdiff_t>(at));
  };
  std::vector<Feed::StoredRow> found;
  bool reading = false, more = false;
  const auto begin_read = [&] {
    if (reading || !feed.wants_rows()) return;
    reading = true;
    more = false;
    for (const auto& [index, feed_row] : stored) {
      if (index <= feed.read_above() || index > feed.read_up_to()) continue;
      if (found.size() == 2) {
        more = true;
        break;
      }
      found.push_back({index, feed_row});
    }
    feed.reading();
  };
  const auto end_read = [&] {  // rows may have come since it began
    if (!reading) return;
    reading = false;
    feed.rows_read(found, more);
    found.clear();
  };
  std::uint64_t next = 0;
  for (const std::uint8_t choice : choices) {
    switch (choice % 6) {
      case 0:
      case 1: {
        ++next;
        const std::uint64_t first = 1 + choice % 7;
        const std::uint64_t second = 8 + choice % 5;
        stored.emplace_back(RaftIndex(next), row(next, {first, second}));
        pairs.insert({next, first});
        pairs.insert({next, second});
        feed.add(RaftIndex(next), stored.back().second, {});
        break;
      }
      case 2: feed.take_batches(now, in_flight); break;
      case 3:
        if (!in_flight.empty()) acknowledge(choice / 6 % in_flight.size());
        break;
      case 4: end_read(); break;
      default:
        if (!in_flight.empty()) in_flight.pop_back();  // lost on the way
        begin_read();
    }
    if (!pairs.empty()) RC_ASSERT(feed.movable().value() < pairs.begin()->first);
  }
  for (int round = 0; round < 1000 && !pairs.empty(); ++round) {
    now.mono = now.mono + Feed::resend_after;
    begin_read();
    end_read();
    feed.take_batches(now, in_flight);
    while (!in_flight.empty()) acknowledge(0);
    log::Park park;  // of a destination that lost all: it has its row, whatever comes
    if (!feed.take_park(now, park)) continue;
    for (const log::IndexMark& mark : park.marks()) {
      std::erase_if(pairs, [&](const auto& pair) { return pair.second == mark.user() && pair.first <= mark.head(); });
    }
    feed.park_applied(park);
  }
  RC_ASSERT(pairs.empty());
  RC_ASSERT(feed.movable() == RaftIndex(next));
  RC_ASSERT(feed.outstanding() == 0U);
}

// ------------------------------------------------------------------------------------------------------------ groups

const ConversationId club = ConversationId::group(UserId(1), 7);

state::Feed group_row(std::uint64_t head) {
  state::Feed feed;
  state::FeedItem& item = *feed.add_items();
  item.set_conversation(club.str());
  item.set_head(head);
  return feed;
}

FreshEvent group_event(std::uint64_t seq, std::uint64_t last_user) {
  auto audience = std::make_shared<std::vector<UserId>>();
  for (std::uint64_t user = 1; user <= last_user; ++user) audience->emplace_back(user);
  return {club, Seq(seq), "event", audience};
}

// Whom these batches tell, each as often as they do.
std::multiset<std::uint64_t> told(const std::vector<peer::NotifyBatch>& batches) {
  std::multiset<std::uint64_t> users;
  for (const peer::NotifyBatch& batch : batches) {
    for (const peer::NotifyItem& item : batch.items()) users.insert(item.users().begin(), item.users().end());
  }
  return users;
}

TEST_F(FeedTest, an_event_of_a_group_goes_once_to_each_shard_with_all_whom_it_concerns_there) {
  feed.lead(RaftTerm(1), RaftIndex(), RaftIndex());
  feed.add(RaftIndex(1), group_row(1), {group_event(1, 100)});
  const auto batches = taken();
  EXPECT_EQ(batches.size(), 8U) << "one for each shard";
  for (const peer::NotifyBatch& batch : batches) {
    ASSERT_EQ(batch.items_size(), 1);
    EXPECT_EQ(batch.items(0).event(), "event");
    for (const std::uint64_t user : batch.items(0).users()) {
      EXPECT_EQ(shard_of(UserId(user), ShardCount{8}).value(), batch.to_shard());
    }
  }
  const std::multiset<std::uint64_t> users = told(batches);
  EXPECT_EQ(users.size(), 100U);
  EXPECT_EQ(std::set<std::uint64_t>(users.begin(), users.end()).size(), 100U) << "nobody twice";
  EXPECT_EQ(feed.outstanding(), 100U);
  for (const peer::NotifyBatch& batch : batches) {
    EXPECT_EQ(feed.movable(), RaftIndex());
    feed.acknowledged(ack_of(batch), now);
  }
  EXPECT_EQ(feed.movable(), RaftIndex(1));
  EXPECT_EQ(feed.outstanding(), 0U);
}

TEST_F(FeedTest, a_batch_tells_no_more_people_than_it_may) {
  limits.feed_batch_items_max = 10;
  feed.lead(RaftTerm(1), RaftIndex(), RaftIndex());
  feed.add(RaftIndex(1), group_row(1), {group_event(1, 500)});
  const auto batches = taken();
  for (const peer::NotifyBatch& batch : batches) EXPECT_LE(told({batch}).size(), 10U);
  EXPECT_EQ(told(batches).size(), 500U);
}

TEST_F(FeedTest, who_leaves_in_an_entry_is_owed_that_by_an_item_of_his_own) {
  feed.lead(RaftTerm(1), RaftIndex(), RaftIndex());
  state::Feed row = group_row(2);
  state::FeedItem& gone = *row.add_items();
  gone.set_user(3);
  gone.set_conversation(club.str());
  gone.set_head(1);
  feed.add(RaftIndex(1), row, {group_event(1, 3), group_event(2, 2)});
  std::map<std::uint64_t, std::uint64_t> heads;
  std::size_t events_for_3 = 0;
  for (const peer::NotifyBatch& batch : taken()) {
    for (const peer::NotifyItem& item : batch.items()) {
      std::vector<std::uint64_t> users(item.users().begin(), item.users().end());
      if (users.empty()) users.push_back(item.user());
      for (const std::uint64_t user : users) {
        heads[user] = std::max(heads[user], item.head());
        if (user == 3 && !item.event().empty()) ++events_for_3;
      }
    }
  }
  EXPECT_EQ(heads, (std::map<std::uint64_t, std::uint64_t>{{1, 2}, {2, 2}, {3, 1}}));
  EXPECT_EQ(events_for_3, 1U);
}

TEST_F(FeedTest, a_row_that_is_read_again_tells_the_members_that_were_named) {
  feed.lead(RaftTerm(2), RaftIndex(), RaftIndex(4));
  ASSERT_TRUE(feed.wants_rows());
  feed.reading();
  feed.rows_read({{RaftIndex(3), group_row(9), {{club.str(), {UserId(1), UserId(2)}}}}, {RaftIndex(4), group_row(10)}},
                 false);
  const auto batches = taken();
  EXPECT_EQ(told(batches), (std::multiset<std::uint64_t>{1, 2}));
  EXPECT_EQ(feed.movable(), RaftIndex(2));
  for (const peer::NotifyBatch& batch : batches) feed.acknowledged(ack_of(batch), now);
  EXPECT_EQ(feed.movable(), RaftIndex(4)) << "a group without members owes nothing";
}

TEST_F(FeedTest, members_of_a_silent_shard_are_parked_one_by_one) {
  feed.lead(RaftTerm(1), RaftIndex(), RaftIndex());
  feed.add(RaftIndex(1), group_row(1), {group_event(1, 100)});
  const auto batches = taken();
  ASSERT_EQ(batches.size(), 8U);
  ASSERT_NE(batches[1].to_shard(), 0U) << "its own shard is never silent";
  for (std::size_t i = 0; i < batches.size(); ++i) {
    if (i != 1) feed.acknowledged(ack_of(batches[i]), now);
  }
  now.mono = now.mono + Feed::silent_after + seconds(1);
  (void)taken();
  log::Park park;
  now.mono = now.mono + seconds(2);
  ASSERT_TRUE(feed.take_park(now, park));
  EXPECT_EQ(park.marks_size(), batches[1].items(0).users_size());
  feed.park_applied(park);
  EXPECT_EQ(feed.movable(), RaftIndex(1));
  EXPECT_EQ(feed.outstanding(), 0U);
}

}  // namespace
}  // namespace chasqui::fanout
