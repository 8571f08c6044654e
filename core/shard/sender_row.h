// Sending once: what a conversation remembers of each device that has sent into it (ARCHITECTURE.md section 6).
//
// A device numbers its sends 1, 2, 3, ... and number n is taken only after n - 1. Of the last 64 numbers the answer and
// 8 bytes of the command's digest are kept, so that a retry hears its first answer and another command under an old
// number is noticed. `last` is kept for ever: nothing is ever stored twice, however late it comes.
//
// At most sender_windows_max devices of a member keep their window; the one that has been silent for longest forgets
// its answers (never its number) when another needs room: a retry of it is then told to renew its device, like one from
// below the window. More than a user may have devices at a time, so only devices that have gone lose theirs.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

constexpr int sender_windows_max = 16;
static_assert(Limits{}.devices_max < sender_windows_max, "a device that stands never loses its window");

// What is compared to tell a retry from another command under the same number: kind, target and content.
[[nodiscard]] std::uint64_t command_digest(std::string_view kind, const ConversationId& conversation,
                                           std::string_view payload_digest);

// The row of `device`, nullptr if it has never sent there.
[[nodiscard]] const state::SenderRow* find_sender(const state::DirectMember& member, DeviceId device);

// The number that the conversation takes next from this device.
[[nodiscard]] OutboxSeq next_outbox_seq(const state::SenderRow* row);

// What was answered to `number`, which is at most row.last(); nullptr: it is below the window.
[[nodiscard]] const state::Sent* answered(const state::SenderRow& row, OutboxSeq number);

// Takes the next number with its answer: the one way a sender row changes.
void take(state::SenderRow& row, state::Sent answer);
void take(state::DirectMember& member, DeviceId device, state::Sent answer);

}  // namespace chasqui::shard
