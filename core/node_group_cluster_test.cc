// Groups on three nodes: members anywhere are told, also by a leader who finds in the feed what another one owed.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/node.h"
#include "core/testing/club.h"
#include "core/testing/town.h"

namespace chasqui {
namespace {

using testing::change_frame;
using testing::Client;
using testing::create_group;
using testing::remove_member;
using testing::text_frame;
using testing::Town;
using Body = client::ServerFrame;

// A town with a club, whose shard is not that of beto.
struct ClubTown : Town {
  ConversationId club = of_another_shard();
  ShardId of_club = shard_of(club, world.shards());

  ConversationId of_another_shard() {
    for (std::uint64_t drawn = 1;; ++drawn) {
      const ConversationId id = ConversationId::group(ana.user, drawn);
      if (shard_of(id, world.shards()) != of_beto) return id;
    }
  }
  std::uint64_t club_head(const Client& client) {
    std::uint64_t head = 0;
    for (const client::ServerFrame& frame : world.received(client)) {
      if (frame.head().conversation() == club.bytes()) head = std::max(head, frame.head().seq());
      if (frame.push().conversation() == club.bytes()) head = std::max(head, frame.push().event().seq());
    }
    return head;
  }
};

TEST(GroupsOfThreeNodes, members_at_any_node_are_pushed_what_is_said) {
  ClubTown t;
  for (std::size_t at = 1; at <= 3; ++at) {
    const Client ana = t.world.connect(at, t.ana, Version(), at);
    const Client beto = t.world.connect(at % 3 + 1, t.beto, Version(), at);
    if (at == 1) t.world.send_frame(ana, change_frame(1, t.club, create_group("Club", {t.beto.user})));
    t.world.send_frame(ana, text_frame(at + 1, t.club, "hola"));
    t.world.run_for(milliseconds(200));
    const auto pushed = t.world.received(beto, Body::kPush);
    ASSERT_FALSE(pushed.empty()) << at;
    EXPECT_EQ(pushed.back().push().event().seq(), at + 1);
    EXPECT_EQ(t.world.received(ana, Body::kPush).back().push().event().seq(), at + 1) << "her own devices too";
  }
}

TEST(GroupsOfThreeNodes, what_one_leader_owed_the_members_the_next_one_tells) {
  ClubTown t;
  t.world.run_for(seconds(10));
  const std::size_t leader = t.world.leader_of(t.of_club);
  const std::size_t here = t.other_than(leader);
  const Client ana = t.world.connect(here, t.ana);
  const Client beto = t.world.connect(here, t.beto);
  t.world.send_frame(ana, change_frame(1, t.club, create_group("Club", {t.beto.user})));
  t.world.run_for(seconds(2));
  t.world.mute(t.of_beto, true);  // nobody leads beto's shard: what it is owed waits
  t.world.run_for(seconds(3));
  t.world.send_frame(ana, text_frame(2, t.club, "hola"));
  t.world.run_for(milliseconds(500));
  ASSERT_EQ(t.world.received(ana, Body::kAccepted).size(), 2U);
  EXPECT_EQ(t.club_head(beto), 1U);
  t.world.kill(leader);
  t.world.run_for(seconds(4));
  t.world.mute(t.of_beto, false);
  t.world.run_for(seconds(10));
  EXPECT_EQ(t.club_head(beto), 2U);
}

TEST(GroupsOfThreeNodes, who_was_removed_is_told_that_alone_by_the_next_leader) {
  ClubTown t;
  t.world.run_for(seconds(10));
  const std::size_t leader = t.world.leader_of(t.of_club);
  const std::size_t here = t.other_than(leader);
  const Client ana = t.world.connect(here, t.ana);
  const Client beto = t.world.connect(here, t.beto);
  t.world.send_frame(ana, change_frame(1, t.club, create_group("Club", {t.beto.user})));
  t.world.run_for(seconds(2));
  t.world.mute(t.of_beto, true);
  t.world.run_for(seconds(3));
  t.world.send_frame(ana, text_frame(2, t.club, "hola"));
  t.world.send_frame(ana, change_frame(3, t.club, remove_member(t.beto.user)));
  t.world.send_frame(ana, text_frame(4, t.club, "without him"));
  t.world.run_for(milliseconds(500));
  t.world.kill(leader);
  t.world.run_for(seconds(4));
  t.world.mute(t.of_beto, false);
  t.world.run_for(seconds(10));
  EXPECT_EQ(t.club_head(beto), 3U) << "that he goes, and nothing after";
}

}  // namespace
}  // namespace chasqui
