// How large RocksDB's buffers may be on a disk of a given size.
//
// Everything is a multiple of one unit, 1/512 of the disk, from 1 to 32 MiB: so that what RocksDB may still write after
// new writes are refused (buffers not yet flushed, the WAL that is being filled, one compaction) fits below the mark at
// which they are. A full disk aborts the process (R17): that room is not a nicety.
#pragma once

#include <cstdint>

namespace chasqui::storage {

struct Sizing {
  std::uint64_t state_buffer_bytes = 0;  // of one memtable
  int state_buffers_max = 0;             // being filled, and waiting to be flushed
  std::uint64_t log_buffer_bytes = 0;
  int log_buffers_max = 0;
  std::uint64_t wal_bytes_max = 0;  // of all files; then memtables are flushed, so that the oldest can go
  std::uint64_t table_file_bytes = 0;
  std::uint64_t level_1_bytes = 0;
  std::uint64_t compaction_bytes_max = 0;  // of one compaction below level 1
  int level_0_compact_files = 0;           // compaction begins
  int level_0_behind_files = 0;            // new writes are refused (Pressure.store_behind)
  int level_0_slow_files = 0;              // RocksDB slows writes down: never reached, since they are refused before
  int level_0_stop_files = 0;

  // What RocksDB may still want when the last command has been let in.
  [[nodiscard]] std::uint64_t room_needed_bytes() const;
};

[[nodiscard]] Sizing sizing_for(std::uint64_t disk_bytes);

}  // namespace chasqui::storage
