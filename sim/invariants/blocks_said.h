// Who has ever asked to block whom, as far as devices say. A judge without a model does not know what was withheld:
// what a device of such a user lacks in that conversation may have been.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <variant>

#include "sim/history.h"

namespace chasqui::sim {

class BlocksSaid {
 public:
  void see(const Fact& fact) {
    if (const auto* joined = std::get_if<DeviceJoined>(&fact)) {
      users_[joined->device] = joined->user;
    } else if (const auto* asked = std::get_if<GateAsked>(&fact); asked != nullptr && asked->blocks) {
      const auto user = users_.find(asked->device);
      if (user == users_.end() || user->second == asked->other) return;
      said_.insert({user->second, ConversationId::direct(user->second, asked->other)});
    }
  }
  [[nodiscard]] bool by_user(UserId user, const ConversationId& conversation) const {
    return said_.contains({user, conversation});
  }
  [[nodiscard]] bool by(std::uint32_t device, const ConversationId& conversation) const {
    const auto user = users_.find(device);
    return user != users_.end() && by_user(user->second, conversation);
  }

 private:
  std::map<std::uint32_t, UserId> users_;
  std::set<std::pair<UserId, ConversationId>> said_;
};

}  // namespace chasqui::sim
