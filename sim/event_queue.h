// What happens when: a 4-ary heap on (time, tie, number).
//
// Time is integer nanoseconds since the run began, and never goes back. `tie` orders equal times: 0, or a draw in runs
// that shuffle them; `number` counts pushes, so the order is total. Events carry no payload: what moves waits at its
// connection, disk or node, and an event that has become stale is ignored by whoever gets it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/check.h"

namespace chasqui::sim {

using Time = std::int64_t;  // ns since the run began
constexpr Time microsecond = 1'000;
constexpr Time millisecond = 1'000'000;
constexpr Time second = 1'000'000'000;

enum class EventKind : std::uint8_t {
  ItemStarts,       // object: index in the plan
  ItemEnds,         // object: index in the plan
  NodeRuns,         // subject: node. Its CPU is free again
  NodeWakes,        // subject: node; object: when it was meant to
  NodeRises,        // subject: node; object: incarnation that is to start
  LogSynced,        // subject: node; object: incarnation
  ReadServed,       // subject: node; object: token
  FlushDue,         // subject: node; object: incarnation
  FlushDone,        // subject: node; object: incarnation
  PasswordDone,     // subject: node; object: token
  CallDue,          // subject: device. It asks for its account, again if need be
  ConnectArrives,   // object: connection
  ConnectAnswered,  // object: connection
  FrameUp,          // object: connection
  FrameDown,        // object: connection
  BytesLeft,        // object: connection
  NodeLearns,       // object: connection. That it is over
  DeviceLearns,     // object: connection
  DeviceWakes,      // subject: device; object: when it was meant to
  JournalSynced,    // subject: device; object: incarnation
  PersonReads,      // subject: device
  DeviceRises,      // subject: device; object: incarnation
  Heal,
  SettleCheck,
  DeviceReturns,  // subject: device; object: incarnation. A program that was sent away is opened again
  HostileActs,    // object: connection. The next volley of a hostile client
  StreamServed,   // subject: node; object: token. A part of a shard's state is read, staged or ingested
};

struct Event {
  Time at = 0;
  std::uint64_t tie = 0;
  std::uint64_t number = 0;
  std::uint64_t object = 0;
  std::uint64_t cause = 0;  // number of the event during which it was pushed
  std::uint32_t subject = 0;
  EventKind kind{};
};

class EventQueue {
 public:
  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] std::size_t size() const { return heap_.size(); }
  [[nodiscard]] const Event& top() const { return heap_.front(); }

  // Gives the event its number.
  void push(Event event) {
    event.number = ++numbers_;
    heap_.push_back(event);
    rise(heap_.size() - 1);
  }

  Event pop() {
    CHASQUI_ASSERT(!heap_.empty(), "only what was pushed is popped");
    const Event first = heap_.front();
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(last);
    return first;
  }

 private:
  static bool before(const Event& a, const Event& b) {
    if (a.at != b.at) return a.at < b.at;
    if (a.tie != b.tie) return a.tie < b.tie;
    return a.number < b.number;
  }

  void rise(std::size_t at) {
    const Event event = heap_[at];
    while (at > 0) {
      const std::size_t parent = (at - 1) / 4;
      if (!before(event, heap_[parent])) break;
      heap_[at] = heap_[parent];
      at = parent;
    }
    heap_[at] = event;
  }

  void sink(const Event& event) {
    std::size_t at = 0;
    for (;;) {
      const std::size_t first = 4 * at + 1;
      if (first >= heap_.size()) break;
      std::size_t least = first;
      for (std::size_t child = first + 1; child < heap_.size() && child < first + 4; ++child) {
        if (before(heap_[child], heap_[least])) least = child;
      }
      if (!before(heap_[least], event)) break;
      heap_[at] = heap_[least];
      at = least;
    }
    heap_[at] = event;
  }

  std::vector<Event> heap_;
  std::uint64_t numbers_ = 0;
};

}  // namespace chasqui::sim
