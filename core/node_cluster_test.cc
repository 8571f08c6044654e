// Three nodes as one chat server, in a perfect world: people at different nodes, a leader that dies, a link cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/base/keys.h"
#include "core/node.h"
#include "core/testing/town.h"

namespace chasqui {
namespace {

using testing::ack;
using testing::Client;
using testing::Login;
using testing::Nodes;
using testing::payload;
using testing::send;
using testing::Town;
using Body = client::ServerFrame;

TEST(ClusterOfThree, people_at_any_two_nodes_chat) {
  Town t;
  for (std::size_t a = 1; a <= 3; ++a) {
    for (std::size_t b = 1; b <= 3; ++b) {
      const std::uint64_t n = 3 * (a - 1) + b;
      const Client ana = t.world.connect(a, t.ana, Version(), n);
      const Client beto = t.world.connect(b, t.beto, Version(), n);
      ASSERT_EQ(t.world.received(ana, Body::kHello).size(), 1U) << a << " " << b;
      ASSERT_EQ(t.world.received(beto, Body::kHello).size(), 1U);
      t.world.send_frame(ana, send(n, t.both));
      t.world.run_for(milliseconds(100));
      const auto accepted = t.world.received(ana, Body::kAccepted);
      ASSERT_EQ(accepted.size(), 1U) << a << " " << b;
      EXPECT_EQ(accepted[0].accepted().seq(), n);
      EXPECT_EQ(accepted[0].request_id(), 100 + n);
      ASSERT_EQ(t.world.received(beto, Body::kPush).size(), 1U) << a << " " << b;
      EXPECT_EQ(t.world.received(beto, Body::kPush)[0].push().event().payload(), payload("hola"));
      client::ClientFrame accept;
      accept.mutable_set_gate()->set_user(t.ana.user.value());
      t.world.send_frame(beto, accept);
      t.world.run_for(milliseconds(100));
      t.world.send_frame(beto, ack(t.both, n));
      t.world.run_for(seconds(2));
      ASSERT_EQ(t.world.received(ana, Body::kReceipt).size(), 1U) << a << " " << b;
      EXPECT_EQ(t.world.received(ana, Body::kReceipt)[0].receipt().read_seq(), n);
      EXPECT_EQ(t.world.received(beto, Body::kAcked).size(), 1U) << a << " " << b;
    }
  }
}

TEST(ClusterOfThree, all_replicas_hold_the_same_rows) {
  Town t;
  const Client ana = t.world.connect(1, t.ana);
  for (std::uint64_t n = 1; n <= 50; ++n) t.world.send_frame(ana, send(n, t.both));
  t.world.run_for(seconds(8));  // the hashes are compared each 10 s: by then a row would be on its way again
  EXPECT_GT(t.world.store(1).rows().size(), 50U);
  EXPECT_TRUE(t.world.store(1).rows() == t.world.store(2).rows());
  EXPECT_TRUE(t.world.store(1).rows() == t.world.store(3).rows());
}

TEST(ClusterOfThree, a_newer_session_of_a_device_ends_the_older_one_at_another_node) {
  Town t;
  const Client first = t.world.connect(1, t.ana, Version(), 1);
  const Client second = t.world.connect(3, t.ana, Version(), 2);
  EXPECT_TRUE(t.world.closed(first));
  EXPECT_FALSE(t.world.closed(second));
  const Client late = t.world.connect(2, t.ana, Version(), 1);
  EXPECT_TRUE(t.world.closed(late));
  EXPECT_FALSE(t.world.closed(second));
}

TEST(ClusterOfThree, a_logout_ends_the_device_s_session_wherever_it_is) {
  Town t;
  const Client ana = t.world.connect(t.other_than(t.world.leader_of(shard_of(t.ana.user, t.world.shards()))), t.ana);
  client::ClientFrame frame;
  frame.set_request_id(5);
  frame.mutable_logout();
  t.world.send_frame(ana, frame);
  t.world.run_for(milliseconds(100));
  EXPECT_EQ(t.world.received(ana, Body::kLoggedOut).size(), 1U);
  EXPECT_TRUE(t.world.closed(ana));
}

TEST(ClusterOfThree, nobody_notices_the_death_of_a_leader) {
  Town t;
  t.world.run_for(seconds(10));
  const std::size_t leader = t.world.leader_of(t.of_both);
  const std::size_t here = t.other_than(leader);
  const Client ana = t.world.connect(here, t.ana);
  const Client beto = t.world.connect(t.other_than(leader, here), t.beto);
  t.world.send_frame(ana, send(1, t.both));
  t.world.run_for(milliseconds(500));
  t.world.kill(leader);
  t.world.send_frame(ana, send(2, t.both));  // to a leader that is gone
  t.world.run_for(seconds(2));
  const auto accepted = t.world.received(ana, Body::kAccepted);
  ASSERT_EQ(accepted.size(), 2U) << "the send waited for the next leader";
  EXPECT_EQ(accepted[1].accepted().seq(), 2U);
  EXPECT_TRUE(t.world.received(ana, Body::kError).empty());
  EXPECT_EQ(t.head(beto), 2U) << "and is told to a session that stayed where it was";
}

TEST(ClusterOfThree, a_silent_death_is_noticed_by_an_election_timeout) {
  Town t;
  t.world.run_for(seconds(10));
  const std::size_t leader = t.world.leader_of(t.of_both);
  const Client ana = t.world.connect(t.other_than(leader), t.ana);
  t.world.kill(leader, false);
  const MonoTime then = t.world.now().mono;
  t.world.send_frame(ana, send(1, t.both));
  while (t.world.received(ana, Body::kAccepted).empty() && t.world.now().mono < then + seconds(6)) {
    t.world.run_for(milliseconds(10));
  }
  ASSERT_EQ(t.world.received(ana, Body::kAccepted).size(), 1U);
  EXPECT_LT(t.world.now().mono, then + seconds(3));
}

TEST(ClusterOfThree, everything_is_there_after_all_nodes_died_at_once) {
  Town t;
  const Client ana = t.world.connect(1, t.ana);
  for (std::uint64_t n = 1; n <= 20; ++n) t.world.send_frame(ana, send(n, t.both));
  t.world.run_for(milliseconds(200));
  ASSERT_EQ(t.world.received(ana, Body::kAccepted).size(), 20U);
  for (std::size_t i = 1; i <= 3; ++i) t.world.kill(i, false);
  for (std::size_t i = 1; i <= 3; ++i) t.world.restart(i);
  ASSERT_TRUE(t.world.run_until_ready());
  const Client beto = t.world.connect(2, t.beto);
  t.world.run_for(seconds(1));
  EXPECT_EQ(t.head(beto), 20U);
}

TEST(ClusterOfThree, without_a_majority_sends_are_told_so_in_time_and_go_on_after_it) {
  Town t;
  t.world.run_for(seconds(10));
  const Client ana = t.world.connect(1, t.ana);
  const Client beto = t.world.connect(1, t.beto);
  t.world.kill(2);
  t.world.kill(3);
  t.world.run_for(seconds(2));
  t.world.send_frame(ana, send(1, t.both));
  t.world.run_for(milliseconds(5'100));
  const auto errors = t.world.received(ana, Body::kError);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].error().code(), client::UNAVAILABLE) << errors[0].error().message();
  t.world.restart(2);
  t.world.restart(3);
  t.world.send_frame(ana, send(1, t.both));
  t.world.run_for(seconds(5));
  EXPECT_EQ(t.world.received(ana, Body::kAccepted).size(), 1U);
  EXPECT_EQ(t.head(beto), 1U);
}

TEST(ClusterOfThree, what_happened_while_a_leader_changed_is_told_to_sessions_that_stayed) {
  Town t;
  t.world.run_for(seconds(10));
  const std::size_t leader = t.world.leader_of(t.of_beto);
  const std::size_t here = t.other_than(leader);
  const Client beto = t.world.connect(here, t.beto);
  // Its node cannot be reached by the leader, who goes on telling others.
  t.world.cut(leader, here);
  const Client ana = t.world.connect(t.other_than(leader, here), t.ana);
  for (std::uint64_t n = 1; n <= 3; ++n) t.world.send_frame(ana, send(n, t.both));
  t.world.run_for(seconds(2));
  t.world.mend(leader, here);
  t.world.run_for(seconds(2));
  EXPECT_EQ(t.head(beto), 3U);
  EXPECT_FALSE(t.world.closed(beto));
}

TEST(ClusterOfThree, a_shard_without_a_leader_holds_up_nobody_and_is_told_all_when_it_is_back) {
  Town t;
  t.world.run_for(seconds(10));
  t.world.mute(t.of_beto, true);
  ASSERT_NE(t.of_both, t.of_beto) << "or there is nothing to see";
  const Client ana = t.world.connect(1, t.ana);
  ASSERT_EQ(t.world.received(ana, Body::kHello).size(), 1U);
  std::size_t most = 0;
  for (std::uint64_t n = 1; n <= 120; ++n) {  // a minute
    t.world.send_frame(ana, send(n, t.both));
    t.world.run_for(milliseconds(500));
    ASSERT_EQ(t.world.received(ana, Body::kAccepted).size(), n);
    ASSERT_EQ(t.head(ana), n) << "her own index is told";
    most = std::max(most, t.rows(t.world.leader_of(t.of_both), t.of_both, keys::Kind::Feed));
  }
  EXPECT_LE(most, 20U) << "of 120: those of about 5 s, and the linger of park and cursor";
  EXPECT_EQ(t.rows(t.world.leader_of(t.of_both), t.of_both, keys::Kind::Parked), 1U);
  t.world.mute(t.of_beto, false);
  const MonoTime back = t.world.now().mono;
  while (t.world.leader_of(t.of_beto) == 0 && t.world.now().mono < back + seconds(5)) t.world.run_for(milliseconds(20));
  const Client beto = t.world.connect(2, t.beto);
  while (t.head(beto) < 120 && t.world.now().mono < back + seconds(10)) t.world.run_for(milliseconds(20));
  EXPECT_EQ(t.head(beto), 120U);
  EXPECT_LT(t.world.now().mono, back + seconds(5));
  t.world.run_for(seconds(2));
  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(t.rows(i, t.of_both, keys::Kind::Parked), 0U) << "node " << i;
    EXPECT_EQ(t.rows(i, t.of_both, keys::Kind::Feed), 0U);
  }
}

TEST(ClusterOfThree, a_restarted_node_is_ready_when_it_has_applied_what_was_committed_without_it) {
  Limits limits;
  limits.send_device_burst = 10'000;
  limits.send_conversation_burst = 10'000;
  Nodes world(3, {6}, limits);
  const Login ana = world.provision("ana");
  const ConversationId self = ConversationId::direct(ana.user, ana.user);
  const ShardId shard = shard_of(self, world.shards());
  world.run_for(seconds(10));
  const std::size_t leader = world.leader_of(shard);
  const std::size_t other = leader % 3 + 1;
  const Client session = world.connect(leader, ana);
  for (std::uint64_t n = 1; n <= 600; ++n) {
    if (n == 300) world.kill(other);
    world.send_frame(session, send(n, self));
    world.run_for(milliseconds(5));
  }
  world.run_for(seconds(1));
  ASSERT_EQ(world.received(session, Body::kAccepted).size(), 600U);
  world.restart(other);
  ASSERT_FALSE(world.node(other).ready());
  const MonoTime back = world.now().mono;
  while (!world.node(other).ready() && world.now().mono < back + seconds(10)) world.run_for(milliseconds(1));
  ASSERT_TRUE(world.node(other).ready());
  world.run_for(seconds(1));  // then what is applied is in its store
  EXPECT_TRUE(world.store(other).get(keys::event(shard, self, Seq(600))).has_value());
}

TEST(ClusterOfThree, an_idle_node_wakes_as_seldom_with_many_shards_as_with_few) {
  Nodes world(3, {64});
  world.run_for(seconds(20));
  ASSERT_GE(world.shards_led(1), 21U);
  std::set<std::int64_t> wakes;
  const MonoTime until = world.now().mono + seconds(1);
  while (world.now().mono < until) {
    world.run_for(milliseconds(1));
    const MonoTime next = world.node(1).next_deadline();
    if (next < until) wakes.insert(next.ns);
  }
  EXPECT_LE(wakes.size(), 80U) << "the heartbeats of 21 shards are 210 a second; the rest is what is done each second";
}

}  // namespace
}  // namespace chasqui
