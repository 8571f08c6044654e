// Watches the disk and RocksDB, so that commands are refused before a write would stall or the disk be full (R17), and
// flushes the state when the log has grown.
//
// Looks while something is written and until what it saw is well again; otherwise its threads sleep: an idle server
// burns no CPU. The log's bytes are known at once, so between two looks little can be written.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "absl/status/status.h"
#include "core/io.h"
#include "runtime/worker.h"
#include "storage/node_store.h"

namespace chasqui {

class PressureWatch {
 public:
  // `changed` is called on its thread. `failed` must end the process.
  PressureWatch(storage::NodeStore& store, std::uint64_t flush_bytes, std::function<void(Pressure)> changed,
                std::function<void(const absl::Status&)> failed);
  ~PressureWatch() { stop(); }
  PressureWatch(const PressureWatch&) = delete;
  PressureWatch& operator=(const PressureWatch&) = delete;

  // How it is now, before anything is served. Then the threads take over.
  [[nodiscard]] Pressure start();
  // So many bytes were given to the log.
  void wrote(std::uint64_t bytes);
  void stop();

 private:
  void run();
  [[nodiscard]] Pressure look();

  storage::NodeStore& store_;
  const std::uint64_t flush_bytes_;
  std::function<void(Pressure)> changed_;
  std::function<void(const absl::Status&)> failed_;
  std::atomic<std::uint64_t> bytes_{0};  // given to the log since the last flush of the state began
  std::atomic<bool> looking_{false};     // else asleep: wrote() wakes it
  std::atomic<std::uint64_t> writes_{0};
  Pressure last_;
  Worker flusher_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
  std::thread thread_;
};

// After how many bytes of log the state is flushed: 64 MiB, less on a small disk.
[[nodiscard]] std::uint64_t flush_bytes_for(std::uint64_t disk_bytes);

}  // namespace chasqui
