// What changes a group: may it be, and what becomes of the group then. Pure; what is written is said as Effects.
//
// Whoever acts on another member has a higher role than that one. An admin (or the owner) removes, bans, mutes, gives
// links and answers requests; the owner alone names admins, passes the group on and deletes it; title and picture, and
// who may be added by whom, are as the group's permissions say.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/shard/effects.h"
#include "core/shard/view.h"
#include "proto/client.pb.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

// Who wants to change which group.
struct Changer {
  const ShardView& view;
  const ConversationId& conversation;
  UserId user;
  const state::Group* group = nullptr;    // nullptr: there is none
  const state::Member* member = nullptr;  // nullptr: the user is none
  // Of a change that adds users, ascending: who may not be added and is invited, and who of them may be told.
  std::span<const std::uint64_t> not_added = {};
  std::span<const std::uint64_t> invitations = {};
};

// Why that may not be, a client::Code; nullopt: it may. Reads only.
[[nodiscard]] std::optional<std::uint32_t> refuse_change(const Changer& by, const client::GroupChange& change);

// A link of that secret that works now, for somebody who may join. nullptr: there is none.
[[nodiscard]] const state::Link* open_link(const Changer& by, const std::string& secret);
[[nodiscard]] bool is_invited(const Changer& by);
[[nodiscard]] bool is_request(const state::Group& group, std::uint64_t user);  // to be let in
// By such a link, or as one who is invited.
[[nodiscard]] bool may_join(const Changer& by, const client::JoinByLink& join);
// By such a link one does not join at once: the request is noted, and the command is refused with
// FAILED_PRECONDITION.
[[nodiscard]] bool asks_approval(const Changer& by, const client::GroupChange& change);
void note_request(const Changer& by, Effects& effects);

// Does it, as the event at the head of `header`. `change` becomes what the event says. The group as it is then, which
// the caller writes; `gone`: who was a member until then.
[[nodiscard]] state::Group carry_out_change(const Changer& by, client::GroupChange& change, const state::Header& header,
                                            std::vector<UserId>& gone, Effects& effects);

// A refusal in words: of a change, or of a message (nullptr).
[[nodiscard]] std::string refusal_words(std::uint32_t code, const client::GroupChange* change);

}  // namespace chasqui::shard
