// I6. What was finally refused never appears as an event.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class Refused : public Invariant {
 public:
  Refused() : Invariant(6, "refused is refused") {}
  void see(Time at, const Fact& fact) override;

 private:
  using Texts = HashIndex<std::uint64_t, std::monostate>;                                        // their hashes
  HashIndex<std::uint32_t, HashIndex<std::pair<ConversationId, OutboxSeq>, std::string>> sent_;  // by device
  Texts refused_;
  Texts seen_;
};

}  // namespace chasqui::sim
