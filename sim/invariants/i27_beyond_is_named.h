// I27. Where disks break what they promised, each shard is right, or says DATA_LOSS and accepts nothing.
//
// The world says what is gone of what a node had acknowledged. A node that starts all the same is silently wrong, even
// if nobody has asked for it yet; one that has refused to start answers nobody.
#pragma once

#include <cstdint>
#include <set>

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
    } else if (const auto* left = std::get_if<AnswerLeft>(&fact)) {
      if (left->code != client::OK) return;
      check(refused_.count(left->node) == 0, at,
            [&] { return absl::StrCat("node ", left->node, " has accepted a message after it had said DATA_LOSS"); });
    }
  }

 private:
  std::set<std::uint32_t> refused_;
};

}  // namespace chasqui::sim
