#include "core/gateway/registry.h"

#include <gtest/gtest.h>

namespace chasqui::gateway {
namespace {

struct RegistryTest : testing::Test {
  Registry registry;
  std::vector<Registered> replaced;
  Now now{MonoTime{1'000'000'000}, WallTime{0}};
  static Registered session(std::uint64_t node, std::uint64_t id, std::uint64_t user, std::uint64_t device = 1,
                            std::uint64_t generation = 1) {
    return {NodeId(node), SessionId(id), UserId(user), DeviceId(device), generation};
  }
  static SessionSum sum(std::initializer_list<std::uint64_t> sessions) {
    SessionSum sum;
    for (const std::uint64_t id : sessions) sum.add(SessionId(id));
    return sum;
  }
};

TEST_F(RegistryTest, a_user_is_told_once_at_each_node) {
  ASSERT_TRUE(registry.add(session(1, 10, 7, 1), now, replaced));
  ASSERT_TRUE(registry.add(session(1, 11, 7, 2), now, replaced));
  ASSERT_TRUE(registry.add(session(2, 10, 7, 3), now, replaced));
  EXPECT_EQ(registry.nodes_of(UserId(7)), (std::vector<NodeId>{NodeId(1), NodeId(2)}));
  registry.remove(NodeId(1), SessionId(10));
  registry.remove(NodeId(1), SessionId(11));
  EXPECT_EQ(registry.nodes_of(UserId(7)), std::vector<NodeId>{NodeId(2)});
  registry.drop_node(NodeId(2));
  EXPECT_FALSE(registry.online(UserId(7)));
  EXPECT_EQ(registry.size(), 0U);
}

TEST_F(RegistryTest, of_two_sessions_of_a_device_the_higher_generation_stands_wherever_they_are) {
  ASSERT_TRUE(registry.add(session(1, 10, 7, 1, 5), now, replaced));
  EXPECT_FALSE(registry.add(session(2, 20, 7, 1, 4), now, replaced));
  EXPECT_TRUE(replaced.empty());
  ASSERT_TRUE(registry.add(session(2, 21, 7, 1, 6), now, replaced));
  ASSERT_EQ(replaced.size(), 1U);
  EXPECT_EQ(replaced[0].node, NodeId(1));
  EXPECT_EQ(replaced[0].session, SessionId(10));
  EXPECT_EQ(registry.nodes_of(UserId(7)), std::vector<NodeId>{NodeId(2)});
}

TEST_F(RegistryTest, a_node_with_other_sessions_than_are_known_must_register_again) {
  registry.begin_round(NodeId(2), 3, now);
  ASSERT_TRUE(registry.add(session(2, 20, 7), now, replaced));
  ASSERT_TRUE(registry.add(session(2, 21, 8), now, replaced));
  EXPECT_TRUE(registry.renewed(NodeId(2), 3, sum({21, 20}), 0, now));
  EXPECT_FALSE(registry.renewed(NodeId(2), 3, sum({20}), 0, now));
  EXPECT_FALSE(registry.renewed(NodeId(2), 3, sum({20, 22}), 0, now));
  EXPECT_FALSE(registry.renewed(NodeId(2), 2, sum({21, 20}), 0, now));
  EXPECT_FALSE(registry.renewed(NodeId(9), 1, sum({1}), 0, now));
  EXPECT_TRUE(registry.renewed(NodeId(9), 1, sum({}), 0, now));
}

TEST_F(RegistryTest, what_was_told_and_never_came_is_noticed) {
  ASSERT_TRUE(registry.add(session(2, 20, 7), now, replaced));
  EXPECT_EQ(registry.stamp(NodeId(2), now).number, 1U);
  EXPECT_EQ(registry.stamp(NodeId(2), now).number, 2U);
  EXPECT_TRUE(registry.renewed(NodeId(2), 0, sum({20}), 1, now)) << "it may be under way";
  now.mono = now.mono + Registry::told_grace;
  EXPECT_FALSE(registry.renewed(NodeId(2), 0, sum({20}), 1, now));
  EXPECT_TRUE(registry.renewed(NodeId(2), 0, sum({20}), 2, now));
}

TEST_F(RegistryTest, a_node_that_does_not_renew_has_no_sessions_but_our_own) {
  ASSERT_TRUE(registry.add(session(1, 10, 7), now, replaced));
  ASSERT_TRUE(registry.add(session(2, 20, 8), now, replaced));
  now.mono = now.mono + Registry::lease;
  registry.expire(NodeId(1), now);
  EXPECT_TRUE(registry.online(UserId(7)));
  EXPECT_FALSE(registry.online(UserId(8)));
}

// The simulator found the race in one node: a logout that is applied between a Hello's read and its answer.
TEST_F(RegistryTest, a_device_logged_out_while_its_token_is_being_read_does_not_get_in) {
  registry.check_begin(UserId(7), DeviceId(1), NodeId(2), 100);
  registry.check_begin(UserId(7), DeviceId(2), NodeId(2), 101);
  registry.device_gone(UserId(7), DeviceId(1));
  EXPECT_TRUE(registry.check_end(UserId(7), NodeId(2), 100));
  EXPECT_FALSE(registry.check_end(UserId(7), NodeId(2), 101));
  EXPECT_TRUE(registry.check_end(UserId(7), NodeId(2), 101)) << "one that this leader has not seen begin";
}

// Seed 79 of several nodes: the second of two equal Hellos was refused, and its session was told so before the first
// one's answer was made.
TEST_F(RegistryTest, a_hello_that_came_twice_is_checked_twice) {
  registry.check_begin(UserId(7), DeviceId(1), NodeId(2), 100);
  registry.check_begin(UserId(7), DeviceId(1), NodeId(2), 100);
  EXPECT_FALSE(registry.check_end(UserId(7), NodeId(2), 100));
  registry.device_gone(UserId(7), DeviceId(1));
  EXPECT_TRUE(registry.check_end(UserId(7), NodeId(2), 100));
  EXPECT_TRUE(registry.check_end(UserId(7), NodeId(2), 100));
}

}  // namespace
}  // namespace chasqui::gateway
