// Threads for what must not happen on a reactor, with a bounded queue: passwords, reads, flushes.
//
// Jobs of one Worker with one thread run in order. They tell their result by posting it to whoever asked.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace chasqui {

class Worker {
 public:
  // At most `waiting_max` jobs wait beside the `threads` that run.
  Worker(std::size_t threads, std::size_t waiting_max);
  ~Worker() { stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // False: too many wait, or it is stopped; nothing is kept.
  [[nodiscard]] bool submit(std::function<void()> job);
  // Drops what waits, and returns when what runs is done. Nothing runs afterwards.
  void stop();

 private:
  void run();

  const std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::size_t idle_ = 0;  // threads that wait for a job
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace chasqui
