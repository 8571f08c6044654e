// When a disk is too full for what: a pure decision (R17). What it is fed comes from disk_space.h.
//
//   free room, as if the ballast stood
//   |------------- Ok -------------|---- NoUploads ----|---- NoWrites ----| 0
//                       min(10 %, 2 GiB)       min(5 %, 1 GiB), at least what RocksDB needs to finish
//
// Up again only a quarter above the mark, so that a node at the mark does not change its mind with every message.
#pragma once

#include <cstdint>

#include "core/io.h"

namespace chasqui::storage {

struct DiskMarks {
  std::uint64_t no_uploads_bytes = 0;  // less than this is free: no uploads
  std::uint64_t no_writes_bytes = 0;   // less than this is free: no new writes; at most no_uploads_bytes
};

[[nodiscard]] DiskMarks disk_marks(std::uint64_t disk_bytes, std::uint64_t room_needed_bytes);

// `free_bytes`: of which the ballast has been taken off, even while it is released.
[[nodiscard]] Pressure::Disk decide(const DiskMarks& marks, Pressure::Disk before, std::uint64_t free_bytes);

// How large the ballast should be: 2 % of the disk, at most `bytes_max`, never more than a quarter of the room that is
// free above the first mark. 0: too small to be of use.
[[nodiscard]] std::uint64_t ballast_bytes(std::uint64_t disk_bytes, std::uint64_t free_bytes, const DiskMarks& marks,
                                          std::uint64_t bytes_max);

}  // namespace chasqui::storage
