// When a device was last seen, to the hour of log time. Only grows; nothing is written if it says nothing new, and a
// device that is gone is no error: its logout may have overtaken this.
#include "core/shard/commands/commands.h"
#include "core/shard/devices.h"

namespace chasqui::shard {

Effects touch_device(const ShardView& view, const log::TouchDevice& command) {
  const UserId user(command.user());
  const DeviceId id(command.device());
  const state::Device* stored = view.device(user, id);
  const std::int64_t seen_ms = to_the_hour(view.time());
  if (stored == nullptr || stored->last_seen_ms() >= seen_ms) return Effects::only(Done{});

  Effects effects;
  state::Device device = *stored;
  device.set_last_seen_ms(seen_ms);
  effects.put(keys::device(view.shard(), user, id), std::move(device));
  return effects;
}

}  // namespace chasqui::shard
