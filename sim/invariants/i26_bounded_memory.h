// I26. Whatever clients do, every queue and map of a node stays within its limit, and its bytes under their cap.
//
// What a session was handed and has not read: the budget, one frame over it, and the answers to what it had asked by
// then, since nothing more is read from it meanwhile.
#pragma once

#include "core/base/bounds.h"
#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class BoundedMemory : public Invariant {
 public:
  BoundedMemory(const Limits& limits, std::uint32_t shards)
      : Invariant(26, "bounded memory"), limits_(limits), shards_(shards) {}
  void see(Time at, const Fact& fact) override;
  [[nodiscard]] bool tapped() const override { return true; }

  // For a queue of answers: the largest one, and then some.
  [[nodiscard]] std::uint64_t answer_bytes_max() const;
  [[nodiscard]] std::uint64_t node_bytes_max(const NodeSizes& sizes) const;

 private:
  void measured(Time at, const NodeMeasured& fact);

  Limits limits_;
  std::uint32_t shards_;
};

}  // namespace chasqui::sim
