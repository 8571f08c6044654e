// I19. A device id that was logged out, or renewed under another, is out: a second after the answer no session has it,
// for ever.
#pragma once

#include <map>
#include <tuple>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class Revoked : public Invariant {
 public:
  static constexpr Time bound = second;  // after the answer; one node has no election to wait for

  Revoked() : Invariant(19, "revoked is out") {}
  void see(Time at, const Fact& fact) override;
  [[nodiscard]] bool tapped() const override { return true; }
  [[nodiscard]] bool needed() const override { return false; }  // most people log out seldom

 private:
  std::map<std::tuple<std::uint32_t, UserId, DeviceId>, Time> since_;  // by node
};

}  // namespace chasqui::sim
