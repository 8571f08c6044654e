// I27. Where disks break what they promised, each shard is right, or says DATA_LOSS and accepts nothing.
//
// The world says what is gone of what a node had acknowledged. A node that starts all the same is silently wrong, even
// if nobody has asked for it yet; one that has refused to start answers nobody. Where the replicas of a cluster can
// tell that one of them is wrong, it must stop (rotten_replicas.h).
#pragma once

#include <cstdint>
#include <set>

#include "absl/strings/str_cat.h"
#include "sim/invariants/invariant.h"
#include "sim/invariants/rotten_replicas.h"

namespace chasqui::sim {

class BeyondIsNamed : public Invariant {
 public:
  explicit BeyondIsNamed(const ClusterShape& shape = {}) : Invariant(27, "beyond is named"), rotten_(shape) {}
  [[nodiscard]] bool tapped() const override { return true; }
  void see(Time at, const Fact& fact) override {
    if (const auto* started = std::get_if<NodeStarted>(&fact)) {
      check(started->lost.empty(), at, [&] {
        return absl::StrCat("node ", started->node, " has started as if nothing were gone: ", started->lost);
      });
      check(refused_.count(started->node) == 0, at,
            [&] { return absl::StrCat("node ", started->node, " has started after it had said DATA_LOSS"); });
    } else if (const auto* refused = std::get_if<NodeRefused>(&fact)) {
      refused_.insert(refused->node);
    } else if (const auto* rotten = std::get_if<StateRotted>(&fact)) {
      rotten_.rotted(*rotten);
    } else if (const auto* path = std::get_if<PathChanged>(&fact)) {
      rotten_.path(*path);
    } else if (std::holds_alternative<NodeCrashed>(fact)) {
      rotten_.disturbed(at);
    } else if (const auto* hindered = std::get_if<NodeHindered>(&fact)) {
      rotten_.disturbed(at + hindered->length);
    } else if (const auto* applied = std::get_if<EntryApplied>(&fact)) {
      if (rotten_.applied(at, *applied)) {
        violated(at, absl::StrCat("the replica of shard ", applied->shard.value(), " at node ", applied->node,
                                  " goes on with a state that its disk has changed"));
      }
    } else if (const auto* stopped = std::get_if<ReplicaStopped>(&fact)) {
      check(!rotten_.stopped(*stopped), at, [&] {
        return absl::StrCat("node ", stopped->node, " has stopped its replica of shard ", stopped->shard.value(),
                            ", whose state was right");
      });
    } else if (const auto* left = std::get_if<AnswerLeft>(&fact)) {
      if (left->code != client::OK) return;
      check(refused_.count(left->node) == 0, at,
            [&] { return absl::StrCat("node ", left->node, " has accepted a message after it had said DATA_LOSS"); });
    }
  }

 private:
  std::set<std::uint32_t> refused_;
  RottenReplicas rotten_;
};

}  // namespace chasqui::sim
