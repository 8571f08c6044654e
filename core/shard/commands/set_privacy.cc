// Who may see that a user is there, and whether reading is told.
#include "core/base/keys.h"
#include "core/shard/commands/commands.h"

namespace chasqui::shard {

Effects set_privacy(const ShardView& view, const log::SetPrivacy& command) {
  const UserId user(command.user());
  const state::Account* stored = view.account(user);
  if (stored == nullptr) return Effects::refused(client::NOT_FOUND, "there is no such account");
  const bool is_known = client::Audience_IsValid(static_cast<int>(command.presence()));
  if (!is_known) return Effects::refused(client::INVALID_ARGUMENT, "presence is for EVERYONE or for NOBODY");
  const std::uint32_t wanted = command.has_presence() ? command.presence() : stored->presence();
  const bool reads_private = command.has_read_receipts() ? !command.read_receipts() : stored->reads_private();
  Effects effects = Effects::only(PrivacyNow{static_cast<client::Audience>(wanted), reads_private});
  if (wanted == stored->presence() && reads_private == stored->reads_private()) return effects;
  state::Account account = *stored;
  account.set_presence(wanted);
  if (reads_private != stored->reads_private()) {
    account.set_reads_private(reads_private);
    account.set_privacy_changes(stored->privacy_changes() + 1);
    effects.consequences.push_back(PrivacyMoved{user, account.privacy_changes(), reads_private});
  }
  effects.put(keys::account(view.shard(), user), std::move(account));
  return effects;
}

}  // namespace chasqui::shard
