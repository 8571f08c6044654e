// Which event led to which. Recorded in a replay, never in ordinary runs.
//
// An event has the cause that pushed it; or, where that says only whose turn it was, what it carries out: the input
// that had waited for the CPU, the appends that one sync made durable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "sim/event_queue.h"

namespace chasqui::sim {

class Causes {
 public:
  void event(const Event& event);
  // The event under way carries out what that one asked for.
  void also(std::uint64_t cause);
  [[nodiscard]] std::uint64_t last() const { return last_; }  // 0: nothing happened yet
  [[nodiscard]] std::uint64_t events() const { return events_; }

  // Events that led to `number`, itself included: at most `most`, those with the fewest steps between first.
  // Ascending by the order in which they happened.
  [[nodiscard]] std::vector<std::uint64_t> slice(std::uint64_t number, std::size_t most) const;

 private:
  struct Entry {
    std::uint64_t cause = 0;
    std::uint64_t order = 0;  // it was the n-th to happen; 0: it has not
  };
  std::vector<Entry> entries_;  // by number
  absl::btree_map<std::uint64_t, std::vector<std::uint64_t>> also_;
  std::uint64_t last_ = 0;
  std::uint64_t events_ = 0;
};

}  // namespace chasqui::sim
