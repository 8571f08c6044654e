// I5. All final answers ever given to (device, conversation, outbox number) are equal; n + 1 is never taken before n.
//
// Tapped where answers leave a node, so a lost answer counts too. An answer that may be followed by a retry under the
// same number is none: UNAVAILABLE, ABORTED, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, OUT_OF_RANGE, ALREADY_EXISTS.
#pragma once

#include <map>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

// Whether the number is taken by this answer.
[[nodiscard]] bool is_final(client::Code code);

class OneAnswer : public Invariant {
 public:
  OneAnswer() : Invariant(5, "one answer") {}
  void see(Time at, const Fact& fact) override;

 private:
  struct Answer {
    client::Code code{};
    Seq seq;
    LogTime time;
  };
  std::map<SendKey, Answer> answers_;
  std::map<std::tuple<std::uint32_t, ConversationId, OutboxSeq>, Seq> heard_;
};

}  // namespace chasqui::sim
