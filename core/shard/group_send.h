// A message into a group, or a change of it (core/shard/commands/send.cc has the rules of numbering).
#pragma once

#include "core/base/ids.h"
#include "core/shard/effects.h"
#include "core/shard/view.h"
#include "proto/log.pb.h"

namespace chasqui::shard {

// The caller has checked shape: a group's id, a device, a number, a digest.
[[nodiscard]] Effects send_to_group(const ShardView& view, const ConversationId& conversation,
                                    const log::Send& command);

// A mark of a history that is still to come.
[[nodiscard]] Effects unknown_epoch(const ShardView& view, HistoryEpoch epoch);

// A member's marks there, cut at what he sees; likewise of somebody who was one.
[[nodiscard]] Effects mark_in_group(const ShardView& view, const ConversationId& conversation,
                                    const log::Mark& command);

}  // namespace chasqui::shard
