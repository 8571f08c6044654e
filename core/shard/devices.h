// The devices of an account: those that stand are listed in its row, each has a row of its own, and ids are counted.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/shard/effects.h"
#include "core/shard/view.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

// To the hour, so that a device that is used all day is written 24 times and tells little.
[[nodiscard]] constexpr std::int64_t to_the_hour(LogTime time) {
  return time.ms - time.ms % 3'600'000;
}

// The device that stands with this secret, if any: a login that is repeated.
[[nodiscard]] std::optional<DeviceId> device_by_secret(const ShardView& view, UserId user,
                                                       const state::Account& account, std::string_view secret_hash);
[[nodiscard]] bool stands(const state::Account& account, DeviceId device);

// Adds a device under the next id to `account` (which the caller puts) and puts its row; returns the id. There is room.
DeviceId put_new_device(const ShardView& view, UserId user, state::Account& account, std::string name,
                        std::string secret_hash, Effects& effects);
// Takes a device that stands out of `account` (which the caller puts), removes its row and ends its sessions.
void drop_device(const ShardView& view, UserId user, state::Account& account, DeviceId device, Effects& effects);

// What is wrong with a device's name and secret; empty: nothing.
[[nodiscard]] std::string device_fault(std::string_view name, std::string_view secret_hash);
[[nodiscard]] Effects no_such_user(UserId user);

}  // namespace chasqui::shard
