// I13. A mark tells no more than what is: delivered only what one of the member's devices has on its disk, read only
// what the person has read (I12's part of it too: read <= delivered); of what that member sees, since a mark goes over
// what is not for them. No mark, not even one that somebody lied about, goes beyond what was ever sent. And none is
// heard by whom it is not for: the sender of a request that nobody has answered, either side while one has blocked the
// other; and of reading, anybody while the reader has read receipts off.
#pragma once

#include <set>
#include <tuple>

#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

class ReceiptsTrue : public Invariant {
 public:
  // `model`: of what a member does not see, and of whom may be told; nullptr: there are no groups and no gates.
  explicit ReceiptsTrue(const Model* model = nullptr) : Invariant(13, "receipts are true"), model_(model) {}
  void see(Time at, const Fact& fact) override;

 private:
  // Does the mark `told` say more than `known`: is there anything between that the user sees?
  [[nodiscard]] bool says_more(const ConversationId& conversation, UserId user, Seq told, Seq known) const;

  const Model* model_;
  HashIndex<std::uint32_t, UserId> owners_;
  HashIndex<std::pair<UserId, ConversationId>, Seq> stored_;  // by any of the user's devices
  HashIndex<std::pair<UserId, ConversationId>, Seq> read_;
  HashIndex<ConversationId, std::uint64_t> sent_;  // messages: no seq is above
  std::set<UserId> hostile_;
};

}  // namespace chasqui::sim
