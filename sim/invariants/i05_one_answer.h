// I5. All final answers ever given to (device, conversation, outbox number) are equal; n + 1 is never taken before n.
//
// Tapped where answers leave a node, so a lost answer counts too. An answer that may be followed by a retry under the
// same number is none: UNAVAILABLE, ABORTED, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, OUT_OF_RANGE, ALREADY_EXISTS.
#pragma once

#include <map>
#include <tuple>
#include <utility>

#include "core/base/hash_index.h"
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
  using Sender = std::tuple<ConversationId, UserId, DeviceId>;
  HashIndex<Sender, std::map<OutboxSeq, Answer>> answers_;
  HashIndex<std::uint32_t, HashIndex<std::pair<ConversationId, OutboxSeq>, Seq>> heard_;  // by device
};

}  // namespace chasqui::sim
