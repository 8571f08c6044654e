// The commands: each a pure function from what may be seen to what is to be done, in the file of its name.
//
// Total: every command, from anyone, in any state, gets an answer. Refusals come first, then one straight path.
#pragma once

#include "core/shard/effects.h"
#include "core/shard/view.h"
#include "proto/log.pb.h"

namespace chasqui::shard {

[[nodiscard]] Effects create_account(const ShardView& view, const log::CreateAccount& command);
[[nodiscard]] Effects add_device(const ShardView& view, const log::AddDevice& command);
[[nodiscard]] Effects remove_device(const ShardView& view, const log::RemoveDevice& command);
[[nodiscard]] Effects renew_device(const ShardView& view, const log::RenewDevice& command);
[[nodiscard]] Effects touch_device(const ShardView& view, const log::TouchDevice& command);
[[nodiscard]] Effects send(const ShardView& view, const log::Send& command);
[[nodiscard]] Effects mark(const ShardView& view, const log::Mark& command);
[[nodiscard]] Effects notify(const ShardView& view, const log::Notify& command);
[[nodiscard]] Effects move_cursor(const ShardView& view, const log::MoveCursor& command);
[[nodiscard]] Effects check_hash(const ShardView& view, const log::CheckHash& command);
[[nodiscard]] Effects park(const ShardView& view, const log::Park& command);
[[nodiscard]] Effects unpark(const ShardView& view, const log::Unpark& command);
[[nodiscard]] Effects expire(const ShardView& view, const log::Expire& command);
[[nodiscard]] Effects hide(const ShardView& view, const log::Hide& command);
[[nodiscard]] Effects set_privacy(const ShardView& view, const log::SetPrivacy& command);
[[nodiscard]] Effects set_gate(const ShardView& view, const log::SetGate& command);

}  // namespace chasqui::shard
