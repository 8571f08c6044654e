// I12. Marks are true: read <= delivered <= head; no index knows more than there is; no cursor is above its shard's
// log; log time is the true time within a minute, as long as the node's clock is right: in a cluster, all clocks, since
// a shard's next leader goes on from the time to which the one before has brought it.
#pragma once

#include <set>

#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

class MarksTrue : public Invariant {
 public:
  static constexpr std::int64_t clock_error_max_ms = 60'000;

  explicit MarksTrue(const Model& model, bool cluster = false)
      : Invariant(12, "marks are true"), model_(model), cluster_(cluster) {}
  void see(Time at, const Fact& fact) override;

 private:
  void told(Time at, const ConversationId& conversation, UserId user, Seq delivered, Seq read);
  void committed(Time at, const EntryCommitted& committed);

  const Model& model_;
  bool cluster_;
  std::set<std::uint32_t> wrong_clocks_;  // of nodes whose wall clock was ever set
};

}  // namespace chasqui::sim
