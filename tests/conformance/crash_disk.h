// RocksDB's files on a disk that can lose its power: what the disk would hold then, as a copy of the directory.
//
// A byte is safe when its file was synced after it was written, and a name when its directory was. What is not safe is
// gone, torn, there as zeros, or there, as the test chooses: all of these happen to real disks. The store itself goes
// on undisturbed (what it does after the cut is nobody's business), so a copy can be taken in the middle of a sync.
// Nothing is synced in earnest, which makes the tests fast. A removed file is gone at once; RocksDB removes none that
// it may still need.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace chasqui::conformance {

// What becomes of bytes and names that were not synced. A file system that writes a file's pages in another order than
// theirs leaves zeros where the others should be: that looks like damage, and is refused as such.
enum class Unsynced : std::uint8_t { Gone, Torn, Whole, Zeros };
constexpr std::uint64_t unsynced_kinds_recovered = 3;  // from these a node starts again unaided

struct Cut {
  Unsynced unsynced = Unsynced::Gone;
  std::uint64_t draw = 0;  // where a file is torn, which names are there
};

class CrashDisk final : public rocksdb::FileSystemWrapper {
 public:
  CrashDisk();
  [[nodiscard]] const char* Name() const override { return "CrashDisk"; }

  // Copies `from` to `to` as it would be found after losing power now. Both are directories; what is in `from` and was
  // not written through this disk (FORMAT, TAIL.0, ...) is copied as it is: its writers sync in earnest.
  void copy_after(const Cut& cut, const std::string& from, const std::string& to);

  // Called once, when the next sync of a write-ahead log begins: its bytes are written and not safe.
  void at_next_wal_sync(std::function<void()> hook);
  // From now on a sync says that it is done and keeps nothing safe: the disk lies.
  void lie(bool on);

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* dbg) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result, rocksdb::IODebugContext* dbg) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* dbg) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* dbg) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* dbg) override;

 private:
  class File;
  class Directory;
  struct State {
    std::uint64_t written = 0;
    std::uint64_t safe = 0;
    bool name_is_safe = false;
    std::optional<std::string> before;  // what the name stood for when it was last safe
  };
  void synced(State& state, bool is_wal);
  void directory_synced(const std::string& name);
  [[nodiscard]] std::uint64_t bytes_kept(const State& state, const Cut& cut, std::uint64_t draw) const;

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<State>> files_;
  std::function<void()> hook_;
  bool lies_ = false;
};

}  // namespace chasqui::conformance
