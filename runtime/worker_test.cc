#include "runtime/worker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace chasqui {
namespace {

TEST(Worker, one_thread_works_in_order_and_the_queue_is_bounded) {
  std::vector<int> done;
  std::promise<void> go;
  std::promise<void> begun;
  Worker worker(1, 3);
  ASSERT_TRUE(worker.submit([&] {
    begun.set_value();
    go.get_future().wait();
  }));
  begun.get_future().wait();
  std::promise<void> last;
  EXPECT_TRUE(worker.submit([&] { done.push_back(1); }));
  EXPECT_TRUE(worker.submit([&] { done.push_back(2); }));
  EXPECT_TRUE(worker.submit([&] { last.set_value(); }));
  EXPECT_FALSE(worker.submit([&] { done.push_back(4); }));
  go.set_value();
  last.get_future().wait();
  EXPECT_EQ(done, (std::vector<int>{1, 2}));
}

TEST(Worker, what_waits_when_it_stops_never_runs) {
  std::atomic<int> ran{0};
  std::promise<void> begun;
  std::promise<void> go;
  Worker worker(1, 1'000'000);
  ASSERT_TRUE(worker.submit([&] {
    begun.set_value();
    go.get_future().wait();
    ran++;
  }));
  begun.get_future().wait();
  ASSERT_TRUE(worker.submit([&] { ran++; }));
  std::thread stopper([&] { worker.stop(); });
  while (worker.submit([&] { ran++; })) {
    std::this_thread::yield();  // until it has stopped taking
  }
  go.set_value();
  stopper.join();
  EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace chasqui
