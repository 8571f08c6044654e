// A new device in place of one whose numbers cannot be trusted any more (a restored backup, a clone), in one step:
// there is no moment with both or with neither. Told by the new secret's hash, so that a retry is the same device.
#include "core/shard/commands/commands.h"
#include "core/shard/devices.h"

namespace chasqui::shard {

Effects renew_device(const ShardView& view, const log::RenewDevice& command) {
  if (std::string why = device_fault("", command.secret_hash()); !why.empty()) {
    return Effects::refused(client::INVALID_ARGUMENT, std::move(why));
  }
  const UserId user(command.user());
  const DeviceId old(command.device());
  const state::Account* stored = view.account(user);
  if (stored == nullptr) return no_such_user(user);
  // Before the old device is looked for: a retry comes when it is gone.
  if (const auto known = device_by_secret(view, user, *stored, command.secret_hash())) {
    return Effects::only(AccountCreated{user, *known});
  }
  if (!stands(*stored, old)) {
    return Effects::refused(client::NOT_FOUND,
                            absl::StrCat("device ", old.value(), " is logged out already: log in with the password"));
  }

  Effects effects;
  state::Account account = *stored;
  std::string name = view.device(user, old)->name();
  drop_device(view, user, account, old, effects);
  const DeviceId device = put_new_device(view, user, account, std::move(name), command.secret_hash(), effects);
  effects.put(keys::account(view.shard(), user), std::move(account));
  effects.reply = AccountCreated{user, device};
  return effects;
}

}  // namespace chasqui::shard
