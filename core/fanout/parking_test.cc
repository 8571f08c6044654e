// The feed with a shard that is silent: what it is owed is parked, and comes back when it answers.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/fanout/feed.h"

namespace chasqui::fanout {
namespace {

constexpr ShardId here{0};
constexpr ShardCount shards{8};

// A user of that shard.
UserId user_of(ShardId shard, std::uint64_t nth = 0) {
  UserId user(1);
  for (;; user = user.next()) {
    if (shard_of(user, shards) == shard && nth-- == 0) return user;
  }
}
constexpr ShardId dead{3};
constexpr ShardId alive{5};

struct ParkingTest : ::testing::Test {
  Limits limits;
  Feed feed{here, shards, limits};
  Now now{MonoTime{1'000'000'000}, WallTime{}};
  std::uint64_t index = 0;
  using Key = std::pair<ShardId, std::pair<UserId, ConversationId>>;
  std::map<Key, std::pair<std::uint64_t, std::uint64_t>> store;  // the rows that are parked
  std::map<UserId, std::uint64_t> told;                          // the highest head that its shard has taken
  std::set<ShardId> answering;

  void SetUp() override { feed.lead(RaftTerm(1), RaftIndex(), RaftIndex()); }

  void owe(UserId user, std::uint64_t head, const std::string& event = "") {
    const ConversationId talk = ConversationId::direct(user, UserId(7'777'777));
    state::Feed row;
    state::FeedItem& item = *row.add_items();
    item.set_user(user.value());
    item.set_conversation(talk.str());
    item.set_head(head);
    std::vector<FreshEvent> fresh;
    if (!event.empty()) fresh.push_back({talk, Seq(head), event});
    feed.add(RaftIndex(++index), row, fresh);
  }
  void read_rows() {
    while (const auto wanted = feed.wants_parked(now)) {
      feed.parked_reading(*wanted);
      std::vector<ParkedRow> rows;
      bool more = false;
      for (const auto& [key, marks] : store) {
        if (key.first.value() < wanted->destination) continue;
        if (!wanted->is_scan && key.first.value() != wanted->destination) continue;
        if (wanted->above && key.second <= *wanted->above) continue;
        more = rows.size() == wanted->rows_max;
        if (more) break;
        rows.push_back({key.first, key.second.first, key.second.second, {.head = marks.first, .read = marks.second}});
      }
      feed.parked_read(*wanted, rows, more);
    }
  }
  void commands() {
    log::Park park;
    if (feed.take_park(now, park)) {
      EXPECT_LE(park.marks_size(), 1'024);
      for (const log::IndexMark& mark : park.marks()) {
        const UserId user(mark.user());
        auto& row = store[{shard_of(user, shards), {user, *ConversationId::parse(mark.conversation())}}];
        row.first = std::max(row.first, mark.head());
        row.second = std::max(row.second, mark.read());
      }
      ++parks;
      feed.park_applied(park);
    }
    log::Unpark unpark;
    if (feed.take_unpark(now, unpark)) {
      for (const log::IndexMark& mark : unpark.marks()) {
        const UserId user(mark.user());
        EXPECT_GE(told[user], mark.head()) << "only what has been told is removed";
        const auto row = store.find({shard_of(user, shards), {user, *ConversationId::parse(mark.conversation())}});
        if (row != store.end() && row->second.first <= mark.head()) store.erase(row);
      }
      feed.unpark_applied();
    }
  }
  // One turn of the node's loop.
  void turn() {
    commands();
    read_rows();
    std::vector<peer::NotifyBatch> batches;
    if (feed.has_batches(now)) feed.take_batches(now, batches);
    for (peer::NotifyBatch& batch : batches) {
      const ShardId to(batch.to_shard());
      if (!answering.contains(to)) {
        feed.not_sent(std::move(batch), now);
        continue;
      }
      for (const auto& item : batch.items()) {
        told[UserId(item.user())] = std::max(told[UserId(item.user())], item.head());
        if (!item.event().empty()) ++events;
      }
      peer::NotifyAck ack;
      ack.set_from_shard(batch.from_shard());
      ack.set_to_shard(batch.to_shard());
      ack.set_from_term(batch.from_term());
      ack.add_batches(batch.batch());
      feed.acknowledged(ack, now);
    }
  }
  void run_for(Duration time) {
    const MonoTime end = now.mono + time;
    for (int i = 0; i < 1'000'000; ++i) {
      const MonoTime before = feed.next_deadline();
      turn();
      const MonoTime next = feed.next_deadline();
      if (next <= now.mono && before <= now.mono && i < 999'990) continue;  // work is left for now
      if (next > end) break;
      now.mono = std::max(now.mono, next);
    }
    now.mono = end;
  }
  int parks = 0;
  int events = 0;
};

TEST_F(ParkingTest, a_silent_shard_is_parked_and_the_cursor_goes_on) {
  answering = {alive};
  owe(user_of(dead), 1);
  owe(user_of(alive), 1);
  run_for(milliseconds(4'900));
  EXPECT_EQ(feed.movable(), RaftIndex(0)) << "it may answer yet";
  run_for(milliseconds(200));
  EXPECT_EQ(feed.movable(), RaftIndex(2));
  EXPECT_EQ(feed.outstanding(), 0U);
  EXPECT_EQ(store.size(), 1U);
  EXPECT_EQ(told[user_of(alive)], 1U);
}

TEST_F(ParkingTest, what_comes_while_it_is_silent_is_gathered) {
  answering = {alive};
  for (std::uint64_t head = 1; head <= 600; ++head) {  // a minute, ten a second
    owe(user_of(dead, head % 3), head);
    owe(user_of(alive), head);
    run_for(milliseconds(100));
    EXPECT_LE(feed.outstanding(), 70U);
  }
  run_for(seconds(2));
  EXPECT_EQ(feed.movable(), RaftIndex(index));
  EXPECT_EQ(store.size(), 3U) << "by pairs, not by messages";
  EXPECT_LE(parks, 62);
  EXPECT_GE(parks, 40);
}

TEST_F(ParkingTest, all_is_told_soon_after_it_is_back) {
  answering = {alive};
  owe(user_of(dead), 1);
  run_for(seconds(6));
  for (std::uint64_t n = 0; n < 2'000; ++n) owe(user_of(dead, n), 2);
  run_for(seconds(60));
  ASSERT_EQ(store.size(), 2'000U);
  answering.insert(dead);
  feed.resend_to(dead, now);
  run_for(seconds(5));
  EXPECT_TRUE(store.empty());
  for (std::uint64_t n = 0; n < 2'000; ++n) EXPECT_EQ(told[user_of(dead, n)], 2U);
  owe(user_of(dead), 3, "event");
  run_for(milliseconds(1));
  EXPECT_EQ(told[user_of(dead)], 3U) << "and what is new is sent at once";
  EXPECT_EQ(events, 1);
  EXPECT_FALSE(feed.owes(dead));
}

TEST_F(ParkingTest, it_is_tried_now_and_then_if_nobody_says_that_it_is_back) {
  owe(user_of(dead), 1);
  run_for(seconds(20));
  answering = {dead};
  run_for(milliseconds(10'100));
  EXPECT_TRUE(store.empty());
  EXPECT_EQ(told[user_of(dead)], 1U);
}

TEST_F(ParkingTest, a_new_leader_finds_what_the_old_one_parked) {
  for (std::uint64_t n = 0; n < 5; ++n) owe(user_of(dead, n), 4);
  owe(user_of(ShardId(6)), 9);
  run_for(seconds(10));
  ASSERT_EQ(store.size(), 6U);
  feed.lead(RaftTerm(2), RaftIndex(index), RaftIndex(index));
  answering = {dead, ShardId(6)};
  run_for(seconds(1));
  EXPECT_TRUE(store.empty());
  EXPECT_EQ(told[user_of(dead, 4)], 4U);
  EXPECT_EQ(told[user_of(ShardId(6))], 9U);
}

TEST_F(ParkingTest, a_row_that_grows_while_it_is_told_is_told_again) {
  owe(user_of(dead), 1);
  run_for(seconds(10));
  answering = {dead};
  feed.resend_to(dead, now);
  read_rows();
  store.begin()->second.first = 2;  // a Park is applied after the read
  log::Park park;
  log::IndexMark& mark = *park.add_marks();
  mark.set_user(user_of(dead).value());
  mark.set_conversation(store.begin()->first.second.second.str());
  feed.park_applied(park);
  run_for(seconds(1));
  EXPECT_TRUE(store.empty());
  EXPECT_EQ(told[user_of(dead)], 2U);
}

TEST_F(ParkingTest, events_wait_for_a_leader_within_bounds) {
  limits.feed_kept_event_bytes_max = 10;
  owe(user_of(dead), 1, "12345678");
  run_for(milliseconds(500));
  owe(user_of(dead), 2, "12345678");
  run_for(milliseconds(500));
  answering = {dead};
  feed.resend_to(dead, now);
  run_for(milliseconds(1));
  EXPECT_EQ(told[user_of(dead)], 2U);
  EXPECT_EQ(events, 1) << "the other one did not fit: its head is told";
  EXPECT_EQ(feed.memory_bytes(), 0U);
}

TEST_F(ParkingTest, many_items_at_once_do_not_fill_the_room_of_others) {
  limits.feed_outstanding_items_max = 5'000;
  answering = {alive};
  owe(user_of(dead), 1);
  run_for(seconds(6));
  for (std::uint64_t head = 2; head < 100'000; ++head) {
    owe(user_of(dead), head);
    if (head % 100 == 0) turn();
    ASSERT_LT(feed.outstanding(), 2'000U);
  }
}

TEST_F(ParkingTest, our_own_shard_is_never_parked) {
  owe(user_of(here), 1);
  run_for(seconds(60));
  EXPECT_TRUE(store.empty());
  EXPECT_EQ(feed.movable(), RaftIndex(0));
}

}  // namespace
}  // namespace chasqui::fanout
