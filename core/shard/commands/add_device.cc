// A login: one more device, told by its secret's hash, so that a repeated login is the same device.
#include "core/base/bounds.h"
#include "core/shard/commands/commands.h"
#include "core/shard/devices.h"

namespace chasqui::shard {

Effects add_device(const ShardView& view, const log::AddDevice& command) {
  if (std::string why = device_fault(command.device_name(), command.secret_hash()); !why.empty()) {
    return Effects::refused(client::INVALID_ARGUMENT, std::move(why));
  }
  const UserId user(command.user());
  const state::Account* stored = view.account(user);
  if (stored == nullptr) return no_such_user(user);
  if (const auto known = device_by_secret(view, user, *stored, command.secret_hash())) {
    return Effects::only(AccountCreated{user, *known});
  }
  constexpr int devices_max = static_cast<int>(Limits{}.devices_max);
  if (stored->devices_size() >= devices_max) {
    return Effects::refused(client::RESOURCE_EXHAUSTED,
                            absl::StrCat("user has ", stored->devices_size(), " of at most ", devices_max,
                                         " devices: log one of them out, then try again"));
  }

  Effects effects;
  state::Account account = *stored;
  const DeviceId device = put_new_device(view, user, account, command.device_name(), command.secret_hash(), effects);
  effects.put(keys::account(view.shard(), user), std::move(account));
  effects.reply = AccountCreated{user, device};
  return effects;
}

}  // namespace chasqui::shard
