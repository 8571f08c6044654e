// I9. Raft: one leader in each term; one vote of each replica in each term, across restarts; logs that agree on (index,
// term) agree below; what is committed is never changed or lost: a leader has all that was committed in earlier terms,
// compared by the term that committed an entry, not by the entry's own.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class Raft : public Invariant {
 public:
  explicit Raft(bool needed) : Invariant(9, "raft"), needed_(needed) {}
  [[nodiscard]] bool tapped() const override { return true; }
  [[nodiscard]] bool needed() const override { return needed_; }
  void see(Time at, const Fact& fact) override;

 private:
  void logged(Time at, const EntryLogged& entry);
  void applied(Time at, const EntryApplied& entry);
  void spoke(Time at, const LeaderSpoke& leader);
  void leads(Time at, std::uint32_t node, ShardId shard, RaftTerm term);

  struct Logged {
    std::uint64_t digest = 0;
    RaftTerm before;  // 0: not known
    std::uint32_t node = 0;
  };
  struct Committed {
    RaftTerm term;  // of the entry; 0: not known
    RaftTerm by;    // committed in this term, or in an earlier one
    std::uint64_t digest = 0;
  };
  bool needed_;
  std::map<std::tuple<ShardId, RaftIndex, RaftTerm>, Logged> logged_;
  std::map<ShardId, std::vector<Committed>> committed_;  // by index - 1
  std::map<std::pair<ShardId, RaftTerm>, std::uint32_t> leaders_;
  std::map<std::tuple<std::uint32_t, ShardId, RaftTerm>, ReplicaId> votes_;
};

}  // namespace chasqui::sim
