// What an event says about an earlier one of its conversation: replies, edits, deletions, reactions, pins and votes
// (client.proto, About).
//
// An event is never rewritten but by what erases it, a deletion or its expiry: that takes the payload of a message and
// of its edits and leaves seq and digest. A message only counts its edits, and they name each other backwards, so that
// who erases them finds them all without a scan. At most bounds::edits_per_message_max of them: that stays bounded.
#pragma once

#include <cstdint>
#include <optional>

#include "core/shard/effects.h"
#include "core/shard/view.h"
#include "proto/log.pb.h"

namespace chasqui::shard {

// Why that command may not be stored, a client::Code: NOT_FOUND: there is no such message. PERMISSION_DENIED: it is
// another's. FAILED_PRECONDITION: erased, too old, edited too often, no poll, pinned or not, or too many pins.
// INVALID_ARGUMENT: no such option. UNIMPLEMENTED: of an unknown kind. nullopt: it may; `target` is what it is about,
// if it is about anything. `header`: as it stands. `is_admin`: of the group: may delete others' messages.
[[nodiscard]] std::optional<std::uint32_t> refuse_about(const ShardView& view, const ConversationId& conversation,
                                                        const state::Header& header, const log::Send& command,
                                                        std::optional<client::Event>& target, bool is_admin = false);

// `event`, made of that command, is about to be stored: its payload, what it does to its target, to the header, and to
// itself, and when it disappears.
void carry_out(const ShardView& view, const ConversationId& conversation, const log::Send& command,
               std::optional<client::Event> target, client::Event& event, state::Header& header, Effects& effects);

// The payloads of a message and of its edits go, by the event `by`, or by expiry if that is 0.
void erase_message(const ShardView& view, const ConversationId& conversation, client::Event message, Seq by,
                   state::Header& header, Effects& effects);

}  // namespace chasqui::shard
