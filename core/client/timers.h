// One timer for each key, and the retry delay of everything that the client repeats.
//
// Ordered by time, then by key, so that what is due comes in an order that depends on nothing else.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "core/base/now.h"
#include "core/base/random.h"

namespace chasqui::client {

template <class Key>
class Timers {
 public:
  void set(const Key& key, MonoTime at) {
    clear(key);
    at_[key] = at;
    order_.insert({at, key});
  }
  // Only if it would be sooner than the one that is set.
  void set_earlier(const Key& key, MonoTime at) {
    const auto it = at_.find(key);
    if (it == at_.end() || at < it->second) set(key, at);
  }
  void clear(const Key& key) {
    const auto it = at_.find(key);
    if (it == at_.end()) return;
    order_.erase({it->second, key});
    at_.erase(it);
  }
  void clear_all() {
    at_.clear();
    order_.clear();
  }
  [[nodiscard]] std::optional<Key> pop_due(MonoTime now) {
    if (order_.empty() || order_.begin()->first > now) return std::nullopt;
    Key key = order_.begin()->second;
    clear(key);
    return key;
  }
  [[nodiscard]] MonoTime next() const { return order_.empty() ? MonoTime::never() : order_.begin()->first; }

 private:
  absl::btree_map<Key, MonoTime> at_;
  absl::btree_set<std::pair<MonoTime, Key>> order_;
};

// Full jitter (RELIABILITY.md section 5): random(1 ns, min(cap, base * 2^attempts)). Never zero, so that a repeat is
// always a step of its own.
[[nodiscard]] inline Duration full_jitter(Random& random, Duration base, Duration cap, std::uint32_t attempts) {
  std::int64_t limit = std::max<std::int64_t>(base.ns, 1);
  for (std::uint32_t i = 0; i < attempts && limit < cap.ns; ++i) limit *= 2;
  limit = std::max<std::int64_t>(std::min(limit, cap.ns), 1);
  return {static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(limit))) + 1};
}

}  // namespace chasqui::client
