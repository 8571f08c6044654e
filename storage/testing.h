// What storage's tests share: a directory that goes away, a store in it, entries and appends in few words.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "core/base/keys.h"
#include "storage/node_store.h"

namespace chasqui::storage::testing {

class TempDir {
 public:
  TempDir() : TempDir(std::getenv("TMPDIR") != nullptr ? std::getenv("TMPDIR") : "/tmp") {}
  explicit TempDir(const std::string& parent) {
    std::string name = parent + "/chasqui-storage-XXXXXX";
    path_ = ::mkdtemp(name.data()) != nullptr ? name : "";
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Buffers of 1 MiB, no ballast, and a fatal handler that is the default: the process ends.
inline NodeStore::Options small_options(const std::string& directory, std::uint32_t shards = 4) {
  NodeStore::Options options;
  options.directory = directory;
  options.shards = ShardCount{shards};
  options.block_cache_bytes = 1 << 20;
  options.disk.ballast_bytes_max = 0;
  options.disk.disk_bytes_max = 256 << 20;
  return options;
}

inline std::unique_ptr<NodeStore> open_store(const std::string& directory) {
  auto store = NodeStore::open(small_options(directory));
  EXPECT_TRUE(store.ok()) << store.status().ToString();
  return store.ok() ? *std::move(store) : nullptr;
}

inline LogEntry entry(std::uint64_t term, std::string payload, EntryType type = EntryType::Command) {
  return {RaftTerm(term), type, std::make_shared<const std::string>(std::move(payload))};
}

// Makes appends with the ids that a node would give.
class Appends {
 public:
  LogAppend next(std::uint64_t shard) {
    LogAppend append;
    append.id = AppendId(++id_);
    append.shard = ShardId(shard);
    return append;
  }
  LogAppend entries(std::uint64_t shard, std::uint64_t first, std::vector<LogEntry> entries) {
    LogAppend append = next(shard);
    append.first_index = RaftIndex(first);
    append.entries = std::move(entries);
    return append;
  }

 private:
  std::uint64_t id_ = 0;
};

inline absl::Status write_one(Log& log, LogAppend append) {
  return log.write(std::span(&append, 1));
}

// `R state` as apply writes it.
inline WriteBatch applied(std::uint64_t shard, std::uint64_t index, std::uint64_t term) {
  state::Shard numbers;
  numbers.set_applied_index(index);
  numbers.set_applied_term(term);
  WriteBatch batch;
  batch.put(keys::numbers(ShardId(shard)), numbers.SerializeAsString());
  return batch;
}

inline std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void spill(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// The one WAL in the store's directory that has content.
inline std::string wal_path(const std::string& directory) {
  std::string found;
  for (const auto& file : std::filesystem::directory_iterator(directory + "/db")) {
    if (file.path().extension() != ".log" || file.file_size() == 0) continue;
    EXPECT_TRUE(found.empty()) << "two write-ahead logs: the test cannot tell which to damage";
    found = file.path().string();
  }
  EXPECT_FALSE(found.empty()) << "no write-ahead log";
  return found;
}

}  // namespace chasqui::storage::testing
