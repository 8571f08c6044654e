// A shard's replica as its node sees it: bootstrap, propose, commit, restart, compaction. One voter, the default.
#include "core/replica/replica.h"

#include <gtest/gtest.h>

#include <optional>

#include <string>
#include <utility>
#include <vector>

#include "core/replica/configuration.h"
#include "core/replica/test_disk.h"

namespace chasqui::replica {
namespace {

class OneVoter : public testing::Test {
 protected:
  OneVoter() { limits_.log_trailing_entries = 4; }

  Now now() const { return Now{MonoTime{ms_ * 1'000'000}, WallTime{ms_}}; }

  // A process: its replica, what it handed out, and how many of its writes were synced.
  void boot(RaftIndex applied = RaftIndex()) {
    Config config;
    config.shard = ShardId(7);
    config.self = ReplicaId(1);
    config.limits = &limits_;
    config.seed[0] = 9;
    replica_.emplace(config, disk_.image(ShardId(7)), applied);
    given_ = synced_ = 0;
    committed_.clear();
    Outputs out;
    replica_->start(now(), out);
    take(std::move(out));
  }
  void take(Outputs out) {
    for (auto& append : out.appends) {
      EXPECT_EQ(append.shard, ShardId(7));
      disk_.write(append);
      ++given_;
    }
    for (auto& entry : out.committed) committed_.push_back(entry);
    role_changes_ += out.role_changed ? 1 : 0;
    stopped_ = out.stopped;
  }
  void sync() {  // until nothing is under way
    while (synced_ < given_) {
      disk_.sync();
      synced_ = given_;
      Outputs out;
      replica_->appended(now(), synced_, out);
      take(std::move(out));
    }
  }
  RaftIndex propose(const std::string& payload) {
    Outputs out;
    RaftIndex index;
    const absl::Status status = replica_->propose(now(), payload, index, out);
    EXPECT_TRUE(status.ok()) << status;
    take(std::move(out));
    return index;
  }
  void flushed(RaftIndex applied) {
    Outputs out;
    replica_->flushed(now(), applied, {}, out);
    take(std::move(out));
  }
  std::vector<std::string> commands() const {
    std::vector<std::string> result;
    for (const auto& entry : committed_) {
      if (entry.type == EntryType::Command) result.push_back(*entry.payload);
    }
    return result;
  }

