#include "runtime/log_thread.h"

namespace chasqui {

using Clock = std::chrono::steady_clock;

LogThread::LogThread(LogSink sink, std::function<void(AppendId)> synced,
                     std::function<void(const absl::Status&)> failed)
    : sink_(std::move(sink)), synced_(std::move(synced)), failed_(std::move(failed)), thread_([this] { run(); }) {}

std::uint64_t LogThread::bytes_of(const LogAppend& append) {
  constexpr std::uint64_t overhead_bytes = 64;  // of a row, roughly
  std::uint64_t bytes = overhead_bytes;
  for (const LogEntry& entry : append.entries) {
    bytes += overhead_bytes + (entry.payload ? entry.payload->size() : 0);
  }
  return bytes;
}

void LogThread::submit(std::vector<LogAppend> appends) {
  std::uint64_t bytes = 0;
  for (const LogAppend& append : appends) {
    bytes += bytes_of(append);
  }
  bytes_in_flight_.fetch_add(bytes, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
      waiting_ = std::move(appends);
    } else {
      waiting_.insert(waiting_.end(), std::make_move_iterator(appends.begin()), std::make_move_iterator(appends.end()));
    }
  }
  wake_.notify_one();
}

Clock::time_point LogThread::busy_since() const {
  const std::int64_t since = busy_since_.load(std::memory_order_relaxed);
  return since < 0 ? Clock::time_point::max() : Clock::time_point(Clock::duration(since));
}

void LogThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void LogThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto has_work = [this] { return stopped_ || !waiting_.empty(); };
    const Clock::time_point due = sink_.gap_due();
    if (due == Clock::time_point::max()) {
      wake_.wait(lock, has_work);
    } else {
      wake_.wait_until(lock, due, has_work);
    }
    std::vector<LogAppend> group = std::exchange(waiting_, {});
    const bool last = stopped_;
    lock.unlock();
    if (!group.empty() && !write(std::move(group))) {
      return;
    }
    if (last || Clock::now() >= sink_.gap_due()) {
      if (const absl::Status status = sink_.close_gap(); !status.ok()) {
        return failed_(status);
      }
    }
    lock.lock();
    if (last && waiting_.empty()) {
      return;
    }
  }
}

bool LogThread::write(std::vector<LogAppend> group) {
  std::uint64_t bytes = 0;
  for (const LogAppend& append : group) {
    bytes += bytes_of(append);
  }
  busy_since_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  const absl::Status status = sink_.write(group);
  busy_since_.store(-1, std::memory_order_relaxed);
  if (!status.ok()) {
    failed_(status);
    return false;
  }
  bytes_in_flight_.fetch_sub(bytes, std::memory_order_relaxed);
  synced_(group.back().id);
  return true;
}

}  // namespace chasqui
