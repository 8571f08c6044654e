#include "core/shard/devices.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/check.h"

namespace chasqui::shard {

std::optional<DeviceId> device_by_secret(const ShardView& view, UserId user, const state::Account& account,
                                         std::string_view secret_hash) {
  for (const std::uint32_t id : account.devices()) {
    const state::Device* device = view.device(user, DeviceId(id));
    CHASQUI_ASSERT(device != nullptr, "each device that an account lists has a row");
    if (device->secret_hash() == secret_hash) return DeviceId(id);
  }
  return std::nullopt;
}

bool stands(const state::Account& account, DeviceId device) {
  return std::find(account.devices().begin(), account.devices().end(), device.value()) != account.devices().end();
}

DeviceId put_new_device(const ShardView& view, UserId user, state::Account& account, std::string name,
                        std::string secret_hash, Effects& effects) {
  // 2^32 logins of one user are more than a century of ten a second, and the count is in a field of 32 bits.
  CHASQUI_ASSERT(account.last_device() < std::numeric_limits<std::uint32_t>::max(), "device ids are never used up");
  account.set_last_device(account.last_device() + 1);
  account.add_devices(account.last_device());  // the highest: the list stays ascending
  const DeviceId id(account.last_device());
  state::Device device;
  device.set_name(std::move(name));
  device.set_secret_hash(std::move(secret_hash));
  device.set_created_ms(view.time().ms);
  device.set_last_seen_ms(to_the_hour(view.time()));
  effects.put(keys::device(view.shard(), user, id), std::move(device));
  return id;
}

void drop_device(const ShardView& view, UserId user, state::Account& account, DeviceId device, Effects& effects) {
  auto& devices = *account.mutable_devices();
  const auto at = std::find(devices.begin(), devices.end(), device.value());
  CHASQUI_ASSERT(at != devices.end(), "only a device that stands is dropped");
  devices.erase(at);
  effects.remove(keys::device(view.shard(), user, device));
  effects.consequences.push_back(DeviceGone{user, device});
}

std::string device_fault(std::string_view name, std::string_view secret_hash) {
  if (secret_hash.size() != bounds::digest_bytes) {
    return absl::StrCat("a secret's hash has ", bounds::digest_bytes, " bytes, this one ", secret_hash.size(),
                        ": send BLAKE2b-256 of the secret");
  }
  constexpr std::uint64_t name_bytes_max = Limits{}.device_name_bytes_max;
  if (name.size() > name_bytes_max) {
    return absl::StrCat("the device's name has ", name.size(), " of at most ", name_bytes_max, " bytes: shorten it");
  }
  return "";
}

Effects no_such_user(UserId user) {
  return Effects::refused(client::NOT_FOUND, absl::StrCat("there is no user ", user.value(), ": register first"));
}

}  // namespace chasqui::shard
