#include "sim/event_queue.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <tuple>

namespace chasqui::sim {
namespace {

RC_GTEST_PROP(EventQueue, gives_events_back_by_time_then_tie_then_number,
              (std::vector<std::pair<std::uint8_t, std::uint8_t>> times)) {
  EventQueue queue;
  for (const auto& [at, tie] : times) queue.push({.at = at, .tie = tie});
  std::tuple<Time, std::uint64_t, std::uint64_t> last{-1, 0, 0};
  for (std::size_t i = 0; i < times.size(); ++i) {
    const Event event = queue.pop();
    const std::tuple now{event.at, event.tie, event.number};
    RC_ASSERT(last < now);
    last = now;
  }
  RC_ASSERT(queue.empty());
}

TEST(EventQueue, equal_times_come_in_the_order_of_pushing) {
  EventQueue queue;
  for (std::uint64_t i = 0; i < 100; ++i) queue.push({.at = 5, .object = i});
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(queue.pop().object, i);
}

}  // namespace
}  // namespace chasqui::sim
