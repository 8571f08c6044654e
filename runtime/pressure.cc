#include "runtime/pressure.h"

#include <algorithm>
#include <chrono>

#include "storage/sizing.h"

namespace chasqui {

namespace {

constexpr auto look_interval = std::chrono::milliseconds(50);
constexpr auto look_interval_ill = std::chrono::milliseconds(500);  // nothing is written then
constexpr int looks_after_last_write = 20;                          // a flush or compaction may still be under way

}  // namespace

std::uint64_t flush_bytes_for(std::uint64_t disk_bytes) {
  constexpr std::uint64_t most = 64 << 20;
  return std::min(most, 2 * storage::sizing_for(disk_bytes).state_buffer_bytes);
}

PressureWatch::PressureWatch(storage::NodeStore& store, std::uint64_t flush_bytes,
                             std::function<void(Pressure)> changed, std::function<void(const absl::Status&)> failed)
    : store_(store),
      flush_bytes_(flush_bytes),
      changed_(std::move(changed)),
      failed_(std::move(failed)),
      flusher_(1, 1) {}

Pressure PressureWatch::start() {
  last_ = look();
  thread_ = std::thread([this] { run(); });
  return last_;
}

void PressureWatch::wrote(std::uint64_t bytes) {
  writes_++;  // before looking_ is read: one of both sides sees the other
  if (bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes >= flush_bytes_) {
    bytes_.store(0, std::memory_order_relaxed);
    // One runs and one waits: a third would find nothing left to flush.
    static_cast<void>(flusher_.submit([this] { store_.store().flush_state(); }));
  }
  if (!looking_.load()) {
    const std::lock_guard lock(mutex_);
    looking_ = true;
    wake_.notify_one();
  }
}

Pressure PressureWatch::look() {
  const absl::StatusOr<Pressure::Disk> disk = store_.disk().observe();
  if (!disk.ok()) {
    failed_(disk.status());
    return last_;
  }
  return {*disk, store_.store().behind(store_.store().load())};
}

void PressureWatch::run() {
  std::uint64_t seen = 0;
  int quiet = 0;
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const bool is_ill = last_.disk != Pressure::Disk::Ok || last_.store_behind;
    if (!is_ill && quiet >= looks_after_last_write) {
      looking_ = false;
      wake_.wait(lock, [this, seen] { return stopped_ || looking_ || writes_ != seen; });
      looking_ = true;
      quiet = 0;
    } else {
      wake_.wait_for(lock, is_ill && quiet > 0 ? look_interval_ill : look_interval, [this] { return stopped_; });
    }
    if (stopped_) {
      return;
    }
    lock.unlock();
    const std::uint64_t writes = writes_;
    quiet = writes == seen ? quiet + 1 : 0;
    seen = writes;
    const Pressure now = look();
    if (now.disk != last_.disk || now.store_behind != last_.store_behind) {
      last_ = now;
      changed_(now);
    }
    lock.lock();
  }
}

void PressureWatch::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
  flusher_.stop();
}

}  // namespace chasqui
