// I10. Nothing leaves a node whose cause is not on its disk. `accepted` leaves only after the log record that holds the
// command was acknowledged by the disk.
//
// A command that survived a crash counts, as does one from before: the highest number of a device in a conversation
// stands for all below, which are taken first.
//
// In a cluster: `accepted` leaves any node only after the command was committed, as the model knows; an entry is
// applied only if it is on the disks of a majority, and on the node's own; a vote, an append result or a leader's first
// word leave only after what they rest on is on the disk of who says it.
#pragma once

#include <deque>
#include <map>
#include <tuple>

#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

class DurableBeforeSaid : public Invariant {
 public:
  // `model`: of a cluster; none: each node stands alone.
  explicit DurableBeforeSaid(const Model* model = nullptr) : Invariant(10, "durable before said"), model_(model) {}
  [[nodiscard]] bool tapped() const override { return true; }
  void see(Time at, const Fact& fact) override;

 private:
  struct Node {
    std::deque<AppendHandedOut> waiting;  // by id
    HashIndex<std::tuple<ConversationId, UserId, DeviceId>, OutboxSeq> durable;
  };
  static void settle(Node& node, AppendId up_to);
  void see_in_cluster(Time at, const Fact& fact);

  const Model* model_;
  std::map<std::uint32_t, Node> nodes_;
};

}  // namespace chasqui::sim
