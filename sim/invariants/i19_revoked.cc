#include "sim/invariants/i19_revoked.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void Revoked::see(Time at, const Fact& fact) {
  if (cluster_) see_trouble(at, fact);
  if (const auto* revoked = std::get_if<DeviceRevoked>(&fact)) {
    since_.try_emplace({revoked->user, revoked->id}, at);
    check(true, at, [] { return std::string(); });
  } else if (const auto* told = std::get_if<ToldDevice>(&fact)) {
    const auto since = since_.find({told->user, told->id});
    if (since == since_.end()) return;
    Time until = since->second + bound;
    if (cluster_) {
      if (!told->shows || !cut_.empty()) return;
      until = std::max({since->second, last_trouble_, troubled_until_}) + bound_of_cluster;
    }
    check(at <= until, at, [&] {
      return absl::StrCat("node ", told->node, " told device ", told->id.value(), " of user ", told->user.value(),
                          " something ", (at - since->second) / millisecond, " ms after it was logged out");
    });
  }
}

void Revoked::see_trouble(Time at, const Fact& fact) {
  if (const auto* path = std::get_if<PathChanged>(&fact)) {
    last_trouble_ = at;
    if (path->open) cut_.erase({path->from, path->to});
    if (!path->open) cut_[{path->from, path->to}] = true;
  } else if (const auto* slow = std::get_if<PathSlowed>(&fact)) {
    troubled_until_ = std::max(troubled_until_, at + slow->length);
  } else if (const auto* hindered = std::get_if<NodeHindered>(&fact)) {
    troubled_until_ = std::max(troubled_until_, at + hindered->length);
  } else if (std::holds_alternative<NodeCrashed>(fact) || std::holds_alternative<NodeStarted>(fact)) {
    last_trouble_ = at;
  }
}

}  // namespace chasqui::sim
