#include "runtime/worker.h"

namespace chasqui {

Worker::Worker(std::size_t threads, std::size_t waiting_max) : waiting_max_(waiting_max) {
  for (std::size_t i = 0; i < threads; i++) {
    threads_.emplace_back([this] { run(); });
  }
}

bool Worker::submit(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || jobs_.size() >= waiting_max_ + idle_) {
      return false;
    }
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void Worker::stop() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(jobs_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) {
      thread.join();
    }
  }
}

void Worker::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    idle_++;
    wake_.wait(lock, [this] { return stopped_ || !jobs_.empty(); });
    idle_--;
    if (stopped_) {
      return;
    }
    {
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
    }  // what it held goes before the lock comes back
    lock.lock();
  }
}

}  // namespace chasqui
