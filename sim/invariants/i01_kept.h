// I1. Every accepted event is, with the same bytes, on every device of the conversation's members, unless a deletion or
// its timer has erased it before it came there.
//
// While the run goes on: all who see a seq see the same bytes, and they are those that were accepted. At the end: every
// device has everything up to the highest seq that anyone was told of: one that was reinstalled or restored once more
// what it had lost, one that was thrown away nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/hash_index.h"
#include "sim/invariants/blocks_said.h"
#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

class Kept : public Invariant {
 public:
  // Without a model what is right is inferred from what devices say to each other.
  explicit Kept(const Model* model = nullptr) : Invariant(1, "kept"), model_(model) {}
  void see(Time at, const Fact& fact) override;
  void finish(Time at) override;

  // What some device still lacks, one example in words; empty: nothing.
  [[nodiscard]] std::string missing() const;
  // How many events the device that lacks most lacks.
  [[nodiscard]] std::uint64_t most_missing() const;
  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }

 private:
  struct Lack {  // of a device that is to have it: what was accepted, as anybody was told or as the log has it
    std::uint32_t device = 0;
    ConversationId conversation;
    Seq up_to;
    Seq head;
  };
  // `told` ends it by false.
  void each_lack(const std::function<bool(const Lack&)>& told) const;

  const Model* model_;
  struct Conversation {
    std::vector<std::uint64_t> events;  // by seq - 1: hash of its text; 0: not known yet
    Seq head;                           // the highest that anyone was told of
  };
  void hold(Time at, const ConversationId& conversation, Seq seq, const std::string& text, const char* how);

  std::map<std::uint32_t, UserId> owners_;
  std::map<ConversationId, Conversation> conversations_;
  [[nodiscard]] Seq seen(std::uint32_t device, const ConversationId& conversation) const;

  // By device: its messages, and up to where it has each conversation.
  HashIndex<std::uint32_t, HashIndex<std::pair<ConversationId, OutboxSeq>, std::string>> sent_;
  HashIndex<std::uint32_t, HashIndex<ConversationId, Seq>> seen_;
  HashIndex<ConversationId, Conversation*> by_id_;  // into the map, which is for going through them in order
  BlocksSaid blocks_;
  std::uint64_t accepted_ = 0;
};

}  // namespace chasqui::sim
