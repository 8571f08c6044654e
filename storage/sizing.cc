#include "storage/sizing.h"

#include <algorithm>

namespace chasqui::storage {
namespace {

constexpr std::uint64_t mib = 1 << 20;

}  // namespace

Sizing sizing_for(std::uint64_t disk_bytes) {
  const std::uint64_t unit = std::clamp(disk_bytes / 512 / mib, std::uint64_t{1}, std::uint64_t{32}) * mib;
  Sizing sizing;
  sizing.state_buffer_bytes = unit;
  sizing.state_buffers_max = 4;
  sizing.log_buffer_bytes = unit;
  sizing.log_buffers_max = 2;
  sizing.wal_bytes_max = 4 * sizing.log_buffer_bytes;
  sizing.table_file_bytes = unit;
  sizing.level_1_bytes = 4 * unit;
  sizing.compaction_bytes_max = 6 * unit;
  sizing.level_0_compact_files = 3;
  sizing.level_0_behind_files = 8;
  sizing.level_0_slow_files = 16;
  sizing.level_0_stop_files = 24;
  return sizing;
}

std::uint64_t Sizing::room_needed_bytes() const {
  const std::uint64_t buffers = state_buffer_bytes * static_cast<std::uint64_t>(state_buffers_max) +
                                log_buffer_bytes * static_cast<std::uint64_t>(log_buffers_max);
  // A compaction of level 0 takes all its files and level 1, and writes as much again before it lets them go.
  const std::uint64_t compaction = std::max(
      state_buffer_bytes * static_cast<std::uint64_t>(level_0_behind_files) + level_1_bytes, compaction_bytes_max);
  return buffers + wal_bytes_max / 2 + compaction + mib;  // half: a WAL of the other half is there already
}

}  // namespace chasqui::storage
