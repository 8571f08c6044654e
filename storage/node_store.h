// A node's directory on disk, opened in the one right order:
//
//   LOCK  SUSPECT  FORMAT  BALLAST  TAIL.0  TAIL.1  db/ (RocksDB)  staging/ (emptied at each start)
//
//   auto store = NodeStore::open({.directory = dir, .shards = shards, .fatal = stop_the_process});
//   Node node(config, (*store)->store(), (*store)->take_log(), seed);
//
// A new store is made if the directory has none. Every refusal is a sentence that says what to do:
// FailedPrecondition (in use, newer format, another cluster or number of shards, disk too small), ResourceExhausted
// (disk full: start again later), DataLoss (R3, R4: never start again as it is), Internal (the disk fails).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/log_image.h"
#include "storage/disk_space.h"
#include "storage/format.h"
#include "storage/lock.h"
#include "storage/log.h"
#include "storage/rocks_store.h"
#include "storage/staging.h"

namespace chasqui::storage {

class NodeStore {
 public:
  struct Options {
    std::string directory;
    ShardCount shards;                   // must be the store's; of a new one: what it becomes
    std::optional<std::string> cluster;  // 16 bytes; must be the store's. Of a new one: nullopt draws one
    std::int64_t now_ms = 0;             // wall clock, for FORMAT of a new store
    std::uint64_t block_cache_bytes = 64 << 20;
    DiskSpace::Options disk;
    FatalHandler fatal;           // failure.h
    rocksdb::Env* env = nullptr;  // of RocksDB's files, for tests; nullptr: the operating system's
  };
  static absl::StatusOr<std::unique_ptr<NodeStore>> open(Options options);
  ~NodeStore();

  [[nodiscard]] const Format& format() const { return format_; }
  [[nodiscard]] RocksStore& store() { return *store_; }   // the node's thread; reads from any
  [[nodiscard]] Log& log() { return *log_; }              // the log thread
  [[nodiscard]] DiskSpace& disk() { return *disk_; }      // any thread
  [[nodiscard]] Staging& staging() { return *staging_; }  // one thread of the runtime's
  // What the log held at open. Once.
  [[nodiscard]] std::vector<ReplicaImage> take_log() { return std::move(images_); }
  // For a status that Log or DiskSpace returned: marks the store and ends the process.
  [[noreturn]] void fail(const absl::Status& status) const { rocks_->fail(status); }

 private:
  NodeStore(DirectoryLock lock, Format format) : lock_(std::move(lock)), format_(std::move(format)) {}
  absl::Status open_rows(const Options& options);

  DirectoryLock lock_;  // first in, last out
  Format format_;
  std::unique_ptr<DiskSpace> disk_;
  std::unique_ptr<RocksDb> rocks_;
  std::unique_ptr<RocksStore> store_;
  std::unique_ptr<Staging> staging_;
  std::unique_ptr<Log> log_;
  std::vector<ReplicaImage> images_;
};

}  // namespace chasqui::storage
