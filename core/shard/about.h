// What an event says about an earlier one of its conversation: replies, edits, deletions, reactions (client.proto,
// About).
//
// An event is never rewritten but by a deletion, which takes the payload of a message and of its edits and leaves seq
// and digest; a message only counts its edits, and they name each other backwards, so that a deletion finds them all
// without a scan. At most bounds::edits_per_message_max of them: a deletion stays bounded.
#pragma once

#include <cstdint>
#include <optional>

#include "core/shard/effects.h"
#include "core/shard/view.h"
#include "proto/log.pb.h"

namespace chasqui::shard {

// Why that command may not be stored, a client::Code: NOT_FOUND: there is no such message. PERMISSION_DENIED: it is
// another's. FAILED_PRECONDITION: erased, too old, or edited too often. UNIMPLEMENTED: of an unknown kind. nullopt: it
// may; `target` is what it is about, if it is about anything. `is_admin`: of the group: may delete others' messages.
[[nodiscard]] std::optional<std::uint32_t> refuse_about(const ShardView& view, const ConversationId& conversation,
                                                        const log::Send& command, std::optional<client::Event>& target,
                                                        bool is_admin = false);

// `event`, made of that command, is about to be stored: what it does to its target, and to itself.
void carry_out_about(const ShardView& view, const ConversationId& conversation, client::Event& event,
                     client::Event target, Effects& effects);

}  // namespace chasqui::shard
