// I3. Every event shown was sent by that device of that user into that conversation, with those bytes.
#pragma once

#include <map>
#include <set>
#include <string>

#include "core/base/hash_index.h"
#include "sim/invariants/invariant.h"

namespace chasqui::sim {

class NothingInvented : public Invariant {
 public:
  NothingInvented() : Invariant(3, "nothing invented") {}
  void see(Time at, const Fact& fact) override;

 private:
  std::map<std::uint32_t, UserId> owners_;
  std::map<std::uint32_t, std::set<DeviceId>> ids_;
  struct Sent {
    ConversationId conversation;
    std::set<std::uint32_t> devices;  // who wrote it, and those whose journal was copied while it waited there
  };
  HashIndex<std::string, Sent> sent_;
};

}  // namespace chasqui::sim
