// What a test asks of the faulty disk of one process: a file that both have mapped.
#pragma once

#include <atomic>
#include <cstdint>

namespace chasqui::cluster {

// All zero: a disk as it should be. Lock-free, so that two processes may share it.
struct DiskControl {
  static constexpr const char* path_variable = "CHASQUI_FAULTY_DISK";       // the file with this in it
  static constexpr const char* root_variable = "CHASQUI_FAULTY_DISK_ROOT";  // whose files fail; others never do

  std::atomic<std::uint32_t> sync_delay_ms;
  std::atomic<std::uint32_t> syncs_to_fail;   // that many fail with EIO, and what they should have kept is gone
  std::atomic<std::uint32_t> writes_to_fail;  // that many fail with write_error
  std::atomic<std::int32_t> write_error;      // errno

  // What it has done.
  std::atomic<std::uint64_t> syncs;
  std::atomic<std::uint64_t> syncs_delayed;
  std::atomic<std::uint64_t> syncs_failed;
  std::atomic<std::uint64_t> writes_failed;
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace chasqui::cluster
