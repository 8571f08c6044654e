#include "sim/invariants/i19_revoked.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void Revoked::see(Time at, const Fact& fact) {
  if (const auto* revoked = std::get_if<DeviceRevoked>(&fact)) {
    since_.try_emplace({revoked->node, revoked->user, revoked->id}, at);
    check(true, at, [] { return std::string(); });
  } else if (const auto* told = std::get_if<ToldDevice>(&fact)) {
    const auto since = since_.find({told->node, told->user, told->id});
    if (since == since_.end()) return;
    check(at <= since->second + bound, at, [&] {
      return absl::StrCat("node ", told->node, " told device ", told->id.value(), " of user ", told->user.value(),
                          " something ", (at - since->second) / millisecond, " ms after it was logged out");
    });
  }
}

}  // namespace chasqui::sim
