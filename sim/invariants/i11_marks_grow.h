// I11. Marks never go back: delivered and read of anyone, at a device and as a node tells one session, and log time
// along a conversation.
#pragma once

#include <map>
#include <tuple>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class MarksGrow : public Invariant {
 public:
  MarksGrow() : Invariant(11, "marks grow") {}
  void see(Time at, const Fact& fact) override;

 private:
  void forget(std::uint32_t device);

  struct Marks {
    Seq delivered;
    Seq read;
  };
  std::map<std::tuple<std::uint32_t, ConversationId, UserId>, Marks> marks_;
  std::map<std::tuple<std::uint32_t, SessionId, ConversationId, UserId>, Marks> told_;  // by node
  std::map<std::pair<std::uint32_t, ConversationId>, std::pair<Seq, LogTime>> times_;
};

}  // namespace chasqui::sim
