// The Raft log of all shards of a node: one write and one sync for everything that waits.
//
// Belongs to one thread, the log thread. When write() returns OK, all of it survives a power cut. Any other status: the
// store may not be used any more (failure.h); nothing is ever tried twice.
//
// The sync is not part of RocksDB's write: the node's thread, which writes state beside it, would wait for the disk.
// That is sound because this thread alone writes to the WAL: a batch is begun only when the one before it is synced.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/log_image.h"
#include "storage/disk_space.h"
#include "storage/rocks_store.h"
#include "storage/tail_guard.h"

namespace rocksdb {
class WriteBatch;
}

namespace chasqui::storage {

// Where a shard's log stands, without payloads.
struct LogTail {
  struct Mark {
    RaftTerm term;
    std::uint32_t crc = 0;
  };
  RaftIndex first{1};      // that is kept, or that comes next if there is none
  std::deque<Mark> marks;  // of the entries from `first` on
  HardState hard_state;
  RaftIndex snapshot_index;
  RaftTerm snapshot_term;
  [[nodiscard]] RaftIndex last() const { return RaftIndex(first.value() + marks.size() - 1); }
  [[nodiscard]] TailMark tail_mark() const;
};

class Log {
 public:
  // `rocks`, `store` and `space` outlive it; `space` may be nullptr. `directory` holds the tail guard.
  Log(RocksDb& rocks, const RocksStore& store, DiskSpace* space, std::map<ShardId, LogTail> tails, TailGuard guard);

  // All of it durable, in this order, or the store is done for. ResourceExhausted: the disk is too full, nothing was
  // written. The entries' first_index is at most one above the shard's last, and above what is dropped.
  absl::Status write(std::span<const LogAppend> appends);

  // The tail guard is behind what was synced: when close_gap() should be called if nothing is written until then.
  [[nodiscard]] std::chrono::steady_clock::time_point gap_due() const;  // max(): there is no gap
  absl::Status close_gap();                                             // brings the guard up to date, due or not

  // Entries that a drop_below asked to drop and that stay, since the flushed state does not cover them yet.
  [[nodiscard]] std::uint64_t drops_held_back() const { return drops_held_back_; }
  [[nodiscard]] std::uint64_t syncs() const { return syncs_; }

 private:
  struct Batch;
  void append(const LogAppend& append, Batch& batch);
  void truncate(ShardId shard, LogTail& tail, RaftIndex from, Batch& batch);
  void drop(ShardId shard, LogTail& tail, RaftIndex below, Batch& batch);
  absl::Status lower_guard(std::span<const LogAppend> appends);
  [[nodiscard]] TailMarks marks() const;

  RocksDb& rocks_;
  const RocksStore& store_;
  DiskSpace* const space_;
  std::map<ShardId, LogTail> tails_;
  TailGuard guard_;
  AppendId last_append_;
  std::uint64_t drops_held_back_ = 0;
  std::uint64_t syncs_ = 0;
  bool guard_behind_ = false;
  std::chrono::steady_clock::time_point guard_due_{};
};

}  // namespace chasqui::storage
