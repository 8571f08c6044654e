// I6. What was finally refused never appears as an event.
//
// Three exceptions. Who was no member of a group took no number, so a device that forgets the refusal (a crash, a
// backup) sends it once more, and may be a member by then. What such a device sent before it connected anew may still
// be on its way over the old connection: a node that stood still took it 4 s after the refusal, when its sender had
// become a member (seed 2839 of three to five nodes). And a restored phone that has not sent it yet, as far as it
// knows, sends it under a new device id: what it is about may be there by then (seed 645 of three to five nodes).
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

  struct Sent {
    std::string text;
    std::uint64_t connects = 0;  // of its device until then
  };
  using Texts = HashIndex<std::uint64_t, std::monostate>;                                 // their hashes
  HashIndex<std::uint32_t, HashIndex<std::pair<ConversationId, OutboxSeq>, Sent>> sent_;  // by device
  HashIndex<std::uint32_t, std::uint64_t> connects_;                                      // tried, by device
  Texts refused_;
  HashIndex<std::uint32_t, std::vector<std::uint64_t>> in_groups_;  // of refused_, by device
  Texts seen_;
};

}  // namespace chasqui::sim
