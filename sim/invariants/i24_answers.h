// I24. Each request is answered, or its session ends, within 5 s and the delay that the world put in the node's way.
//
// Counted from the step that took it to the step that answered, so that the network is no excuse. Ack needs no answer.
#pragma once

#include <deque>
#include <map>
#include <tuple>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class Answers : public Invariant {
 public:
  static constexpr Time bound = 5'500 * millisecond;  // the deadline's 5 s, late timers, reads under way

  Answers() : Invariant(24, "answers in time") {}
  void see(Time at, const Fact& fact) override;
  void finish(Time at) override { expire(at); }

 private:
  using Key = std::tuple<std::uint32_t, SessionId, std::uint64_t>;
  // Whoever is due is looked at once, when its time has come.
  void expire(Time at);
  [[nodiscard]] Time due(const Key& key, Time asked) const;

  std::map<Key, Time> open_;
  std::deque<std::pair<Time, Key>> asked_;                               // by time
  std::map<std::uint32_t, std::deque<std::pair<Time, Time>>> hindered_;  // by node: from, until
};

}  // namespace chasqui::sim
