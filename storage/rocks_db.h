// One RocksDB with two column families, and what both its users must agree on.
//
//   log    written through the WAL, synced by group: durable when Log::write returns
//   state  without the WAL: durable when its memtable has been flushed. Being one family, a crash leaves a prefix of
//   its
//          writes: memtables are flushed in order, a batch is never split between two
// Atomic flush over both is not needed: a state row is written only after the log entry that causes it was synced, so
// whatever prefix of the state survives, the log that leads past it does. What the log drops is behind the flushed
// state.
//
// Failures (R1): after the first one nothing is written any more. DB::Resume is never called, max_bgerror_resume_count
// is 0. The one exception is RocksDB's own: a compaction that meets a full disk pauses and resumes alone.
#pragma once

#include <rocksdb/db.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/failure.h"
#include "storage/sizing.h"

namespace chasqui::storage {

class RocksDb {
 public:
  struct Options {
    std::string directory;  // of RocksDB alone
    Sizing sizing;
    std::uint64_t block_cache_bytes = 64 << 20;
    bool create = false;                                  // if it is not there; otherwise that is an error
    std::function<void(const absl::Status&)> on_failure;  // before the fatal handler: marks the store
    FatalHandler fatal;
    rocksdb::Env* env = nullptr;  // instead of the operating system's files: for tests. Outlives the store
  };

  // DataLoss: the store is damaged; the message says where.
  static absl::StatusOr<std::unique_ptr<RocksDb>> open(const Options& options);
  ~RocksDb();  // flushes the state, so that the next start has less to do; a crash does not

  [[nodiscard]] rocksdb::DB& db() const { return *db_; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* state() const { return state_; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* log() const { return log_; }

  // After each flush of a state memtable, on a thread of RocksDB: be short. Replaces the one before; nothing is called
  // any more when this returns.
  void set_on_state_flushed(std::function<void()> callback);

  // Ends the process by way of the fatal handler (failure.h).
  [[noreturn]] void fail(const absl::Status& status) const;
  // A compaction or a flush has met a full disk since the store was opened.
  [[nodiscard]] bool met_full_disk() const;

 private:
  class Listener;
  explicit RocksDb(const Options& options);
  const Options options_;
  std::shared_ptr<Listener> listener_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* default_ = nullptr;  // RocksDB insists on it; empty
  rocksdb::ColumnFamilyHandle* log_ = nullptr;
  rocksdb::ColumnFamilyHandle* state_ = nullptr;
};

}  // namespace chasqui::storage
