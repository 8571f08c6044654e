// I16. What was accepted before another message was sent stands before it: seq is the witness.
#pragma once

#include <tuple>

#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class RealTime : public Invariant {
 public:
  RealTime() : Invariant(16, "real time") {}
  void see(Time at, const Fact& fact) override;

 private:
  HashIndex<ConversationId, Seq> accepted_;  // the highest that any sender was told
  HashIndex<std::uint32_t, HashIndex<std::pair<ConversationId, OutboxSeq>, Seq>> floor_;  // by device: when it was sent
  HashIndex<std::uint64_t, Seq> floor_of_text_;  // likewise, by the text's hash
};

}  // namespace chasqui::sim
