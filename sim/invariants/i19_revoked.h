// I19. A device id that was logged out, or renewed under another, is out: a second after the answer no session has it,
// for ever.
//
// In a cluster: an election may come between, so it is 1 s and the time of one; a session at a gateway that is cut off,
// or that something stands in the way of, may hear that its requests failed, and sees nothing of its user's. What was
// on its way to such a gateway when it could not be reached still arrives once it can.
#pragma once

#include <map>
#include <utility>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class Revoked : public Invariant {
 public:
  static constexpr Time bound = second;                 // after the answer; one node has no election to wait for
  static constexpr Time bound_of_cluster = 4 * second;  // with an election

  explicit Revoked(bool cluster = false) : Invariant(19, "revoked is out"), cluster_(cluster) {}
  void see(Time at, const Fact& fact) override;
  [[nodiscard]] bool tapped() const override { return true; }
  [[nodiscard]] bool needed() const override { return false; }  // most people log out seldom

 private:
  void see_trouble(Time at, const Fact& fact);

  bool cluster_;
  std::map<std::pair<UserId, DeviceId>, Time> since_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, bool> cut_;  // paths
  Time troubled_until_ = 0;                                      // by what is known to end
  Time last_trouble_ = 0;
};

}  // namespace chasqui::sim
