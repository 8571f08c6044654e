// How far a node's log had come, told from outside of it: storage/tail_guard.h as a model.
//
// It is written behind a sync, at once if the last time was a second ago, else when the second is over. At a start the
// log must have come at least as far. What was synced since it was written last, it does not know of.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "sim/event_queue.h"

namespace chasqui::sim {

class SimGuard {
 public:
  using Tails =
      absl::btree_map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>>;  // shard: last term, last index

  void synced(Time now, Tails tails) {
    pass(now);
    tails_ = std::move(tails);
    if (!behind_) due_ = std::max(due_, now);
    behind_ = true;
    pass(now);
  }
  // What is due by then is written.
  void pass(Time now) {
    if (!behind_ || due_ > now) return;
    written_ = tails_;
    behind_ = false;
    due_ += second;
  }
  // Empty, or what `found` lacks.
  [[nodiscard]] std::string missing(const Tails& found) const {
    for (const auto& [shard, promised] : written_) {
      const auto it = found.find(shard);
      if (it != found.end() && it->second >= promised) continue;
      return absl::StrCat("the log of shard ", shard, " had come to index ", promised.second, ", it ends at ",
                          it == found.end() ? 0 : it->second.second);
    }
    return {};
  }

 private:
  Tails written_;
  Tails tails_;  // as synced last
  Time due_ = 0;
  bool behind_ = false;
};

}  // namespace chasqui::sim
