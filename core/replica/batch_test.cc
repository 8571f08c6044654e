#include "core/replica/batch.h"

#include <gtest/gtest.h>

namespace chasqui::replica {
namespace {

log::Command send(std::uint64_t number, std::size_t bytes = 10) {
  log::Command command;
  command.mutable_send()->set_outbox_seq(number);
  command.mutable_send()->set_payload(std::string(bytes, 'x'));
  return command;
}

struct BatchTest : ::testing::Test {
  Limits limits;
  Batch<int> batch{limits};
  Now now{MonoTime{}, WallTime{}};
  std::vector<int> origins;
};

TEST_F(BatchTest, commands_leave_in_one_entry_in_their_order) {
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(batch.add(send(static_cast<std::uint64_t>(i)), i, now, MonoTime::never()));
  log::Entry entry;
  ASSERT_TRUE(entry.ParseFromString(batch.take_entry(1234, origins)));
  EXPECT_EQ(entry.log_time_ms(), 1234);
  ASSERT_EQ(entry.commands_size(), 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(entry.commands(i).send().outbox_seq(), static_cast<std::uint64_t>(i + 1));
  EXPECT_EQ(origins, (std::vector<int>{1, 2, 3}));
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.bytes(), 0U);
}

TEST_F(BatchTest, an_entry_stays_below_its_limits) {
  limits.raft_entry_bytes_max = 1'000;
  limits.raft_entry_commands_max = 4;
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(batch.add(send(1, 300), i, now, MonoTime::never()));
  EXPECT_LE(batch.take_entry(0, origins).size(), 1'000U);
  EXPECT_EQ(origins.size(), 3U);
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(batch.add(send(1, 1), i, now, MonoTime::never()));
  origins.clear();
  (void)batch.take_entry(0, origins);
  EXPECT_LE(origins.size(), 4U);
}

TEST_F(BatchTest, one_more_than_the_limit_is_refused) {
  limits.shard_waiting_commands_max = 2;
  EXPECT_TRUE(batch.add(send(1), 1, now, MonoTime::never()));
  EXPECT_TRUE(batch.add(send(2), 2, now, MonoTime::never()));
  EXPECT_FALSE(batch.add(send(3), 3, now, MonoTime::never()));
  limits.shard_waiting_commands_max = 100;
  limits.shard_waiting_bytes_max = batch.bytes() + 5;
  EXPECT_FALSE(batch.add(send(3), 3, now, MonoTime::never()));
}

TEST_F(BatchTest, what_waited_too_long_is_dropped_before_it_is_proposed) {
  ASSERT_TRUE(batch.add(send(1), 1, now, now.mono + milliseconds(50)));
  ASSERT_TRUE(batch.add(send(2), 2, now, MonoTime::never()));
  EXPECT_EQ(batch.next_deadline(), now.mono + milliseconds(50));
  now.mono = now.mono + milliseconds(50);
  batch.take_expired(now, origins);
  EXPECT_EQ(origins, (std::vector<int>{1}));
  EXPECT_EQ(batch.next_deadline(), MonoTime{} + milliseconds(1000));
}

}  // namespace
}  // namespace chasqui::replica
