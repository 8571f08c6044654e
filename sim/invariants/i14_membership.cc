#include "sim/invariants/i14_membership.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void Membership::see(Time at, const Fact& fact) {
  if (const auto* joined = std::get_if<DeviceJoined>(&fact)) {
    owners_[joined->device] = joined->user;
  } else if (const auto* seen = std::get_if<EventSeen>(&fact)) {
    if (!seen->conversation.is_group() || !model_.fed()) return;
    const UserId user = owners_[seen->device];
    check(model_.sees(seen->conversation, user, seen->seq), at, [&] {
      return absl::StrCat("device ", seen->device, " was shown ", seen->conversation.hex(), " seq ", seen->seq.value(),
                          ", at which user ", user.value(), " was no member");
    });
  } else if (const auto* told = std::get_if<EventTold>(&fact)) {
    check(model_.sees(told->conversation, told->user, told->seq), at, [&] {
      return absl::StrCat("node ", told->node, " told user ", told->user.value(), " of ", told->conversation.hex(),
                          " seq ", told->seq.value(), ", at which they were no member");
    });
  }
}

}  // namespace chasqui::sim
