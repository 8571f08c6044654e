// Part of I27: a disk may change the state of one replica without a word. The replica must stop once the others can
// tell (rule R4), and none whose state is right may.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "sim/cluster_shape.h"
#include "sim/history.h"

namespace chasqui::sim {

class RottenReplicas {
 public:
  // Checks are 10 s apart, and what replicas tell each other may be lost once or twice. All that time nobody of them
  // may crash or stand still: who begins anew, or leads anew, puts the next check off.
  static constexpr Time found_after = 45 * second;
  // So long may a replica have applied nothing, and still counts as one that hears of checks.
  static constexpr Time heard_within = 25 * second;

  explicit RottenReplicas(const ClusterShape& shape) : shape_(shape) {}

  void rotted(const StateRotted& fact) { rotten_[fact.shard].node = fact.node; }
  // True: that replica had to be stopped by now.
  [[nodiscard]] bool applied(Time at, const EntryApplied& fact) {
    const auto it = rotten_.find(fact.shard);
    if (it == rotten_.end()) return false;
    Rotten& rotten = it->second;
    // A state came as a whole: from the one that is wrong, or in its place. Who is wrong now is not known here.
    if (!fact.term) rotten.unknown = true;
    if (rotten.stopped || rotten.unknown) return false;
    rotten.applied_at[fact.node] = at;
    for (const std::uint32_t replica : shape_.replicas[static_cast<std::size_t>(fact.shard.value())]) {
      const auto last = rotten.applied_at.find(replica);
      const bool hears = last != rotten.applied_at.end() && last->second + heard_within >= at;
      if (!hears || !closed_.empty()) rotten.whole_since = at;
    }
    return fact.node == rotten.node && at - std::max(rotten.whole_since, calm_since_) >= found_after;
  }
  // True: its state was right.
  [[nodiscard]] bool stopped(const ReplicaStopped& fact) {
    const auto it = rotten_.find(fact.shard);
    if (it == rotten_.end()) return true;
    if (it->second.node == fact.node) it->second.stopped = true;
    return it->second.node != fact.node && !it->second.unknown;
  }
  void disturbed(Time until) { calm_since_ = std::max(calm_since_, until); }
  void path(const PathChanged& fact) {
    if (fact.open) closed_.erase({fact.from, fact.to});
    if (!fact.open) closed_.insert({fact.from, fact.to});
  }

 private:
  struct Rotten {
    std::uint32_t node = 0;
    std::map<std::uint32_t, Time> applied_at;  // by node, since then
    Time whole_since = 0;                      // since when all replicas hear each other
    bool stopped = false;
    bool unknown = false;
  };
  ClusterShape shape_;
  std::map<ShardId, Rotten> rotten_;                          // one replica of a shard at most
  std::set<std::pair<std::uint32_t, std::uint32_t>> closed_;  // paths
  Time calm_since_ = 0;
};

}  // namespace chasqui::sim
