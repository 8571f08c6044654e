// I10. `accepted` leaves a node only after the log record that holds the command was acknowledged by the disk.
//
// With several voters: by this node's disk, for what it has appended itself. A command that survived a crash counts, as
// does one from before: the highest number of a device in a conversation stands for all below, which are taken first.
#pragma once

#include <deque>
#include <map>
#include <tuple>

#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class DurableBeforeSaid : public Invariant {
 public:
  DurableBeforeSaid() : Invariant(10, "durable before said") {}
  [[nodiscard]] bool tapped() const override { return true; }
  void see(Time at, const Fact& fact) override;

 private:
  struct Node {
    std::deque<AppendHandedOut> waiting;  // by id
    HashIndex<std::tuple<ConversationId, UserId, DeviceId>, OutboxSeq> durable;
  };
  static void settle(Node& node, AppendId up_to);

  std::map<std::uint32_t, Node> nodes_;
};

}  // namespace chasqui::sim
