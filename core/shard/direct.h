// A direct conversation: the header of a pair that has not talked yet, and which of its two members is whom.
#pragma once

#include <string>

#include "core/base/ids.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

// The header as stored, or that of a conversation in which nothing has happened yet.
[[nodiscard]] state::Header header_or_new(const state::Header* stored, const ConversationId& conversation);

// Of a member: has_direct_member(user) holds.
[[nodiscard]] state::DirectMember& member(state::Header& header, const ConversationId& conversation, UserId user);
// nullptr: the conversation has no header yet.
[[nodiscard]] const state::DirectMember* member(const state::Header* header, const ConversationId& conversation,
                                                UserId user);

// The one sentence to whoever is no member, whether the conversation exists or not.
[[nodiscard]] std::string not_a_member(const ConversationId& conversation);

}  // namespace chasqui::shard
