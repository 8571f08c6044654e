#include "runtime/log_thread.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <string>

namespace chasqui {
namespace {

using Clock = std::chrono::steady_clock;

// A log in memory, whose disk can be held and can fail.
struct FakeLog {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::vector<std::uint64_t>> groups;  // ids of each write
  std::vector<std::uint64_t> synced;
  std::vector<std::string> failures;
  bool is_held = false;
  absl::Status next_result;
  Clock::time_point gap = Clock::time_point::max();
  int gaps_closed = 0;

  LogSink sink() {
    return {[this](std::span<const LogAppend> appends) {
              std::unique_lock lock(mutex);
              std::vector<std::uint64_t> ids;
              for (const LogAppend& append : appends) {
                ids.push_back(append.id.value());
              }
              groups.push_back(ids);
              changed.notify_all();
              changed.wait(lock, [this] { return !is_held; });
              return next_result;
            },
            [this] {
              const std::lock_guard lock(mutex);
              return gap;
            },
            [this] {
              const std::lock_guard lock(mutex);
              gap = Clock::time_point::max();
              gaps_closed++;
              changed.notify_all();
              return absl::OkStatus();
            }};
  }
  std::function<void(AppendId)> on_synced() {
    return [this](AppendId id) {
      const std::lock_guard lock(mutex);
      synced.push_back(id.value());
      changed.notify_all();
    };
  }
  std::function<void(const absl::Status&)> on_failed() {
    return [this](const absl::Status& status) {
      const std::lock_guard lock(mutex);
      failures.emplace_back(status.message());
      changed.notify_all();
    };
  }
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), condition);
  }
  void hold(bool on) {
    const std::lock_guard lock(mutex);
    is_held = on;
    changed.notify_all();
  }
};

LogAppend append(std::uint64_t id, std::size_t bytes = 10) {
  LogAppend a;
  a.id = AppendId(id);
  a.entries.push_back({RaftTerm(1), EntryType::Command, std::make_shared<const std::string>(bytes, 'x')});
  return a;
}

TEST(LogThread, what_waits_during_a_sync_is_one_group) {
  FakeLog log;
  log.is_held = true;
  LogThread thread(log.sink(), log.on_synced(), log.on_failed());
  thread.submit({append(1)});
  ASSERT_TRUE(log.wait([&] { return log.groups.size() == 1; }));
  EXPECT_NE(thread.busy_since(), Clock::time_point::max());
  thread.submit({append(2), append(3)});
  thread.submit({append(4)});
  EXPECT_GT(thread.bytes_in_flight(), 40U);
  log.hold(false);
  ASSERT_TRUE(log.wait([&] { return log.synced.size() == 2; }));
  EXPECT_EQ(log.groups[1], (std::vector<std::uint64_t>{2, 3, 4}));
  EXPECT_EQ(log.synced, (std::vector<std::uint64_t>{1, 4}));
  EXPECT_EQ(thread.bytes_in_flight(), 0U);
  EXPECT_EQ(thread.busy_since(), Clock::time_point::max());
}

TEST(LogThread, a_failed_write_is_told_once_and_nothing_is_written_after_it) {
  FakeLog log;
  log.next_result = absl::InternalError("the disk is gone");
  LogThread thread(log.sink(), log.on_synced(), log.on_failed());
  thread.submit({append(1)});
  ASSERT_TRUE(log.wait([&] { return !log.failures.empty(); }));
  thread.submit({append(2)});
  thread.stop();
  EXPECT_EQ(log.failures, (std::vector<std::string>{"the disk is gone"}));
  EXPECT_EQ(log.groups.size(), 1U);
  EXPECT_TRUE(log.synced.empty());
}

TEST(LogThread, the_end_waits_for_what_waits) {
  FakeLog log;
  {
    LogThread thread(log.sink(), log.on_synced(), log.on_failed());
    thread.submit({append(1)});
    thread.submit({append(2)});
  }
  EXPECT_EQ(log.synced.back(), 2U);
}

TEST(LogThread, a_gap_in_the_guard_is_closed_when_due_though_nothing_is_written) {
  FakeLog log;
  log.gap = Clock::now() + std::chrono::milliseconds(30);
  LogThread thread(log.sink(), log.on_synced(), log.on_failed());
  EXPECT_TRUE(log.wait([&] { return log.gaps_closed == 1; }));
}

}  // namespace
}  // namespace chasqui
