// I6. What was finally refused never appears as an event.
//
// Two exceptions. Who was no member of a group took no number, so a device that forgets the refusal (a crash, a backup)
// sends it once more, and may be a member by then. And a restored phone that has not sent it yet, as far as it knows,
// sends it under a new device id: what it is about may be there by then (seed 645 of three to five nodes).
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class Refused : public Invariant {
 public:
  Refused() : Invariant(6, "refused is refused") {}
  void see(Time at, const Fact& fact) override;

 private:
  void forget_strangers(std::uint32_t device);

  using Texts = HashIndex<std::uint64_t, std::monostate>;                                        // their hashes
  HashIndex<std::uint32_t, HashIndex<std::pair<ConversationId, OutboxSeq>, std::string>> sent_;  // by device
  Texts refused_;
  HashIndex<std::uint32_t, std::vector<std::uint64_t>> in_groups_;  // of refused_, by device
  Texts seen_;
};

}  // namespace chasqui::sim
