// How somebody becomes a member by himself: by a link, by asking, as one who is invited.
#include <algorithm>
#include <utility>

#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/keys.h"
#include "core/shard/group.h"
#include "core/shard/group_change.h"

namespace chasqui::shard {

bool is_request(const state::Group& group, std::uint64_t user) {
  return std::find(group.requests().begin(), group.requests().end(), user) != group.requests().end();
}

const state::Link* open_link(const Changer& by, const std::string& secret) {
  if (by.group == nullptr || by.group->members().empty() || secret.size() != bounds::group_link_secret_bytes) {
    return nullptr;
  }
  const Digest hash = blake2b_256(secret);
  for (const state::Link& link : by.group->links()) {
    if (!equal_in_constant_time(link.secret_hash(), view(hash))) continue;
    const bool is_late = link.expires_ms() != 0 && by.view.time().ms >= link.expires_ms();
    const bool is_used_up = link.uses_max() != 0 && link.uses() >= link.uses_max();
    return is_late || is_used_up || is_banned(*by.group, by.user) ? nullptr : &link;
  }
  return nullptr;
}

bool is_invited(const Changer& by) {
  if (by.group == nullptr || is_banned(*by.group, by.user)) return false;
  const auto& invited = by.group->invited();
  return std::find(invited.begin(), invited.end(), by.user.value()) != invited.end();
}

bool may_join(const Changer& by, const client::JoinByLink& join) {
  return join.secret().empty() ? is_invited(by) : open_link(by, join.secret()) != nullptr;
}

bool asks_approval(const Changer& by, const client::GroupChange& change) {
  if (!change.has_join() || by.member != nullptr) return false;
  const state::Link* link = open_link(by, change.join().secret());
  return link != nullptr && link->asks_approval();
}

void note_request(const Changer& by, Effects& effects) {
  CHASQUI_ASSERT(by.group != nullptr, "a link is a group's");
  if (is_request(*by.group, by.user.value())) return;
  state::Group group = *by.group;
  group.add_requests(by.user.value());
  if (static_cast<std::uint64_t>(group.requests_size()) > bounds::group_requests_max) {
    group.mutable_requests()->erase(group.requests().begin());
  }
  effects.put(keys::group(by.view.shard(), by.conversation), std::move(group));
}

}  // namespace chasqui::shard
