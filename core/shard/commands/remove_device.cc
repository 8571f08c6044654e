// A logout: the device's token is out at once and for ever. A device that is gone already is no error.
#include "core/shard/commands/commands.h"
#include "core/shard/devices.h"

namespace chasqui::shard {

Effects remove_device(const ShardView& view, const log::RemoveDevice& command) {
  const UserId user(command.user());
  const DeviceId device(command.device());
  const state::Account* stored = view.account(user);
  if (stored == nullptr) return no_such_user(user);
  if (!stands(*stored, device)) return Effects::only(Done{});

  Effects effects;
  state::Account account = *stored;
  drop_device(view, user, account, device, effects);
  effects.put(keys::account(view.shard(), user), std::move(account));
  return effects;
}

}  // namespace chasqui::shard
