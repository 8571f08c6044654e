// I8. Replicas agree: what is applied at (shard, index) is the same entry everywhere and for ever, and makes the same
// rows: the digest of a shard's state is equal wherever its applied index is.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class ReplicasAgree : public Invariant {
 public:
  // `needed`: there are replicas.
  explicit ReplicasAgree(bool needed) : Invariant(8, "replicas agree"), needed_(needed) {}
  [[nodiscard]] bool tapped() const override { return true; }
  [[nodiscard]] bool needed() const override { return needed_; }
  void see(Time at, const Fact& fact) override;

 private:
  struct Known {  // 0: not yet
    std::uint64_t entry = 0;
    RaftTerm term;
    std::uint32_t entry_of = 0;  // the node that showed it first
    std::uint64_t state = 0;
    std::uint32_t state_of = 0;
  };
  bool needed_;
  std::map<ShardId, std::vector<Known>> shards_;  // by index - 1
  std::set<ShardId> rotten_;  // a disk has made one of its replicas another: that it is found is I27's matter
};

}  // namespace chasqui::sim
