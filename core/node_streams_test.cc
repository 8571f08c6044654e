// Three nodes: one that was away longer than the logs reach back, whatever happens to it meanwhile; and one whose state
// is not what its log says.
#include <gtest/gtest.h>

#include <string>

#include "core/base/keys.h"
#include "core/testing/nodes.h"
#include "proto/state.pb.h"

namespace chasqui {
namespace {

using testing::Client;
using testing::Login;
using testing::MemStore;
using testing::Nodes;

Limits small_limits() {
  Limits limits;
  limits.log_trailing_entries = 2;
  limits.stream_part_bytes = 600;
  limits.overlay_write_ms = 0;  // rows are compared, and one is spoiled, where they are stored
  limits.overlay_bytes_max = 0;
  return limits;
}

Limits one_part_a_second() {
  Limits limits = small_limits();
  limits.stream_bytes_per_s = limits.stream_part_bytes;
  return limits;
}

struct Town {
  Nodes world{3, {2}, small_limits()};
  Login ana = world.provision("ana", 1);
  Login beto = world.provision("beto", 2);
  ConversationId both = ConversationId::direct(ana.user, beto.user);
  ShardId shard = shard_of(both, world.shards());
  std::uint64_t sent = 0;

  // A few messages at a node that stays.
  void chat(const Client& client, int count) {
    for (int i = 0; i < count; ++i) {
      client::Payload payload;
      payload.set_nonce(std::string(16, 'n'));
      payload.set_text("hola " + std::to_string(sent));
      client::ClientFrame frame;
      frame.set_request_id(100 + ++sent);
      frame.mutable_send()->set_conversation(both.str());
      frame.mutable_send()->set_outbox_seq(sent);
      frame.mutable_send()->set_payload(payload.SerializeAsString());
      world.send_frame(client, frame);
      world.run_for(milliseconds(40));
    }
  }
  std::uint64_t accepted(const Client& client) { return world.received(client, client::ServerFrame::kAccepted).size(); }
  // The rows of all shards, but for what is local to a replica.
  MemStore::Rows rows(std::size_t node) const {
    MemStore::Rows rows = world.store_of(node).rows();
    for (std::uint32_t i = 0; i < world.shards().value; ++i) rows.erase(keys::ingested(ShardId(i)));
    return rows;
  }
  // Node 3 misses more than the logs keep. The client is at node 1.
  void leave_behind(const Client& client) {
    world.kill(3);
    world.run_for(seconds(3));
    chat(client, 20);
    world.run_for(seconds(2));  // cursors move, marks are told
    for (const std::size_t node : {1U, 2U}) world.flush(node);
    world.run_for(milliseconds(100));
    chat(client, 10);
    world.run_for(seconds(2));
    for (const std::size_t node : {1U, 2U}) world.flush(node);
    world.run_for(milliseconds(100));
  }
  // Node 3, away for too long, is back for a second and pulls the state: from whom?
  std::size_t begin_to_catch_up() {
    leave_behind(world.connect(1, ana));
    world.restart(3);
    world.run_for(seconds(1));
    return world.leader_of(shard);
  }
  std::size_t taken() const { return world.count_notes(3, NoteKind::SnapshotTaken); }
};

TEST(CatchUp, who_missed_more_than_the_logs_hold_gets_the_whole_state) {
  Town t;
  const Client phone = t.world.connect(1, t.ana);
  t.chat(phone, 3);
  t.leave_behind(phone);
  ASSERT_EQ(t.accepted(phone), t.sent);
  t.world.restart(3);
  t.world.run_for(seconds(5));
  EXPECT_GT(t.taken(), 0U);
  EXPECT_EQ(t.rows(3), t.rows(1));
  EXPECT_EQ(t.rows(2), t.rows(1));
  // And it goes on from there, also after a restart.
  t.chat(phone, 3);
  t.world.run_for(seconds(2));
  EXPECT_EQ(t.rows(3), t.rows(1));
  t.world.kill(3);
  t.world.restart(3);
  t.chat(phone, 2);
  t.world.run_for(seconds(5));
  EXPECT_EQ(t.rows(3), t.rows(1));
  EXPECT_EQ(t.accepted(phone), t.sent);
}

TEST(CatchUp, a_crash_at_any_moment_leaves_a_replica_that_starts_over) {
  Town t;
  const Client phone = t.world.connect(1, t.ana);
  t.chat(phone, 3);
  t.leave_behind(phone);
  for (int ms = 1; ms <= 40 && !::testing::Test::HasFailure(); ++ms) {
    t.world.restart(3);
    t.world.run_for(milliseconds(90 + 2 * ms));
    t.world.kill(3, ms % 2 == 0);
    t.world.run_for(milliseconds(100));
  }
  t.world.restart(3);
  t.world.run_for(seconds(10));
  EXPECT_GT(t.taken(), 0U);
  EXPECT_EQ(t.rows(3), t.rows(1));
  t.chat(phone, 3);
  t.world.run_for(seconds(2));
  EXPECT_EQ(t.rows(3), t.rows(1));
}

TEST(CatchUp, a_link_that_breaks_again_and_again_ends_it_no_later_than_it_must) {
  Town t;
  t.world.link_time = milliseconds(5);
  const Client phone = t.world.connect(1, t.ana);
  t.leave_behind(phone);
  t.world.restart(3);
  for (int i = 0; i < 20 && t.rows(3) != t.rows(1); ++i) {
    t.world.run_for(milliseconds(150));
    for (const std::size_t node : {1U, 2U}) t.world.cut(node, 3);
    t.world.run_for(milliseconds(20));
    for (const std::size_t node : {1U, 2U}) t.world.mend(node, 3);
  }
  t.world.run_for(seconds(5));
  EXPECT_EQ(t.rows(3), t.rows(1));
}

TEST(CatchUp, a_source_that_dies_is_replaced_by_the_next_leader) {
  Limits limits = one_part_a_second();
  limits.stream_idle_ms = 3'000;
  Town t{.world = Nodes(3, {2}, limits)};
  const std::size_t source = t.begin_to_catch_up();
  EXPECT_EQ(t.taken(), 0U);
  t.world.kill(source);
  t.world.run_for(seconds(2));
  // No majority meanwhile: the one that installs stores nothing. It gives up, and then votes again.
  t.world.run_for(seconds(10));
  t.world.restart(source);
  t.world.run_for(seconds(120));
  EXPECT_EQ(t.rows(3), t.rows(1));
  EXPECT_GT(t.taken(), 0U);
}

TEST(CatchUp, who_takes_a_state_votes_when_its_source_falls_silent_and_takes_it_from_the_next) {
  Limits limits = one_part_a_second();
  Town t{.world = Nodes(3, {2}, limits)};
  const std::size_t source = t.begin_to_catch_up();
  ASSERT_EQ(t.taken(), 0U);
  t.world.kill(source, false);
  t.world.run_for(seconds(3));
  EXPECT_EQ(t.world.count_notes(3, NoteKind::SnapshotWanted), 2U)
      << "the stream's own patience is " << limits.stream_idle_ms << " ms";
  t.world.run_for(seconds(60));
  EXPECT_EQ(t.world.leader_of(t.shard), 3 - source);
  EXPECT_EQ(t.rows(3), t.rows(3 - source));
}

// A header with another head: what is written on it differs from then on.
void spoil(Town& t, std::size_t node) {
  MemStore& store = t.world.store(node);
  state::Header header;
  const std::string key = keys::header(t.shard, t.both);
  ASSERT_TRUE(header.ParseFromString(*store.get(key)));
  header.set_chain(std::string(32, 'x'));
  WriteBatch batch;
  batch.put(key, header.SerializeAsString());
  store.write(batch);
}

TEST(Divergence, a_follower_whose_state_differs_stops_within_seconds_and_the_others_go_on) {
  Town t;
  const Client phone = t.world.connect(1, t.ana);
  t.chat(phone, 3);
  const std::size_t leader = t.world.leader_of(t.shard);
  const std::size_t rotten = leader % 3 + 1;
  spoil(t, rotten);
  t.chat(phone, 3);
  t.world.run_for(seconds(11));
  for (std::size_t node = 1; node <= 3; ++node) {
    EXPECT_EQ(t.world.count_notes(node, NoteKind::ReplicaDiffers), node == rotten ? 1U : 0U) << "node " << node;
  }
  t.chat(phone, 3);
  EXPECT_EQ(t.accepted(phone), t.sent);
  t.world.run_for(seconds(30));
  EXPECT_EQ(t.world.count_notes(leader, NoteKind::ReplicaDiffers), 0U);
}

TEST(Divergence, a_leader_whose_state_differs_stops_and_another_leads) {
  Town t;
  const Client phone = t.world.connect(1, t.ana);
  t.chat(phone, 3);
  const std::size_t rotten = t.world.leader_of(t.shard);
  spoil(t, rotten);
  t.chat(phone, 3);
  t.world.run_for(seconds(13));
  for (std::size_t node = 1; node <= 3; ++node) {
    EXPECT_EQ(t.world.count_notes(node, NoteKind::ReplicaDiffers), node == rotten ? 1U : 0U) << "node " << node;
  }
  EXPECT_NE(t.world.leader_of(t.shard), 0U);
  EXPECT_NE(t.world.leader_of(t.shard), rotten);
}

TEST(Divergence, where_nobody_differs_nobody_stops_and_an_idle_shard_is_left_alone) {
  Town t;
  const Client phone = t.world.connect(1, t.ana);
  t.chat(phone, 3);
  t.world.run_for(seconds(30));
  state::Shard before;
  ASSERT_TRUE(before.ParseFromString(*t.world.store(1).get(keys::numbers(t.shard))));
  t.world.run_for(seconds(60));
  state::Shard after;
  ASSERT_TRUE(after.ParseFromString(*t.world.store(1).get(keys::numbers(t.shard))));
  EXPECT_EQ(before.applied_index(), after.applied_index());
  for (std::size_t node = 1; node <= 3; ++node) EXPECT_EQ(t.world.count_notes(node, NoteKind::ReplicaDiffers), 0U);
}

}  // namespace
}  // namespace chasqui
