// Groups: what a person does in them. All of it is drawn from the item, so a plan with an item less runs as before.
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "sim/draw.h"
#include "sim/payload_text.h"
#include "sim/world.h"

namespace chasqui::sim {
namespace {

// One draw made into the next.
std::uint64_t more(std::uint64_t& bits) {
  bits = mix(bits, 0x9e3779b97f4a7c15ULL);
  return bits;
}

client::GroupRole drawn_role(std::uint64_t bits) {
  return static_cast<client::GroupRole>(below(bits, 3));
}

void draw_permissions(std::uint64_t& bits, client::GroupPermissions& may) {
  if (chance_ppm(more(bits), 100'000)) may.set_send(drawn_role(more(bits)));
  if (chance_ppm(more(bits), 500'000)) may.set_edit(drawn_role(more(bits)));
  if (chance_ppm(more(bits), 300'000)) may.set_add(drawn_role(more(bits)));
  may.set_history_to_newcomers(chance_ppm(more(bits), 250'000));
}

}  // namespace

void World::group_item(Device& device, const Item& item) {
  if (!device.up()) return;
  if (item.kind == ItemKind::Group) return create_group(device, item);
  std::uint64_t bits = noise(Concern::Groups, item.object, item.subject);
  const ConversationId group = drawn_group(device, more(bits));
  if (group == ConversationId()) return;
  if (item.kind == ItemKind::GroupTalk) return send_text(device, group, item.size);
  client::GroupChange change;
  drawn_change(device, group, more(bits), change);
  if (change.what_case() != client::GroupChange::WHAT_NOT_SET) send_change(device, group, std::move(change));
}

void World::create_group(Device& device, const Item& item) {
  std::uint64_t bits = noise(Concern::Groups, item.object, item.size);
  const ConversationId id = device.client->draw_group();
  client::GroupChange change;
  client::CreateGroup& create = *change.mutable_create();
  create.set_title(absl::StrCat("group ", groups_.size() + 1));
  draw_permissions(bits, *create.mutable_permissions());
  std::set<UserId> members{device.credentials.user};
  const std::uint64_t size = std::min<std::uint64_t>(item.size, 1'024);
  for (std::uint64_t tries = 0; members.size() < size && tries < 2 * size; ++tries) {
    UserId user = drawn_user(device, more(bits));
    // Beyond those who live here: people who are no more, or never were.
    if (tries >= size || !user) user = UserId(1 + (more(bits) >> 12));
    if (members.insert(user).second) create.add_members(user.value());
  }
  groups_.push_back({id, plan_.cluster_of(device.person), {}});
  send_change(device, id, std::move(change));
}

void World::send_change(Device& device, const ConversationId& group, client::GroupChange change) {
  ++device.messages;
  std::string tag = absl::StrCat("change ", device.messages, " of device ", device.index);
  set_name(change, tag);
  client::Outputs outputs;
  const std::uint64_t before = device.handed;
  const auto number = device.client->send_change(device.now(now_), group, change, outputs);
  if (number.ok()) {
    ++report_.sent;
    see(MessageSent{device.index, group, *number, tag});
    device.doubts.push_back({before, before + outputs.persist.size(), group, {}, std::move(tag)});
  }
  carry_out(device, outputs);
}

// Mostly one that this device has seen; now and then any, or one that nobody has created.
ConversationId World::drawn_group(const Device& device, std::uint64_t bits) const {
  std::vector<ConversationId> known;
  for (const auto& [conversation, seq] : device.seen) {
    if (conversation.is_group()) known.push_back(conversation);
  }
  if (!known.empty() && !chance_ppm(more(bits), 50'000)) return known[below(more(bits), known.size())];
  if (chance_ppm(more(bits), 300'000)) {
    const UserId somebody = drawn_user(device, more(bits));
    return somebody ? ConversationId::group(somebody, more(bits)) : ConversationId();
  }
  std::vector<ConversationId> here;
  for (const Group& group : groups_) {
    if (group.cluster == plan_.cluster_of(device.person)) here.push_back(group.id);
  }
  return here.empty() ? ConversationId() : here[below(more(bits), here.size())];
}

// Somebody of the same cluster; 0: who has no account yet.
UserId World::drawn_user(const Device& device, std::uint64_t bits) const {
  const std::uint32_t clusters = plan_.clusters();
  const std::uint32_t home = plan_.cluster_of(device.person);
  const std::uint64_t here = (users_.size() - home + clusters - 1) / clusters;
  return users_[home + clusters * below(bits, here)];
}

void World::drawn_change(const Device& device, const ConversationId& group, std::uint64_t bits,
                         client::GroupChange& change) {
  const std::uint64_t kind = below(more(bits), 100);
  const UserId whom = drawn_user(device, more(bits));
  const auto known = std::find_if(groups_.begin(), groups_.end(), [&](const Group& one) { return one.id == group; });
  if (!whom) return;
  if (kind < 28) {
    change.mutable_add()->add_users(whom.value());
    const UserId other = drawn_user(device, more(bits));
    if (other && other != whom) change.mutable_add()->add_users(other.value());
  } else if (kind < 48) {
    change.mutable_remove()->set_user(whom.value());
    change.mutable_remove()->set_ban(kind >= 44);
  } else if (kind < 56) {
    change.mutable_leave();
  } else if (kind < 64) {
    change.mutable_edit()->set_title(absl::StrCat("title ", kind));
  } else if (kind < 74) {
    change.mutable_set_role()->set_user(whom.value());
    change.mutable_set_role()->set_role(drawn_role(more(bits)));
  } else if (kind < 78) {
    draw_permissions(bits, *change.mutable_set_permissions());
  } else if (kind < 82) {
    const bool is_mute = chance_ppm(more(bits), 600'000);
    change.mutable_mute()->set_user(whom.value());
    change.mutable_mute()->set_until_ms(is_mute ? device.now(now_).wall.ms + 5'000 : 0);
  } else if (kind < 85) {
    change.mutable_lift_ban()->set_user(whom.value());
  } else if (kind < 90) {
    std::string secret = absl::StrCat("secret", bits, "................").substr(0, 16);
    client::CreateLink& link = *change.mutable_create_link();
    link.set_secret_hash(std::string(view(blake2b_256(secret))));
    link.set_asks_approval(chance_ppm(more(bits), 300'000));
    link.set_uses_max(static_cast<std::uint32_t>(below(more(bits), 4)));
    if (known != groups_.end()) known->secrets.push_back(std::move(secret));
  } else if (kind < 95) {
    const bool has_link = known != groups_.end() && !known->secrets.empty();
    const std::string secret =
        has_link ? known->secrets[below(more(bits), known->secrets.size())] : std::string(16, '?');
    // Or none: as one who is invited, be it so or not.
    change.mutable_join()->set_secret(chance_ppm(more(bits), 400'000) ? "" : secret);
  } else if (kind < 98) {
    change.mutable_answer()->set_user(whom.value());
    change.mutable_answer()->set_admit(kind != 97);
  } else if (kind < 99) {
    change.mutable_delete_group();
  } else {
    change.mutable_create()->set_title("once more");
  }
}

}  // namespace chasqui::sim
