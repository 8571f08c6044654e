// I4. What a device has taken as complete has no gap: its application sees seq n only after n - 1.
#pragma once

#include <map>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class Gapless : public Invariant {
 public:
  Gapless() : Invariant(4, "gapless") {}
  void see(Time at, const Fact& fact) override;

 private:
  std::map<std::pair<std::uint32_t, ConversationId>, Seq> head_;  // all below was seen, by this device's applications
};

}  // namespace chasqui::sim
