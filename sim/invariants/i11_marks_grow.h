// I11. Marks never go back: delivered and read of anyone, at a device and as a node tells one session, and log time
// along a conversation.
#pragma once

#include <utility>

#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class MarksGrow : public Invariant {
 public:
  MarksGrow() : Invariant(11, "marks grow") {}
  void see(Time at, const Fact& fact) override;

 private:
  struct Marks {
    Seq delivered;
    Seq read;
  };
  using Told = HashIndex<std::pair<ConversationId, UserId>, Marks>;
  HashIndex<std::uint32_t, Told> heard_;                       // by device
  HashIndex<std::uint32_t, HashIndex<SessionId, Told>> told_;  // by node and session
  HashIndex<std::pair<std::uint32_t, ConversationId>, std::pair<Seq, LogTime>> times_;
};

}  // namespace chasqui::sim
