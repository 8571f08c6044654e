#include "core/router/asks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace chasqui::router {
namespace {

std::vector<std::uint64_t> waiting(const Asks<std::string>& asks, ShardId shard) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t id = 0; (id = asks.next_waiting(shard, id)) != 0;) all.push_back(id);
  return all;
}

struct AsksTest : testing::Test {
  Asks<std::string> asks{100};
  static constexpr ShardId shard{3};
  static MonoTime at(std::int64_t s) { return MonoTime{s * 1'000'000'000}; }
  static Now now(std::int64_t s) { return {at(s), WallTime{0}}; }
};

TEST_F(AsksTest, what_waits_leaves_in_the_order_in_which_it_came) {
  const std::uint64_t a = asks.add(shard, at(5), "a");
  const std::uint64_t b = asks.add(shard, at(5), "b");
  const std::uint64_t other = asks.add(ShardId(4), at(5), "other");
  asks.wait(b);
  asks.wait(other);
  asks.wait(a);
  EXPECT_TRUE(asks.any_waits(shard));
  EXPECT_EQ(waiting(asks, shard), (std::vector<std::uint64_t>{a, b}));
  asks.sent(a, NodeId(2));
  asks.erase(b);
  EXPECT_FALSE(asks.any_waits(shard));
  EXPECT_EQ(waiting(asks, ShardId(4)), std::vector<std::uint64_t>{other});
}

TEST_F(AsksTest, what_is_asked_while_those_that_wait_leave_is_found_behind_them) {
  const std::uint64_t a = asks.add(shard, at(5), "a");
  asks.wait(a);
  const std::uint64_t b = asks.add(shard, at(5), "b");
  asks.wait(b);
  ASSERT_EQ(asks.next_waiting(shard, 0), a);
  asks.sent(a, NodeId(2));
  const std::uint64_t asked_by_a = asks.add(shard, at(5), "asked by a");
  asks.wait(asked_by_a);
  ASSERT_EQ(asks.next_waiting(shard, a), b);
  asks.sent(b, NodeId(2));
  EXPECT_EQ(asks.next_waiting(shard, b), asked_by_a);
  asks.sent(asked_by_a, NodeId(2));
  EXPECT_EQ(asks.next_waiting(shard, asked_by_a), 0U);
}

TEST_F(AsksTest, what_was_at_a_lost_node_may_be_proposed_and_waits) {
  const std::uint64_t there = asks.add(shard, at(5), "there");
  const std::uint64_t elsewhere = asks.add(shard, at(5), "elsewhere");
  asks.sent(there, NodeId(2));
  asks.sent(elsewhere, NodeId(3));
  asks.lost(NodeId(2));
  EXPECT_EQ(waiting(asks, shard), std::vector<std::uint64_t>{there});
  EXPECT_TRUE(asks.find(there)->may_be_proposed);
  EXPECT_FALSE(asks.find(elsewhere)->may_be_proposed);
}

TEST_F(AsksTest, what_is_at_a_former_leader_is_asked_again) {
  const std::uint64_t there = asks.add(shard, at(5), "there");
  const std::uint64_t here = asks.add(shard, at(5), "here");
  asks.sent(there, NodeId(2));
  asks.sent(here, NodeId(3));
  asks.moved(shard, NodeId(3));
  EXPECT_EQ(waiting(asks, shard), std::vector<std::uint64_t>{there});
}

TEST_F(AsksTest, time_is_up_in_the_order_of_deadlines) {
  const std::uint64_t late = asks.add(shard, at(9), "late");
  const std::uint64_t soon = asks.add(shard, at(5), "soon");
  EXPECT_EQ(asks.next_deadline(), at(5));
  EXPECT_EQ(asks.expired(now(4)), 0U);
  EXPECT_EQ(asks.expired(now(6)), soon);
  asks.erase(soon);
  EXPECT_EQ(asks.expired(now(6)), 0U);
  asks.erase(late);
  EXPECT_EQ(asks.size(), 0U);
  EXPECT_EQ(asks.next_deadline(), MonoTime::never());
}

}  // namespace
}  // namespace chasqui::router
