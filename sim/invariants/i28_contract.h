// I28. Every input is legal at any time, and every output is one that its owner can carry out.
//
// The world says what it could not carry out: a gap in a log, a connection that does not exist, a node that spins.
#pragma once

#include "absl/strings/str_cat.h"
#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class Contract : public Invariant {
 public:
  Contract() : Invariant(28, "contract") {}
  [[nodiscard]] bool needed() const override { return false; }  // it counts what is wrong
  void see(Time at, const Fact& fact) override {
    const auto* broken = std::get_if<ContractBroken>(&fact);
    if (broken == nullptr) return;
    check(false, at, [&] { return absl::StrCat("node ", broken->node, ": ", broken->what); });
  }
};

}  // namespace chasqui::sim
