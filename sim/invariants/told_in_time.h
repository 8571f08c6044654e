// Part of I22: who has nothing to do with what is broken does not notice it.
//
// What is committed while the shard of its conversation and the shard of a member are led by nodes that can work
// together is known to that member's index within told_max, whatever becomes of all other shards.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "sim/history.h"
#include "sim/model/model.h"

namespace chasqui::sim {

class ToldInTime {
 public:
  // For so long both shards must have been well before something is judged, so that what an outage has left is done.
  static constexpr Time settled = 10 * second;
  // A destination is silent after 5 s, a mark of it is parked within the next second or two.
  static constexpr Time told_max = 10 * second;
  // A batch that is refused comes again 5 s later. Where that is made to happen, to every second one at worst, some of
  // thousands are refused ten times in a row.
  static constexpr Time told_max_refused = 120 * second;

  // Without a model nothing is owed.
  ToldInTime(const Model* model, std::uint32_t shards) : model_(model), shards_(shards) {}

  void committed(Time at, const EntryCommitted& fact);
  // Two shards, of a conversation and of a member, and what the first has owed the second for longest of what is
  // younger than `from`.
  struct Late {
    std::uint32_t conversations = 0;
    std::uint32_t members = 0;
    UserId user;
    Seq seq;
    Time since = 0;
  };
  using Pair = std::pair<std::uint32_t, std::uint32_t>;
  [[nodiscard]] std::vector<Pair> owing() const;
  [[nodiscard]] bool oldest(Pair pair, Time from, Late& late) const;
  void forget(Pair pair) { owed_.erase(pair); }

 private:
  struct Owed {
    Seq seq;
    Time since = 0;
  };
  const Model* model_;
  std::uint32_t shards_;
  std::map<Pair, std::map<std::pair<UserId, ConversationId>, std::deque<Owed>>> owed_;
};

}  // namespace chasqui::sim
