// Gates of a direct conversation: what each member lets through from the other, and what becomes of it where one lets
// nothing through (ARCHITECTURE.md section 6, "Gates"; docs/decisions/0013-gates.md).
//
// A member's gate is made of two facts: whether they have written here, which this shard knows, and what they have said
// of the other (their stance), which their own shard tells, by its feed and when it is asked; the higher version wins.
//   stance BLOCKED: the gate is blocked. ACCEPTED, or they have written: it is open. Else all that comes is a request.
//
// Invariants: (1) an event that was taken while its reader's gate was blocked is withheld from him for ever; so is an
// edit, a reaction, a vote or a pin on such an event. (2) Its sender cannot tell: what he is answered and served is
// what he would be without a block. (3) Marks of somebody are told to the other only while his own gate is open and the
// other's is not blocked; what the other was told before stands meanwhile, and after a block until a mark moves again.
// (4) So do the times of these: what a mark passed unseen, it passes when the other hears of it.
#pragma once

#include <cstdint>

#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/shard/effects.h"
#include "core/shard/receipts.h"
#include "proto/client.pb.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

[[nodiscard]] client::Gate gate_of(const state::DirectMember& member);
// As the user's own index knows it. Of what is no direct conversation of two it is open.
[[nodiscard]] client::Gate gate_of(const state::Index& entry, const ConversationId& conversation);
[[nodiscard]] bool is_invitation(const state::Index& entry);
// The other one; with oneself: oneself.
[[nodiscard]] UserId other_of(const ConversationId& conversation, UserId user);

// Does what `sender` says now pass the other's gate?
[[nodiscard]] bool is_withheld(const state::Header& header, const ConversationId& conversation, UserId sender);
// Do `user`'s gate and the other's let marks of `user` through? (What the other is told, then: core/shard/receipts.h.)
[[nodiscard]] bool tells_marks(const state::Header& header, const ConversationId& conversation, UserId user);
// `user`'s marks have just moved; `before`: what the other was told until then. He hears of them as they are from here
// on, if he may.
void marks_moved(state::Header& header, const ConversationId& conversation, UserId user, const ToldMarks& before,
                 LogTime time, Effects& effects);

// What `user` has said of the other, as of that version.
void learn_stance(state::Header& header, const ConversationId& conversation, UserId user, std::uint32_t stance,
                  std::uint64_t version, LogTime time, Effects& effects);
// `user` has written here. True: for the first time.
bool learn_written(state::Header& header, const ConversationId& conversation, UserId user, LogTime time,
                   Effects& effects);

// The event at the head is withheld, or it is not; `as_message`: it counts as one. Up to each event it is known how
// many messages there are that a member does not see.
void note_withheld(const ConversationId& conversation, bool as_message, client::Event& event, state::Header& header);
[[nodiscard]] std::uint64_t withheld_up_to(const client::Event& event, const ConversationId& conversation,
                                           UserId reader);
// A number of these stands in it, which nobody is told.
[[nodiscard]] bool holds_withheld(const client::Event& event);

// An event of a direct conversation as one of its members sees it.
[[nodiscard]] client::Event as_seen(client::Event event, UserId reader);
// As both see it; false: they do not see it alike.
[[nodiscard]] bool is_seen_alike(const client::Event& event);
[[nodiscard]] bool sees_pin(const state::Header& header, std::uint64_t seq, UserId reader);

}  // namespace chasqui::shard
