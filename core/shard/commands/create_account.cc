// Handle, user and first device in one command on one shard: an account exists whole or not at all.
//
// A retry is told by the handle and the first device's secret: it hears the first answer, whatever id it drew this
// time.
#include "core/base/bounds.h"
#include "core/base/text.h"
#include "core/shard/commands/commands.h"
#include "core/shard/devices.h"

namespace chasqui::shard {
namespace {

constexpr std::uint64_t handle_bytes_min = Limits{}.handle_bytes_min;
constexpr std::uint64_t handle_bytes_max = Limits{}.handle_bytes_max;
constexpr std::uint64_t credential_bytes_max = 256;  // argon2id strings of libsodium have at most 128

bool is_folded_handle(std::string_view handle) {
  if (handle.size() < handle_bytes_min || handle.size() > handle_bytes_max) return false;
  for (const char c : handle) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    if (!fits) return false;
  }
  return true;
}

// Empty: nothing is wrong with it.
std::string fault(const ShardView& view, const log::CreateAccount& command) {
  const UserId user(command.user());
  if (!is_folded_handle(command.handle())) {
    return absl::StrCat("a handle is ", handle_bytes_min, " to ", handle_bytes_max,
                        " of a-z, 0-9, _ and . : choose another");
  }
  if (!is_valid(user)) return absl::StrCat("user id ", command.user(), " is none: draw another");
  if (command.credential().size() > credential_bytes_max) {
    return absl::StrCat("a credential has at most ", credential_bytes_max, " bytes: hash with argon2id");
  }
  if (shard_of_handle(command.handle(), view.shards()) != view.shard() ||
      shard_of(user, view.shards()) != view.shard()) {
    return absl::StrCat("handle ", command.handle(), " and user ", user.value(), " do not both live on shard ",
                        view.shard().value(), ": draw a user id that falls on the handle's shard");
  }
  return device_fault(command.device_name(), command.secret_hash());
}

// The handle is taken: by an earlier copy of this very command, or by somebody else.
Effects repeat(const ShardView& view, const log::CreateAccount& command, UserId owner) {
  constexpr DeviceId first{1};
  const state::Device* device = view.device(owner, first);
  if (device != nullptr && device->secret_hash() == command.secret_hash()) {
    return Effects::only(AccountCreated{owner, first});
  }
  return Effects::refused(client::ALREADY_EXISTS,
                          absl::StrCat("handle ", command.handle(), " is taken: choose another, or log in"));
}

}  // namespace

Effects create_account(const ShardView& view, const log::CreateAccount& command) {
  if (std::string why = fault(view, command); !why.empty()) {
    return Effects::refused(client::INVALID_ARGUMENT, std::move(why));
  }
  const UserId user(command.user());
  if (const state::Handle* taken = view.handle(command.handle())) return repeat(view, command, UserId(taken->user()));
  if (view.account(user) != nullptr) {
    return Effects::refused(client::ALREADY_EXISTS,
                            absl::StrCat("user id ", user.value(), " is taken: draw another and try again"));
  }

  Effects effects;
  state::Handle handle;
  handle.set_user(user.value());
  handle.set_claim(view.index().value());
  effects.put(keys::handle(view.shard(), command.handle()), std::move(handle));
  state::Account account;
  account.set_handle(command.handle());
  account.set_credential(command.credential());
  account.set_created_ms(view.time().ms);
  const DeviceId device = put_new_device(view, user, account, command.device_name(), command.secret_hash(), effects);
  effects.put(keys::account(view.shard(), user), std::move(account));
  effects.reply = AccountCreated{user, device};
  return effects;
}

}  // namespace chasqui::shard
