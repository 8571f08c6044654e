// I4. What a device has taken as complete has no gap: its application sees seq n only after n - 1. And what the nodes
// gave out has none, once all is answered: every seq of a conversation is the answer to somebody's message, but for
// those that a device sent whose journal was replaced: it may no longer know that it asked.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/base/hash_index.h"
#include "sim/invariants/blocks_said.h"
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
  using Sender = std::pair<UserId, DeviceId>;
  struct Conversation {
    Seq complete;                      // up to here each was given
    std::set<Seq> given;               // above the part without a gap
    std::map<Seq, Sender> unanswered;  // events that were seen before they were given
  };
  void give(const ConversationId& id, Seq seq);
  Conversation& conversation(const ConversationId& id);
  // By device: all below was seen by its applications.
  HashIndex<std::uint32_t, HashIndex<ConversationId, Seq>> head_;
  HashIndex<ConversationId, Conversation> conversations_;
  std::vector<ConversationId> known_;  // of those, in the order of their first event
  std::map<std::uint32_t, std::set<Sender>> ids_;
  std::set<std::uint32_t> replaced_;  // devices
  BlocksSaid blocks_;
};

}  // namespace chasqui::sim
