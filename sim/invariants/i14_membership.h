// I14. No path gives content outside the member's intervals: neither what a node tells a session (push, head, history,
// sync), be its user honest or not, nor what an application is shown.
#pragma once

#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

class Membership : public Invariant {
 public:
  explicit Membership(const Model& model) : Invariant(14, "membership"), model_(model) {}
  void see(Time at, const Fact& fact) override;
  // Most runs have no group.
  [[nodiscard]] bool needed() const override { return false; }

 private:
  const Model& model_;
  HashIndex<std::uint32_t, UserId> owners_;
};

}  // namespace chasqui::sim
