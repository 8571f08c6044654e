// I15. Strangers cannot tell: who never was a member of a group, nor showed a link of it, is answered alike whether it
// exists or not.
#pragma once

#include <string>

#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

class Strangers : public Invariant {
 public:
  explicit Strangers(const Model& model) : Invariant(15, "strangers cannot tell"), model_(model) {}
  void see(Time at, const Fact& fact) override;
  [[nodiscard]] bool needed() const override { return false; }
  [[nodiscard]] bool tapped() const override { return true; }

 private:
  const Model& model_;
  std::string words_;  // that the first one heard, without the group's name
};

}  // namespace chasqui::sim
