// A shard's replica among several: bootstrap, barrier, transfer.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/replica/configuration.h"
#include "core/replica/replica.h"
#include "core/replica/test_disk.h"

namespace chasqui::replica {
namespace {

// Three replicas that start from nothing; every write is synced at once, every message arrives.
class ThreeVoters : public testing::Test {
 protected:
  struct Member {
    TestDisk disk;
    std::unique_ptr<Replica> replica;
    std::uint64_t given = 0;
    std::vector<Committed> committed;
  };

  ThreeVoters() {
    for (const std::uint64_t id : {1U, 2U, 3U}) {
      Config config;
      config.shard = ShardId(7);
      config.self = ReplicaId(id);
      config.voters = {ReplicaId(2), ReplicaId(3), ReplicaId(1)};
      config.limits = &limits_;
      config.seed[0] = static_cast<std::uint8_t>(id);
      members_[id].replica = std::make_unique<Replica>(config, ReplicaImage(), RaftIndex());
      act(id, [&](Outputs& out) { members_[id].replica->start(now(), out); });
    }
  }
  Now now() const { return Now{MonoTime{ms_ * 1'000'000}, WallTime{ms_}}; }
  template <class Body>
  void act(std::uint64_t id, Body body) {
    Outputs out;
    body(out);
    take(id, std::move(out));
  }
  void take(std::uint64_t id, Outputs out) {
    Member& member = members_[id];
    while (!out.appends.empty() || !out.messages.empty() || !out.committed.empty()) {
      for (const LogAppend& append : out.appends) {
        member.disk.write(append);
        ++member.given;
      }
      for (auto& message : out.messages) messages_.push_back(std::move(message));
      for (auto& entry : out.committed) member.committed.push_back(entry);
      member.disk.sync();
      out = Outputs();
      member.replica->appended(now(), member.given, out);
    }
    EXPECT_TRUE(out.stopped.ok()) << out.stopped;
  }
  void deliver() {
    while (!messages_.empty()) {
      const peer::RaftMessage message = std::move(messages_.front());
      messages_.pop_front();
      if (dead_ == message.to() || dead_ == message.from()) continue;
      act(message.to(), [&](Outputs& out) { members_[message.to()].replica->receive(now(), message, out); });
    }
  }
  void pass(std::int64_t ms) {
    for (const std::int64_t end = ms_ + ms; ms_ < end;) {
      ms_ += 5;
      for (auto& [id, member] : members_) {
        if (id == dead_ || member.replica->next_deadline() > now().mono) continue;
        act(id, [&, &replica = *member.replica](Outputs& out) { replica.tick(now(), out); });
      }
      deliver();
    }
  }
  std::uint64_t leader() {
    for (auto& [id, member] : members_) {
      if (id != dead_ && member.replica->leads()) return id;
    }
    return 0;
  }

