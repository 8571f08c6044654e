// I4. What a device has taken as complete has no gap: its application sees seq n only after n - 1. And what the nodes
// gave out has none, once all is answered: every seq of a conversation is the answer to somebody's message, but for
// those that a device sent whose journal was replaced: it may no longer know that it asked.
#pragma once

#include <map>
#include <set>
#include <utility>

#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

class Gapless : public Invariant {
 public:
  explicit Gapless(const Model* model = nullptr) : Invariant(4, "gapless"), model_(model) {}
  void see(Time at, const Fact& fact) override;
  void finish(Time at) override;

 private:
  const Model* model_;
  std::map<std::pair<std::uint32_t, ConversationId>, Seq> head_;  // all below was seen, by this device's applications
  std::map<ConversationId, std::set<Seq>> given_;                 // above the part without a gap
  std::map<ConversationId, Seq> complete_;                        // up to here each was given
  using Sender = std::pair<UserId, DeviceId>;
  std::map<std::uint32_t, std::set<Sender>> ids_;
  std::set<std::uint32_t> replaced_;                            // devices
  std::map<ConversationId, std::map<Seq, Sender>> unanswered_;  // events that were seen before they were given
};

}  // namespace chasqui::sim