  Limits limits_;
  TestDisk disk_;
  std::int64_t ms_ = 1'000;
  std::optional<Replica> replica_;
  std::uint64_t given_ = 0;
  std::uint64_t synced_ = 0;
  std::vector<Committed> committed_;
  int role_changes_ = 0;
  absl::Status stopped_;
};

TEST_F(OneVoter, a_new_group_leads_after_two_syncs_and_not_before) {
  boot();
  EXPECT_FALSE(replica_->leads());
  EXPECT_EQ(given_, 1U);
  ASSERT_EQ(disk_.appends().size(), 1U);  // entry 1 and the first term, in one write
  EXPECT_EQ(disk_.appends()[0].entries[0].type, EntryType::Change);
  EXPECT_EQ(disk_.appends()[0].entries[0].term, RaftTerm(1));
  EXPECT_EQ(disk_.appends()[0].hard_state->vote, ReplicaId(1));
  sync();
  EXPECT_TRUE(replica_->leads());
  EXPECT_EQ(replica_->leader(), ReplicaId(1));
  EXPECT_TRUE(replica_->reads_fresh(now()));
  EXPECT_EQ(replica_->term(), RaftTerm(2));
  EXPECT_EQ(given_, 2U);
  EXPECT_GE(role_changes_, 1);
  ASSERT_EQ(committed_.size(), 2U);
  EXPECT_EQ(committed_[0].index, RaftIndex(1));
  EXPECT_EQ(committed_[1].type, EntryType::Barrier);
}

TEST_F(OneVoter, nothing_is_committed_before_it_is_synced) {
  boot();
  sync();
  committed_.clear();
  const RaftIndex index = propose("a");
  EXPECT_EQ(index, RaftIndex(3));
  EXPECT_EQ(replica_->uncommitted_bytes(), 1U);
  EXPECT_TRUE(committed_.empty());
  sync();
  ASSERT_EQ(committed_.size(), 1U);
  EXPECT_EQ(*committed_[0].payload, "a");
  EXPECT_EQ(committed_[0].index, index);
  EXPECT_EQ(committed_[0].term, RaftTerm(2));
  EXPECT_EQ(replica_->uncommitted_bytes(), 0U);
}

TEST_F(OneVoter, a_late_sync_commits_all_that_it_covers_in_order_and_a_repeated_one_nothing) {
  boot();
  sync();
  committed_.clear();
  propose("a");
  propose("b");
  propose("c");
  sync();
  EXPECT_EQ(commands(), (std::vector<std::string>{"a", "b", "c"}));
  Outputs out;
  replica_->appended(now(), synced_, out);
  replica_->appended(now(), synced_ - 2, out);
  EXPECT_TRUE(out.committed.empty());
}

TEST_F(OneVoter, a_partial_sync_commits_only_its_own_entries) {
  boot();
  sync();
  committed_.clear();
  propose("a");
  propose("b");
  Outputs out;
  replica_->appended(now(), given_ - 1, out);
  ASSERT_EQ(out.committed.size(), 1U);
  EXPECT_EQ(*out.committed[0].payload, "a");
}

TEST_F(OneVoter, what_was_committed_is_there_after_a_crash_and_what_was_applied_is_not_repeated) {
  boot();
  sync();
  propose("a");
  const RaftIndex b = propose("b");
  sync();
  propose("lost");
  disk_.crash(false);
  ms_ += 50;
  boot(RaftIndex(b.value() - 1));  // the store had applied up to "a"
  EXPECT_FALSE(replica_->leads());
  sync();
  EXPECT_TRUE(replica_->leads());
  EXPECT_EQ(replica_->term(), RaftTerm(3));
  EXPECT_EQ(commands(), (std::vector<std::string>{"b"}));
}

TEST_F(OneVoter, an_entry_that_reached_the_disk_unsynced_is_committed_by_the_next_incarnation) {
  boot();
  sync();
  propose("a");
  sync();
  propose("survives");
  disk_.crash(true);
  boot();
  sync();
  EXPECT_EQ(commands(), (std::vector<std::string>{"a", "survives"}));
}

TEST_F(OneVoter, proposals_are_refused_before_it_leads_and_above_the_limit_in_flight) {
  limits_.entries_in_flight_max = 2;
  boot();
  Outputs out;
  RaftIndex index;
  EXPECT_EQ(replica_->propose(now(), "early", index, out).code(), absl::StatusCode::kUnavailable);
  sync();
  propose("a");
  propose("b");
  EXPECT_EQ(replica_->propose(now(), "c", index, out).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(out.appends.empty());
  sync();
  propose("c");
  sync();
  EXPECT_EQ(commands(), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(OneVoter, an_idle_group_of_one_never_asks_to_be_woken) {
  boot();
  EXPECT_EQ(replica_->next_deadline(), MonoTime::never());
  sync();
  EXPECT_EQ(replica_->next_deadline(), MonoTime::never());
  ms_ += 3'600'000;
  Outputs out;
  replica_->tick(now(), out);
  EXPECT_TRUE(out.appends.empty());
  EXPECT_FALSE(out.role_changed);
  EXPECT_TRUE(replica_->leads());
  propose("after an hour");
  sync();
  EXPECT_EQ(commands().back(), "after an hour");
}

TEST_F(OneVoter, the_log_is_compacted_when_it_pays_and_the_rest_is_enough_to_restart) {
  boot();
  sync();
  RaftIndex last;
  for (int i = 0; i < 6; ++i) {
    last = propose(std::to_string(i));
    sync();
  }
  flushed(last);  // 8 entries: not more than twice 4
  EXPECT_EQ(given_, synced_);
  last = propose("6");
  sync();
  const std::uint64_t memory = replica_->memory_bytes();
  flushed(last);
  ASSERT_EQ(given_, synced_ + 1);
  const LogAppend& descriptor = disk_.appends().back();
  ASSERT_TRUE(descriptor.snapshot.has_value());
  EXPECT_EQ(descriptor.snapshot->index, last);
  EXPECT_EQ(descriptor.snapshot->configuration_index, RaftIndex(1));
  EXPECT_FALSE(descriptor.drop_below);  // only once the descriptor is synced
  flushed(last);
  EXPECT_EQ(given_, synced_ + 1);  // one at a time
  sync();
  EXPECT_LT(replica_->memory_bytes(), memory);
  propose("next");
  EXPECT_EQ(disk_.appends().back().drop_below, last.next());
  sync();
  disk_.crash(false);
  EXPECT_EQ(disk_.image(ShardId(7)).entries.size(), 1U);
  boot(last);
  sync();
  EXPECT_TRUE(replica_->leads());
  EXPECT_EQ(commands(), (std::vector<std::string>{"next"}));
}

TEST_F(OneVoter, a_crash_between_descriptor_and_drop_restarts_from_the_longer_log) {
  boot();
  sync();
  RaftIndex last;
  for (int i = 0; i < 10; ++i) last = propose(std::to_string(i));
  sync();
  flushed(last);
  sync();
  disk_.crash(false);
  EXPECT_EQ(disk_.image(ShardId(7)).snapshot.index, last);
  EXPECT_EQ(disk_.image(ShardId(7)).entries.size(), last.value());
  boot(last);
  sync();
  EXPECT_TRUE(replica_->leads());
  EXPECT_TRUE(commands().empty());
  propose("on");
  sync();
  EXPECT_EQ(commands(), (std::vector<std::string>{"on"}));
}

TEST_F(OneVoter, a_fully_compacted_log_restarts) {
  boot();
  sync();
  RaftIndex last;
  for (int i = 0; i < 10; ++i) last = propose(std::to_string(i));
  sync();
  flushed(last);
  sync();
  disk_.drop_all_entries();
  boot(last);
  sync();
  EXPECT_TRUE(replica_->leads());
  propose("on");
  sync();
  EXPECT_EQ(commands(), (std::vector<std::string>{"on"}));
}

TEST_F(OneVoter, a_log_that_lost_its_end_or_does_not_decode_is_refused) {
  boot();
  sync();
  const RaftIndex last = propose("a");
  sync();
  boot(last.next());  // the state has applied more than the log holds
  EXPECT_EQ(stopped_.code(), absl::StatusCode::kDataLoss) << stopped_;
  EXPECT_FALSE(replica_->leads());
  Outputs out;
  RaftIndex index;
  EXPECT_EQ(replica_->propose(now(), "x", index, out).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(replica_->next_deadline(), MonoTime::never());

  disk_ = TestDisk();
  boot(RaftIndex(5));  // an empty log under a state that is not
  EXPECT_EQ(stopped_.code(), absl::StatusCode::kDataLoss) << stopped_;
}

TEST_F(OneVoter, a_state_that_lost_what_the_log_no_longer_holds_is_refused) {
  boot();
  sync();
  RaftIndex last;
  for (int i = 0; i < 10; ++i) last = propose(std::to_string(i));
  sync();
  flushed(last);
  sync();
  boot(RaftIndex(3));
  EXPECT_EQ(stopped_.code(), absl::StatusCode::kDataLoss) << stopped_;
}

TEST_F(OneVoter, a_stranger_on_the_peer_port_changes_nothing) {
  boot();
  sync();
  peer::RaftMessage message;
  message.set_shard(7);
  message.set_from(99);
  message.set_to(1);
  message.set_term(1'000);
  message.mutable_append()->set_sent_at(1);
  Outputs out;
  replica_->receive(now(), message, out);
  message.mutable_vote()->set_disrupt_leader(true);
  replica_->receive(now(), message, out);
  EXPECT_TRUE(out.appends.empty());
  EXPECT_TRUE(out.messages.empty());
  EXPECT_TRUE(replica_->leads());
  EXPECT_EQ(replica_->term(), RaftTerm(2));
}

TEST_F(OneVoter, memory_does_not_grow_with_what_is_committed_and_alone) {
  boot();
  sync();
  for (int i = 0; i < 100; ++i) {
    propose(std::string(10'000, 'x'));
    if (i % 16 == 15) sync();
  }
  sync();
  committed_.clear();
  EXPECT_LT(replica_->memory_bytes(), 100'000U);
}

}  // namespace
}  // namespace chasqui::replica
