// I24. Each request is answered, or its session ends, within 5 s and the delay that the world put in the node's way.
//
// At a node it is counted from the step that took it to the step that answered, so that the network is no excuse; at a
// device, which knows no more, from asking to hearing. Ack needs no answer.
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
  [[nodiscard]] bool tapped() const override { return true; }
  void see(Time at, const Fact& fact) override;
  void finish(Time at) override { expire(at); }

 private:
  using Key = std::tuple<std::uint32_t, SessionId, std::uint64_t>;
  // In place of a session, beside the device's number: no node gives it.
  static constexpr SessionId at_device = SessionId(~std::uint64_t{0});
  void asked(Time at, const Key& key);
  void answered(Time at, const Key& key);
  [[nodiscard]] static std::string name_of(const Key& key);
  void gone(std::uint32_t node, SessionId session);
  // Whoever is due is looked at once, when its time has come.
  void expire(Time at);
  [[nodiscard]] Time due(const Key& key, Time asked) const;

  std::map<Key, Time> open_;
  std::deque<std::pair<Time, Key>> asked_;                               // by time
  std::map<std::uint32_t, std::deque<std::pair<Time, Time>>> hindered_;  // by node: from, until
};

}  // namespace chasqui::sim
