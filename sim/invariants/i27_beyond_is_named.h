// I27. Where disks break what they promised, each shard is right, or says DATA_LOSS and accepts nothing.
//
// The world says what is gone of what a node had acknowledged. A node that starts all the same is silently wrong, even
// if nobody has asked for it yet; one that has refused to start answers nobody. Of a cluster a disk may also change a
// replica's state without a word: the replica must be stopped once the others can tell (rule R4), and none of theirs.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class BeyondIsNamed : public Invariant {
 public:
  BeyondIsNamed() : Invariant(27, "beyond is named") {}
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
      rotten_[{rotten->node, rotten->shard}] = Rotten();
    } else if (const auto* applied = std::get_if<EntryApplied>(&fact)) {
      const auto it = rotten_.find({applied->node, applied->shard});
      if (it != rotten_.end() && it->second.applied_at == 0) it->second.applied_at = at;
    } else if (const auto* stopped = std::get_if<ReplicaStopped>(&fact)) {
      const auto it = rotten_.find({stopped->node, stopped->shard});
      check(it != rotten_.end(), at, [&] {
        return absl::StrCat("node ", stopped->node, " has stopped its replica of shard ", stopped->shard.value(),
                            ", whose state was right");
      });
      if (it != rotten_.end()) it->second.stopped = true;
    } else if (const auto* left = std::get_if<AnswerLeft>(&fact)) {
      if (left->code != client::OK) return;
      check(refused_.count(left->node) == 0, at,
            [&] { return absl::StrCat("node ", left->node, " has accepted a message after it had said DATA_LOSS"); });
    }
  }
  void finish(Time at) override {
    for (const auto& [replica, rotten] : rotten_) {
      if (rotten.applied_at == 0 || at - rotten.applied_at < found_after) continue;
      check(rotten.stopped, at, [&, &which = replica, since = rotten.applied_at] {
        return absl::StrCat("the replica of shard ", which.second.value(), " at node ", which.first,
                            " has gone on for ", (at - since) / second, " s with a state that its disk had changed");
      });
    }
  }

 private:
  // Checks are 10 s apart, and the shard must have been whole for one of them: there are 30 s and more after healing.
  static constexpr Time found_after = 60 * second;
  struct Rotten {
    Time applied_at = 0;  // the first entry since
    bool stopped = false;
  };
  std::set<std::uint32_t> refused_;
  std::map<std::pair<std::uint32_t, ShardId>, Rotten> rotten_;
};

}  // namespace chasqui::sim
