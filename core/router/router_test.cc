#include "core/router/router.h"

#include <gtest/gtest.h>

namespace chasqui::router {
namespace {

TEST(Router, nobody_is_asked_before_a_leader_is_known) {
  const Router router(NodeId(1), ShardCount{4});
  EXPECT_FALSE(router.of(ShardId(3)).here);
  EXPECT_FALSE(router.of(ShardId(3)).leader);
}

TEST(Router, an_older_hint_does_not_replace_a_newer_one) {
  Router router(NodeId(1), ShardCount{4});
  router.leads(ShardId(2), NodeId(1), RaftTerm(7));
  router.leads(ShardId(2), NodeId(9), RaftTerm(6));
  EXPECT_TRUE(router.of(ShardId(2)).here);
  router.leads(ShardId(2), NodeId(9), RaftTerm(8));
  EXPECT_FALSE(router.of(ShardId(2)).here);
  EXPECT_EQ(router.of(ShardId(2)).leader, NodeId(9));
}

TEST(Router, both_people_of_a_conversation_find_the_same_shard) {
  const Router router(NodeId(1), ShardCount{64});
  const UserId ana(0x1234567);
  const UserId beto(0x7654321);
  EXPECT_EQ(router.of_conversation(ConversationId::direct(ana, beto)).shard,
            router.of_conversation(ConversationId::direct(beto, ana)).shard);
}

}  // namespace
}  // namespace chasqui::router
