// I11. Marks never go back: delivered and read of anyone, at a device and as a node tells one session, and log time
// along a conversation. A session whose user hears of nobody's reading is told a read mark of 0: that says nothing.
//
// In a cluster receipts come to a session's node by way of two leaders, and after a change of one of them by another
// way than before: an old one may come last. Merged by max it changes nothing, so there only devices are asked.
#pragma once

#include <utility>

#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class MarksGrow : public Invariant {
 public:
  explicit MarksGrow(bool cluster = false) : Invariant(11, "marks grow"), cluster_(cluster) {}
  void see(Time at, const Fact& fact) override;

 private:
  struct Marks {
    Seq delivered;
    Seq read;
  };
  using Told = HashIndex<std::pair<ConversationId, UserId>, Marks>;
  bool cluster_;
  HashIndex<std::uint32_t, Told> heard_;                       // by device
  HashIndex<std::uint32_t, HashIndex<SessionId, Told>> told_;  // by node and session
  HashIndex<std::pair<std::uint32_t, ConversationId>, std::pair<Seq, LogTime>> times_;
};

}  // namespace chasqui::sim
