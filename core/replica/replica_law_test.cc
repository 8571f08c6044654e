// Laws of one voter: whatever comes between, what was committed stays, in order, at its index.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/replica/replica.h"
#include "core/replica/test_disk.h"

namespace chasqui::replica {
namespace {

// What the world does to one replica. `state` is a store that survives crashes up to what was flushed.
class World {
 public:
  World() {
    limits_.log_trailing_entries = 3;
    limits_.entries_in_flight_max = 6;
    boot();
  }

  void propose(std::uint64_t content) {
    Outputs out;
    RaftIndex index;
    const std::uint64_t before = given_;
    const std::string payload = std::to_string(content);
    if (replica_->propose(now(), payload, index, out).ok()) {
      RC_ASSERT(index == last_.next());
      last_ = index;
      RC_ASSERT(out.appends.size() == 1U);
    } else {
      RC_ASSERT(out.appends.empty());
      RC_ASSERT(given_ == before);
    }
    take(out);
  }
  void sync(std::uint64_t fraction) {  // a part of what waits, told late
    if (given_ == synced_) return;
    synced_ += 1 + fraction % (given_ - synced_);
    disk_.sync_to(base_ + synced_);
    tell();
  }
  void sync_untold() {  // synced, and the crash comes before anybody is told
    if (given_ == synced_) return;
    disk_.sync_to(base_ + synced_ + 1);
  }
  void tell() {
    Outputs out;
    replica_->appended(now(), synced_, out);
    take(out);
  }
  void flush() {
    flushed_ = state_;
    Outputs out;
    replica_->flushed(now(), RaftIndex(flushed_), {}, out);
    take(out);
  }
  void crash(std::uint64_t survivors) {
    disk_.crash_keeping(survivors % 4);
    state_ = flushed_;
    boot();
  }
  void tick() {
    ms_ += 700;
    Outputs out;
    replica_->tick(now(), out);
    take(out);
  }
  void settle() {
    while (synced_ < given_) sync(given_);
    RC_ASSERT(replica_->leads());
  }
  // Everything ever committed is in the log or below the snapshot, and was applied up to the end.
  void check_whole() {
    settle();
    RC_ASSERT(state_ == last_.value());
  }

 private:
  Now now() const { return Now{MonoTime{ms_ * 1'000'000}, WallTime{ms_}}; }
  void boot() {
    Config config;
    config.shard = ShardId(0);
    config.self = ReplicaId(1);
    config.limits = &limits_;
    base_ = disk_.given();
    given_ = synced_ = 0;
    const ReplicaImage image = disk_.image(ShardId(0));
    last_ = RaftIndex(image.first_index.value() + image.entries.size() - 1);
    term_ = image.hard_state.term;
    replica_.emplace(config, image, RaftIndex(state_));
    Outputs out;
    replica_->start(now(), out);
    RC_ASSERT(out.stopped.ok());
    take(out);
  }
  void take(const Outputs& out) {
    RC_ASSERT(out.messages.empty());
    for (const LogAppend& append : out.appends) {
      if (append.hard_state) {
        RC_ASSERT(append.hard_state->term > term_);
        term_ = append.hard_state->term;
      }
      if (append.drop_below) RC_ASSERT(append.drop_below.value() <= flushed_ + 1);
      if (append.snapshot) RC_ASSERT(append.snapshot->index.value() <= flushed_);
      if (!append.entries.empty()) {
        last_ = RaftIndex(append.first_index.value() + append.entries.size() - 1);
        for (std::size_t i = 0; i < append.entries.size(); ++i) {
          RC_ASSERT(committed_.count(append.first_index.value() + i) == 0U);  // committed is never overwritten
        }
      }
      disk_.write(append);
      ++given_;
    }
    for (const Committed& entry : out.committed) {
      RC_ASSERT(entry.index.value() == state_ + 1);  // in order, without a gap, once in an incarnation
      state_ = entry.index.value();
      const std::string content = std::to_string(entry.term.value()) + ":" + *entry.payload;
      const auto [known, is_new] = committed_.emplace(state_, content);
      if (!is_new) RC_ASSERT(known->second == content);
    }
  }

  Limits limits_;
  TestDisk disk_;
  std::optional<Replica> replica_;
  std::int64_t ms_ = 1;
  std::size_t base_ = 0;
  std::uint64_t given_ = 0;
  std::uint64_t synced_ = 0;
  std::uint64_t state_ = 0;
  std::uint64_t flushed_ = 0;
  RaftIndex last_;
  RaftTerm term_;
  std::map<std::uint64_t, std::string> committed_;
};

RC_GTEST_PROP(OneVoterLaw, what_was_committed_is_never_lost_repeated_or_replaced,
              (const std::vector<std::uint16_t>& choices)) {
  World world;
  std::uint64_t content = 0;
  for (const std::uint16_t choice : choices) {
    const std::uint64_t detail = choice / 16U;
    switch (choice % 16U) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5: world.propose(++content); break;
      case 6:
      case 7:
      case 8:
      case 9: world.sync(detail); break;
      case 10: world.sync_untold(); break;
      case 11: world.tell(); break;
      case 12: world.flush(); break;
      case 13: world.tick(); break;
      case 14: world.settle(); break;
      default: world.crash(detail); break;
    }
  }
  world.check_whole();
}

}  // namespace
}  // namespace chasqui::replica
