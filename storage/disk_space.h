// The disk a store lives on: how full it is, and a file of ballast that is thrown out when it matters.
//
// Invariant: while the ballast is released, its size is taken off what counts as free, so that releasing it never looks
// like room for new messages: it is room for RocksDB to finish what it has begun.
// Thread-safe. observe() is one system call: cheap enough for every batch.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/io.h"
#include "storage/disk_marks.h"

namespace chasqui::storage {

class DiskSpace {
 public:
  struct Options {
    std::uint64_t ballast_bytes_max = std::uint64_t{2} << 30;  // 0: none
    std::uint64_t disk_bytes_max = 0;  // 0: the whole disk; else: as if it had no more, for tests and quotas
  };

  // `directory` is there. Throws the ballast of an earlier run out if the disk is too full to open a store.
  static absl::StatusOr<std::unique_ptr<DiskSpace>> open(const std::string& directory, const Options& options);

  // What RocksDB may still need once writes are refused: known only when its buffers are. Before start().
  void set_room_needed(std::uint64_t bytes);

  // ResourceExhausted: not even what RocksDB needs to open is there. Otherwise makes the ballast if there is room.
  absl::Status start();

  // Looks at the disk. Releases the ballast at the mark of NoWrites, makes it again above that of NoUploads.
  absl::StatusOr<Pressure::Disk> observe();
  // Before a write to the WAL: ResourceExhausted if `bytes` and a little more do not fit, even without the ballast.
  absl::Status room_for(std::uint64_t bytes);

  [[nodiscard]] std::uint64_t disk_bytes() const { return disk_bytes_; }
  [[nodiscard]] Pressure::Disk level() const;
  [[nodiscard]] std::uint64_t free_bytes() const;     // as last seen, the missing ballast taken off
  [[nodiscard]] std::uint64_t ballast_bytes() const;  // that stand on the disk now
  [[nodiscard]] DiskMarks marks() const;

 private:
  DiskSpace(std::string directory, const Options& options);
  absl::Status look();  // all of these: with mutex_ held
  absl::Status make_ballast();
  void release_ballast();
  [[nodiscard]] std::uint64_t free_for_new() const;

  const std::string directory_;
  const std::string ballast_path_;
  const Options options_;
  std::uint64_t disk_bytes_ = 0;
  mutable std::mutex mutex_;
  DiskMarks marks_;
  std::uint64_t room_needed_bytes_ = 0;
  std::uint64_t available_bytes_ = 0;  // as the file system says
  std::uint64_t ballast_bytes_ = 0;    // on the disk
  std::uint64_t ballast_missing_ = 0;  // released, to be made again
  Pressure::Disk level_ = Pressure::Disk::Ok;
};

}  // namespace chasqui::storage
