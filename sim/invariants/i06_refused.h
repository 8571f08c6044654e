// I6. What was finally refused never appears as an event.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class Refused : public Invariant {
 public:
  Refused() : Invariant(6, "refused is refused") {}
  void see(Time at, const Fact& fact) override;

 private:
  std::map<std::tuple<std::uint32_t, ConversationId, OutboxSeq>, std::string> waiting_;  // sent, no final answer yet
  std::set<std::string> refused_;
  std::set<std::string> seen_;
};

}  // namespace chasqui::sim