  Limits limits_;
  std::int64_t ms_ = 1'000;
  std::map<std::uint64_t, Member> members_;
  std::deque<peer::RaftMessage> messages_;
  std::uint64_t dead_ = 0;
};

TEST_F(ThreeVoters, bootstrap_one_group_and_elect) {
  pass(1'500);
  ASSERT_NE(leader(), 0U);
  Replica& leads = *members_[leader()].replica;
  RaftIndex index;
  act(leader(), [&](Outputs& out) { ASSERT_TRUE(leads.propose(now(), "a", index, out).ok()); });
  pass(200);
  for (auto& [id, member] : members_) {
    EXPECT_EQ(member.replica->leader(), ReplicaId(leader())) << id;
    ASSERT_EQ(member.committed.size(), index.value()) << id;
    EXPECT_EQ(*member.committed.back().payload, "a");
    EXPECT_EQ(*member.disk.appends()[0].entries[0].payload, *members_[1].disk.appends()[0].entries[0].payload);
  }
}

// Seed 330 of several nodes: a replica whose state had come as a stream, and was ahead of its log, was offered the next
// one and gave up on it. It took its state for one that had lost its log, and stopped.
TEST(Replica, gives_up_an_install_while_its_log_is_behind_the_state_that_came_with_the_last) {
  peer::Configuration three;
  for (const std::uint64_t id : {1U, 2U, 3U}) {
    peer::Server& server = *three.add_servers();
    server.set_replica(id);
    server.set_role(peer::Server::VOTER);
  }
  const Snapshot descriptor{RaftIndex(20), RaftTerm(3), serialize(three), RaftIndex(1)};
  const Ingested ingested{descriptor, RaftIndex(38)};
  Limits limits;
  Config config;
  config.shard = ShardId(7);
  config.self = ReplicaId(2);
  config.limits = &limits;
  ReplicaImage image;
  image.shard = config.shard;
  image.hard_state = {RaftTerm(3), ReplicaId()};
  image.snapshot = descriptor;
  image.first_index = RaftIndex(21);
  Replica replica(config, std::move(image), RaftIndex(38), ingested);
  const Now now{MonoTime{1'000'000'000}, WallTime{1'000}};
  Outputs out;
  replica.start(now, out);
  ASSERT_TRUE(out.stopped.ok()) << out.stopped;
  peer::RaftMessage offer;
  offer.set_shard(7);
  offer.set_from(1);
  offer.set_to(2);
  offer.set_term(3);
  peer::InstallSnapshot& install = *offer.mutable_install();
  install.set_last_index(60);
  install.set_last_term(3);
  install.set_configuration_index(1);
  *install.mutable_configuration() = three;
  out = Outputs();
  replica.receive(now, offer, out);
  ASSERT_TRUE(replica.installing());
  ASSERT_TRUE(replica.can_ingest());
  out = Outputs();
  replica.give_up_install(now, RaftIndex(38), ingested, out);
  EXPECT_TRUE(out.stopped.ok()) << out.stopped;
  EXPECT_FALSE(replica.installing());
  out = Outputs();
  replica.receive(now, offer, out);
  EXPECT_TRUE(replica.installing()) << "it lives, and may be offered it again";
}

TEST_F(ThreeVoters, a_barrier_is_handed_out_once_a_majority_has_it) {
  pass(1'500);
  const std::uint64_t first = leader();
  ASSERT_NE(first, 0U);
  Replica& leads = *members_[first].replica;
  RaftIndex wanted;
  act(first, [&](Outputs& out) {
    const auto index = leads.barrier(now(), out);
    ASSERT_TRUE(index.ok()) << index.status();
    wanted = *index;
  });
  EXPECT_LT(members_[first].committed.back().index, wanted);
  deliver();
  EXPECT_EQ(members_[first].committed.back().index, wanted);
  EXPECT_EQ(members_[first].committed.back().type, EntryType::Barrier);
  Replica& follows = *members_[first % 3 + 1].replica;
  act(first % 3 + 1,
      [&](Outputs& out) { EXPECT_EQ(follows.barrier(now(), out).status().code(), absl::StatusCode::kUnavailable); });
}

TEST_F(ThreeVoters, leadership_is_handed_over_to_one_that_has_everything) {
  pass(1'500);
  const std::uint64_t first = leader();
  ASSERT_NE(first, 0U);
  const std::uint64_t next = first % 3 + 1;
  Replica& leads = *members_[first].replica;
  EXPECT_FALSE(leads.can_transfer(ReplicaId(first)));
  EXPECT_FALSE(leads.can_transfer(ReplicaId(9)));
  RaftIndex index;
  act(first, [&](Outputs& out) { ASSERT_TRUE(leads.propose(now(), "a", index, out).ok()); });
  EXPECT_FALSE(leads.can_transfer(ReplicaId(next)));
  act(first, [&](Outputs& out) {
    EXPECT_EQ(leads.transfer(now(), ReplicaId(next), out).code(), absl::StatusCode::kFailedPrecondition);
  });
  pass(200);
  ASSERT_TRUE(leads.can_transfer(ReplicaId(next)));
  act(first, [&](Outputs& out) { ASSERT_TRUE(leads.transfer(now(), ReplicaId(next), out).ok()); });
  EXPECT_FALSE(leads.reads_fresh(now()));
  deliver();
  EXPECT_EQ(leader(), next);
}

// The highest drop_below that a replica has written.
RaftIndex dropped_below(const TestDisk& disk) {
  RaftIndex below;
  for (const LogAppend& append : disk.appends()) below = std::max(below, append.drop_below);
  return below;
}

TEST_F(ThreeVoters, the_log_is_kept_back_for_a_stream_and_else_by_its_bytes) {
  limits_.log_trailing_entries = 4;
  pass(1'500);
  const std::uint64_t first = leader();
  ASSERT_NE(first, 0U);
  Replica& leads = *members_[first].replica;
  RaftIndex index;
  const auto write = [&](int count) {
    for (int i = 0; i < count; ++i) {
      act(first, [&](Outputs& out) { ASSERT_TRUE(leads.propose(now(), std::string(100, 'x'), index, out).ok()); });
      pass(5);
    }
  };
  const auto flush = [&](const Replica::Keep& keep) {
    pass(200);
    act(first, [&](Outputs& out) { leads.flushed(now(), index, keep, out); });
    write(1);
    return dropped_below(members_[first].disk);
  };
  write(40);
  const RaftIndex held(5);
  EXPECT_EQ(flush({held, 1 << 20}), held.next());  // a stream wants all from 6 on
  write(20);
  EXPECT_EQ(flush({held, 1 << 20}), held.next());
  write(20);
  const RaftIndex trailing = flush({RaftIndex(), 1 << 20});  // nobody does: the last four
  EXPECT_EQ(trailing.value(), index.value() - 1 - 4 + 1);
  write(20);
  const RaftIndex by_bytes = flush({RaftIndex(), 250});  // two entries are 200 bytes
  EXPECT_EQ(by_bytes.value(), index.value() - 1 - 2 + 1);
}

TEST_F(ThreeVoters, a_leader_known_dead_is_replaced_within_a_heartbeat) {
  pass(1'500);
  ASSERT_NE(leader(), 0U);
  dead_ = leader();
  for (auto& [id, member] : members_) {
    if (id != dead_) member.replica->peer_gone(now(), ReplicaId(dead_));
  }
  pass(10);
  EXPECT_NE(leader(), 0U);
}

TEST_F(ThreeVoters, a_leader_that_falls_silent_is_replaced_after_one_timer) {
  pass(1'500);
  ASSERT_NE(leader(), 0U);
  dead_ = leader();
  pass(490);
  EXPECT_EQ(leader(), 0U);
  pass(600);
  EXPECT_NE(leader(), 0U);
}

}  // namespace
}  // namespace chasqui::replica
