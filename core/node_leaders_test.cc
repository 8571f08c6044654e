// Who leads which shard, and how that changes hands: nodes that stop, are cut off, have a wrong clock or a slow disk.
#include <gtest/gtest.h>

#include "core/node.h"
#include "core/testing/town.h"

namespace chasqui {
namespace {

using testing::Client;
using testing::Nodes;
using testing::send;
using testing::Town;
using Body = client::ServerFrame;

TEST(ClusterOfThree, each_node_comes_to_lead_its_third) {
  Nodes world(3);
  world.run_for(seconds(20));
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_EQ(world.shards_led(i), 2U) << "node " << i;
}

TEST(ClusterOfThree, a_leader_that_some_node_cannot_reach_gives_way_to_one_that_all_reach) {
  Town t;
  t.world.run_for(seconds(10));
  const std::size_t leader = t.world.leader_of(t.of_both);
  const std::size_t here = t.other_than(leader);
  const std::size_t middle = t.other_than(leader, here);
  t.world.cut(leader, here);
  t.world.run_for(seconds(8));
  for (std::uint32_t shard = 0; shard < t.world.shards().value; ++shard) {
    EXPECT_EQ(t.world.leader_of(ShardId(shard)), middle) << "shard " << shard;
  }
  const Client ana = t.world.connect(here, t.ana);
  const Client beto = t.world.connect(leader, t.beto);
  t.world.send_frame(ana, send(1, t.both));
  t.world.run_for(milliseconds(500));
  EXPECT_EQ(t.world.received(ana, Body::kAccepted).size(), 1U) << "it was cut off from the leader";
  EXPECT_EQ(t.head(beto), 1U);
  t.world.mend(leader, here);
  t.world.run_for(seconds(20));
  EXPECT_EQ(t.world.leader_of(t.of_both), leader) << "each leads its part again";
}

TEST(ClusterOfThree, who_loses_what_it_is_given_again_and_again_is_given_it_more_seldom) {
  Town t;
  t.world.run_for(seconds(20));
  const std::size_t home = t.world.leader_of(t.of_both);
  const std::size_t one = t.other_than(home);
  const std::size_t other = t.other_than(home, one);
  int given = 0;
  for (int flaps = 0; flaps < 20; ++flaps) {
    for (const std::size_t node : {one, other}) t.world.cut(home, node);
    t.world.run_for(seconds(2));
    ASSERT_NE(t.world.leader_of(t.of_both), home);
    for (const std::size_t node : {one, other}) t.world.mend(home, node);
    t.world.run_for(seconds(6));
    if (t.world.leader_of(t.of_both) == home) ++given;
  }
  EXPECT_GT(given, 0);
  EXPECT_LE(given, 10);
  t.world.run_for(seconds(70));
  EXPECT_EQ(t.world.leader_of(t.of_both), home) << "it has stood for a minute";
}

TEST(ClusterOfThree, a_death_moves_no_leadership_but_the_dead_one_s) {
  Town t;
  t.world.run_for(seconds(20));
  const std::size_t dead = t.other_than(t.world.leader_of(t.of_both));
  const std::size_t leader = t.world.leader_of(t.of_both);
  t.world.kill(dead);
  for (int s = 0; s < 20; ++s) {
    t.world.run_for(milliseconds(500));
    EXPECT_EQ(t.world.leader_of(t.of_both), leader);
  }
}

TEST(ClusterOfThree, a_node_that_is_told_to_stop_hands_its_shards_over) {
  Town t;
  t.world.run_for(seconds(20));
  ASSERT_EQ(t.world.shards_led(2), 2U);
  const Client ana = t.world.connect(1, t.ana);
  t.world.input(2, Drain{});
  t.world.send_frame(ana, send(1, t.both));
  t.world.run_for(seconds(2));
  EXPECT_EQ(t.world.shards_led(2), 0U);
  EXPECT_TRUE(t.world.node(2).handed_over());
  EXPECT_EQ(t.world.received(ana, Body::kAccepted).size(), 1U);
  EXPECT_TRUE(t.world.received(ana, Body::kError).empty());
}

TEST(ClusterOfThree, a_disk_that_stands_still_costs_its_shards_two_seconds_and_gets_them_back_when_it_is_well) {
  Town t;
  t.world.run_for(seconds(20));
  const std::size_t slow = t.world.leader_of(t.of_both);
  const Client ana = t.world.connect(t.other_than(slow), t.ana);
  t.world.hold_syncs(slow, true);
  t.world.send_frame(ana, send(1, t.both));
  t.world.run_for(milliseconds(1'900));
  EXPECT_TRUE(t.world.received(ana, Body::kAccepted).empty());
  EXPECT_EQ(t.world.leader_of(t.of_both), slow);
  t.world.run_for(milliseconds(600));
  EXPECT_EQ(t.world.shards_led(slow), 0U);
  EXPECT_EQ(t.world.count_notes(slow, NoteKind::DiskSlow), 1U);
  EXPECT_EQ(t.world.received(ana, Body::kAccepted).size(), 1U) << "the answer of the next leader";
  EXPECT_TRUE(t.world.received(ana, Body::kError).empty());

  t.world.hold_syncs(slow, false);
  t.world.run_for(seconds(8));
  EXPECT_EQ(t.world.shards_led(slow), 0U) << "not at once";
  t.world.run_for(seconds(10));
  EXPECT_EQ(t.world.shards_led(slow), 2U);
  t.world.send_frame(ana, send(2, t.both));
  t.world.run_for(milliseconds(50));
  EXPECT_EQ(t.world.received(ana, Body::kAccepted).size(), 2U);
}

TEST(ClusterOfThree, nodes_that_all_stop_wait_for_nobody_to_take_what_they_lead) {
  Town t;
  t.world.run_for(seconds(20));
  ASSERT_EQ(t.world.shards_led(2), 2U);
  for (std::size_t i = 1; i <= 3; ++i) t.world.input(i, Drain{});
  t.world.run_for(seconds(1));
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_TRUE(t.world.node(i).handed_over()) << "node " << i;
}

TEST(ClusterOfThree, a_node_that_stops_serves_each_session_until_it_sends_it_on) {
  Town t;
  t.world.run_for(seconds(20));
  std::vector<Client> sessions{t.world.connect(2, t.ana), t.world.connect(2, t.beto)};
  for (int i = 0; i < 6; ++i) sessions.push_back(t.world.open(2));
  t.world.input(2, Drain{});
  const Client last = t.world.closed(sessions[1]) ? sessions[0] : sessions[1];
  t.world.send_frame(last, send(1, t.both));
  t.world.run_for(milliseconds(200));
  EXPECT_EQ(t.world.received(last, Body::kAccepted).size(), 1U);
  t.world.run_for(seconds(2));
  for (const Client& session : sessions) {
    ASSERT_TRUE(t.world.closed(session));
    const auto words = t.world.received(session, Body::kGoAway);
    ASSERT_EQ(words.size(), 1U);
    EXPECT_EQ(words[0].go_away().reason(), client::GoAway::SHUTTING_DOWN);
    EXPECT_EQ(words[0].go_away().after_ms(), 0U) << "others are there";
  }
}

TEST(ClusterOfThree, a_clock_far_from_its_peers_does_not_stamp_messages) {
  Nodes world(3);
  world.run_for(seconds(20));
  peer::PeerFrame frame;
  frame.mutable_clock()->set_wall_ms(world.now().wall.ms + 60'000);
  for (int s = 0; s < 5; ++s) {  // node 1 hears from both others that it is a minute late
    world.input(1, PeerFrame{NodeId(2), frame.SerializeAsString()});
    world.input(1, PeerFrame{NodeId(3), frame.SerializeAsString()});
    world.run_for(milliseconds(900));
  }
  EXPECT_EQ(world.shards_led(1), 0U) << "it hands over what it may not propose to";
}

}  // namespace
}  // namespace chasqui
