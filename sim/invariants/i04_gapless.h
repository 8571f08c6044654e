// I4. What a device has taken as complete has no gap: its application sees seq n only after n - 1. And what the nodes
// gave out has none, once all is answered: every seq of a conversation is the answer to somebody's message.
#pragma once

#include <map>
#include <set>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class Gapless : public Invariant {
 public:
  Gapless() : Invariant(4, "gapless") {}
  void see(Time at, const Fact& fact) override;
  void finish(Time at) override;

 private:
  std::map<std::pair<std::uint32_t, ConversationId>, Seq> head_;  // all below was seen, by this device's applications
  std::map<ConversationId, std::set<Seq>> given_;                 // above the part without a gap
  std::map<ConversationId, Seq> complete_;                        // up to here each was given
};

}  // namespace chasqui::sim
