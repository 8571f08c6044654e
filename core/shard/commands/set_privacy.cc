// Who may see that a user is there, who may make the user a member of a group, and whether reading is told.
#include "core/base/keys.h"
#include "core/shard/commands/commands.h"

namespace chasqui::shard {

Effects set_privacy(const ShardView& view, const log::SetPrivacy& command) {
  const UserId user(command.user());
  const state::Account* stored = view.account(user);
  if (stored == nullptr) return Effects::refused(client::NOT_FOUND, "there is no such account");
  const bool is_known = client::Audience_IsValid(static_cast<int>(command.presence())) &&
                        client::Audience_IsValid(static_cast<int>(command.adds()));
  if (!is_known) {
    return Effects::refused(client::INVALID_ARGUMENT, "presence and adds are for EVERYONE, CONTACTS or NOBODY");
  }
  const std::uint32_t presence = command.has_presence() ? command.presence() : stored->presence();
  const std::uint32_t adds = command.has_adds() ? command.adds() : stored->adds();
  const bool reads_private = command.has_read_receipts() ? !command.read_receipts() : stored->reads_private();
  Effects effects = Effects::only(
      PrivacyNow{static_cast<client::Audience>(presence), static_cast<client::Audience>(adds), reads_private});
  const bool moves =
      presence != stored->presence() || adds != stored->adds() || reads_private != stored->reads_private();
  if (!moves) return effects;
  state::Account account = *stored;
  account.set_presence(presence);
  account.set_adds(adds);
  if (reads_private != stored->reads_private()) {
    account.set_reads_private(reads_private);
    account.set_privacy_changes(stored->privacy_changes() + 1);
    effects.consequences.push_back(PrivacyMoved{user, account.privacy_changes(), reads_private});
  }
  effects.put(keys::account(view.shard(), user), std::move(account));
  return effects;
}

}  // namespace chasqui::shard
