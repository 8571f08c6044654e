// I5. All final answers ever given to (device, conversation, outbox number) are equal; n + 1 is never taken before n.
//
// Tapped where answers leave a node, so a lost answer counts too. An answer that may be followed by a retry under the
// same number is none: UNAVAILABLE, ABORTED, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, OUT_OF_RANGE, ALREADY_EXISTS.
#pragma once

#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

// Whether the number is taken by this answer.
[[nodiscard]] bool is_final(client::Code code);

class OneAnswer : public Invariant {
 public:
  explicit OneAnswer(const Model* model = nullptr) : Invariant(5, "one answer"), model_(model) {}
  void see(Time at, const Fact& fact) override;
  void finish(Time at) override;

 private:
  const Model* model_;
  struct Answer {
    client::Code code{};
    Seq seq;
    LogTime time;
  };
  using Sender = std::tuple<ConversationId, UserId, DeviceId>;
  HashIndex<Sender, std::map<OutboxSeq, Answer>> answers_;
  std::vector<Sender> senders_;  // of those, in the order of their first answers
  HashIndex<std::uint32_t, HashIndex<std::pair<ConversationId, OutboxSeq>, Seq>> heard_;  // by device
};

}  // namespace chasqui::sim
