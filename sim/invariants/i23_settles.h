// I23. After healing everything arrives everywhere in time: 30 s, as long as a device may wait before it connects, and
// what the rate limits make of the backlog.
#pragma once

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class Settles : public Invariant {
 public:
  explicit Settles(Time bound) : Invariant(23, "settles"), bound_(bound) {}
  void see(Time at, const Fact& fact) override;
  void finish(Time at) override;

 private:
  Time bound_;
  Time healed_ = -1;
  bool judged_ = false;
};

}  // namespace chasqui::sim
