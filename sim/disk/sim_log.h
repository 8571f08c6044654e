// A node's log on a disk that syncs in groups: what was acknowledged stays, the rest is absent or fully there.
//
// Appends queue; a sync takes all that wait at its start and acknowledges them together. At a crash some prefix of
// those that were not acknowledged survives (a torn record is dropped when the log is opened, so it is as absent).
// Whoever drives it decides when a sync begins and ends, and how long that prefix is.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/log_image.h"
#include "sim/disk/sim_guard.h"

namespace chasqui::sim {

class SimLog {
 public:
  // Empty, or what is wrong with the append: a gap in its id or in the log (I28).
  [[nodiscard]] std::string append(LogAppend append);

  [[nodiscard]] bool idle() const { return !syncing_; }
  [[nodiscard]] bool waiting() const { return pending_.size() > in_sync_; }
  void begin_sync();
  // The last append that is now acknowledged.
  [[nodiscard]] AppendId end_sync();

  // How many appends are not acknowledged.
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }
  // The first `survivors` of these are there after all, the rest is gone, and ids begin at 1 again. Returns the last
  // append that is on disk.
  AppendId crash(std::size_t survivors);
  // The disk lies: the last entry of a shard that has one, acknowledged or not, is forgotten. False: there is none.
  bool forget_last_entry(ShardId shard);

  [[nodiscard]] std::vector<ReplicaImage> image() const;
  [[nodiscard]] RaftIndex last_index(ShardId shard) const;  // of what is acknowledged; 0: nothing
  [[nodiscard]] SimGuard::Tails tails() const;              // the same, with terms, of all shards

  // What a replica has on disk; none: nothing.
  [[nodiscard]] const ReplicaImage* durable(ShardId shard) const;
  // Does it hold that entry, or the state that came of it? What is not acknowledged does not count.
  [[nodiscard]] bool holds(ShardId shard, RaftIndex index, RaftTerm term) const;

  // The whole of a shard's log, with what is not acknowledged.
  struct View {
    RaftIndex first{1};
    std::vector<LogEntry> entries;
    RaftTerm term;  // of its replica
    [[nodiscard]] const LogEntry* at(RaftIndex index) const {
      const std::uint64_t from = first.value();
      const bool there = index.value() >= from && index.value() - from < entries.size();
      return there ? &entries[static_cast<std::size_t>(index.value() - from)] : nullptr;
    }
  };
  [[nodiscard]] View view(ShardId shard) const;
  // One entry of it, sought without copying all.
  [[nodiscard]] const LogEntry* entry(ShardId shard, RaftIndex index) const;
  [[nodiscard]] RaftTerm term(ShardId shard) const;

 private:
  static void apply(const LogAppend& append, ReplicaImage& image);

  // What is on disk, and what will be once all that is pending is.
  absl::btree_map<std::uint64_t, ReplicaImage> durable_;
  absl::btree_map<std::uint64_t, RaftIndex> last_;  // of each shard, with the pending ones
  std::deque<LogAppend> pending_;
  std::size_t in_sync_ = 0;
  bool syncing_ = false;
  AppendId last_id_;
  AppendId acknowledged_;
};

}  // namespace chasqui::sim
