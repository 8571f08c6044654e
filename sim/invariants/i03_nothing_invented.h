// I3. Every event shown was sent by that device of that user into that conversation, with those bytes.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"
#include "sim/model/model.h"

namespace chasqui::sim {

class NothingInvented : public Invariant {
 public:
  explicit NothingInvented(const Model* model = nullptr) : Invariant(3, "nothing invented"), model_(model) {}
  void see(Time at, const Fact& fact) override;

 private:
  [[nodiscard]] bool is_for(const EventSeen& seen);

  const Model* model_;
  HashIndex<std::uint32_t, UserId> owners_;
  HashIndex<std::uint32_t, std::set<DeviceId>> ids_;
  struct Sent {
    ConversationId conversation;
    std::vector<std::uint32_t> devices;  // who wrote it, and those whose journal was copied while it waited there
  };
  HashIndex<std::uint64_t, Sent> sent_;  // by the text's hash
  std::map<UserId, std::set<DeviceId>> hostile_ids_;
  std::set<std::tuple<ConversationId, UserId, std::string>> hostile_sent_;
};

}  // namespace chasqui::sim
