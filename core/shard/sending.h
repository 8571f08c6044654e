// What every command does that appends an event, be it into a direct conversation or into a group: it is numbered by
// its device, answered alike for ever, and becomes an event with the next seq, linked into the chain.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/ids.h"
#include "core/shard/effects.h"
#include "core/shard/view.h"
#include "proto/log.pb.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

// A number that was taken (at most row.last()): the same command hears its first answer, another one ALREADY_EXISTS.
// `why`: for people, of a refusal that is kept; empty: it says no more than the code.
[[nodiscard]] Effects repeated_answer(const state::SenderRow& row, OutboxSeq number, std::uint64_t digest,
                                      std::string_view why);

// A number above the next: OUT_OF_RANGE.
[[nodiscard]] Effects leaves_a_gap(OutboxSeq number, OutboxSeq next);

// The answer to a kept refusal, the first time and at each retry: equal, since it is made of the code and of the
// command alone.
[[nodiscard]] Refused kept_refusal(std::uint32_t code, OutboxSeq next, std::string_view why);

// Codes come from our own gateways; one that this program does not know keeps its place as UNKNOWN.
[[nodiscard]] std::uint32_t known_code(std::uint32_t code);

// Raises the head and grows the chain; the event that the command becomes, without its body.
[[nodiscard]] client::Event next_event(const ShardView& view, const log::Send& command, state::Header& header);

// The event as it is kept: its row, and EventStored.
void store_event(const ShardView& view, const ConversationId& conversation, const client::Event& event,
                 Audience audience, Effects& effects);

}  // namespace chasqui::shard
