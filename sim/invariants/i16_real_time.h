// I16. What was accepted before another message was sent stands before it: seq is the witness.
#pragma once

#include <map>
#include <tuple>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class RealTime : public Invariant {
 public:
  RealTime() : Invariant(16, "real time") {}
  void see(Time at, const Fact& fact) override;

 private:
  std::map<ConversationId, Seq> accepted_;                                     // the highest that any sender was told
  std::map<std::tuple<std::uint32_t, ConversationId, OutboxSeq>, Seq> floor_;  // when it was sent
  std::map<std::uint64_t, Seq> floor_of_text_;                                 // likewise, by the text's hash
};

}  // namespace chasqui::sim
