// The thread that makes the log durable: takes everything that waits, writes and syncs it once, says up to where.
//
// While a sync is under way the next group gathers, so the disk sets the pace and the groups grow with the load. A
// failure is never repeated (R1): `failed` is called and must end the process.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "core/log_image.h"

namespace chasqui {

// Of the storage: a log that is written by one thread.
struct LogSink {
  std::function<absl::Status(std::span<const LogAppend>)> write;   // durable when it returns OK
  std::function<std::chrono::steady_clock::time_point()> gap_due;  // when close_gap has work; max(): never
  std::function<absl::Status()> close_gap;
};

class LogThread {
 public:
  // `synced` and `failed` are called on the thread of the log.
  LogThread(LogSink sink, std::function<void(AppendId)> synced, std::function<void(const absl::Status&)> failed);
  ~LogThread() { stop(); }
  LogThread(const LogThread&) = delete;
  LogThread& operator=(const LogThread&) = delete;

  void submit(std::vector<LogAppend> appends);  // in order of their ids
  [[nodiscard]] std::uint64_t bytes_in_flight() const { return bytes_in_flight_.load(std::memory_order_relaxed); }
  // Since when the group under way has been; max(): there is none.
  [[nodiscard]] std::chrono::steady_clock::time_point busy_since() const;
  // Writes what waits, then ends.
  void stop();

  [[nodiscard]] static std::uint64_t bytes_of(const LogAppend& append);

 private:
  void run();
  bool write(std::vector<LogAppend> group);

  LogSink sink_;
  std::function<void(AppendId)> synced_;
  std::function<void(const absl::Status&)> failed_;
  std::atomic<std::uint64_t> bytes_in_flight_{0};
  std::atomic<std::int64_t> busy_since_{-1};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<LogAppend> waiting_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace chasqui
