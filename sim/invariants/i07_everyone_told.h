// I7. Everyone is told: one sync from any version finds every change since; a new device sees the exact list.
//
// At devices: once all has settled, what a device lists is all that its user may see, up to each head; no more than
// that where its node has said DATA_LOSS and serves nobody (whether it had to is I27's). At nodes, by the model: no
// shard says that all it owed has taken effect elsewhere while a member's index does not know it; and an auditor, who
// asks at random times from versions told before, hears of all that the user's index had committed: of a lone node by
// its last page, of a cluster as long as its session stands, and at the latest when all has settled.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "sim/invariants/blocks_said.h"
#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

class EveryoneTold : public Invariant {
 public:
  explicit EveryoneTold(const Model& model) : Invariant(7, "everyone is told"), model_(model) {}
  void see(Time at, const Fact& fact) override;
  // Who asked a cluster is told by several nodes, and a word lost between two of them comes later: an auditor that
  // lacks something after its last page stays connected until it is told.
  [[nodiscard]] bool lacks(std::uint64_t audit, const std::map<ConversationId, Seq>& known) const;

 private:
  void listed(Time at, const ListSeen& list);
  void answered(Time at, const AuditAnswered& answer);

  const Model& model_;
  std::map<std::uint32_t, UserId> owners_;
  std::set<std::uint32_t> unserved_;  // devices whose node has refused to start
  BlocksSaid blocks_;
  std::map<ConversationId, Seq> heads_;  // that any device was told of
  struct Asked {
    std::uint32_t node = 0;
    std::vector<std::pair<ConversationId, Seq>> index;  // committed when the node took the question
  };
  std::map<std::uint64_t, Asked> asked_;  // by audit
};

}  // namespace chasqui::sim
