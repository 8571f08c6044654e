// The core's Store on RocksDB: the column family `state`, written without the WAL.
//
// get() and write() belong to the node's own thread. All else may be called from any thread: reads of a snapshot are
// served beside the reactor. A failure of RocksDB never comes back: it ends the process (RocksDb::fail).
//
// After a crash the store is a prefix of its writes. What is certain of it is told by flushed_applied(): the applied
// index, per shard, of the rows that are on the disk already. The log may be dropped only behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/ids.h"
#include "core/io.h"
#include "core/store.h"
#include "proto/state.pb.h"
#include "storage/rocks_db.h"

namespace chasqui::storage {

// The rows as they were at one moment. Holds old versions of rows back from being dropped: let go when read.
class ReadSnapshot {
 public:
  explicit ReadSnapshot(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {}
  ~ReadSnapshot() { db_.ReleaseSnapshot(snapshot_); }
  ReadSnapshot(const ReadSnapshot&) = delete;
  ReadSnapshot& operator=(const ReadSnapshot&) = delete;
  [[nodiscard]] const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* snapshot_;
};

// How far RocksDB is behind its writes.
struct StoreLoad {
  std::uint64_t memtables_waiting = 0;  // of the state
  std::uint64_t level_0_files = 0;      // the larger of both families'
  bool slowed = false;                  // RocksDB slows writes down, or has stopped them
};

class RocksStore final : public Store {
 public:
  RocksStore(RocksDb& rocks, ShardCount shards, const Sizing& sizing);  // `rocks` outlives it
  ~RocksStore() override;

  [[nodiscard]] std::optional<std::string> get(std::string_view key) const override;
  void write(const WriteBatch& batch) override;

  // Taken on the node's thread when a Read output is handed out, read wherever there is time.
  [[nodiscard]] std::shared_ptr<const ReadSnapshot> snapshot() const;
  [[nodiscard]] RangeResult read(const ReadSnapshot& snapshot, const RangeRead& range) const;

  // Writes all that is in memory to the disk and waits for it.
  void flush_state() const;
  // Of every shard that has rows on the disk, as of now.
  [[nodiscard]] std::vector<StoreFlushed::Shard> flushed_applied() const;
  [[nodiscard]] RaftIndex flushed_applied(ShardId shard) const;
  // After each flush, on a thread of RocksDB: be short. nullptr: none any more.
  void set_on_flushed(std::function<void(std::vector<StoreFlushed::Shard>)> callback);

  // Where the shard's state came from, if another replica's took its place. NotFound, DataLoss: as below.
  [[nodiscard]] absl::StatusOr<state::Ingested> ingested(ShardId shard) const;
  // The shard's numbers as get() sees them. NotFound: the shard has never applied anything. DataLoss: damaged.
  [[nodiscard]] absl::StatusOr<state::Shard> numbers(ShardId shard) const;

  [[nodiscard]] StoreLoad load() const;
  // Whether new commands should wait: before RocksDB would slow a write down, which would stop the node's thread.
  [[nodiscard]] bool behind(const StoreLoad& load) const;

 private:
  [[nodiscard]] rocksdb::Status get_row(const rocksdb::ReadOptions& options, std::string_view key,
                                        std::string& value) const;
  RocksDb& rocks_;
  const ShardCount shards_;
  const Sizing sizing_;
};

}  // namespace chasqui::storage
