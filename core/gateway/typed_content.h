// What a message says beside plain text, as far as a server can judge it: what it is about, places, cards, polls,
// votes, timers, mentions. Sealed content, and kinds that only newer clients know, pass untouched.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "proto/client.pb.h"
#include "proto/log.pb.h"

namespace chasqui::gateway {

// InvalidArgument: out of its limits (client.proto), or parts that do not go together. `facts`: what the log must know
// of it is put there.
[[nodiscard]] absl::Status check_typed(const client::Payload& payload, log::Send& facts);

// How often a serialized Payload says that it was forwarded, found without parsing the rest; 0: never, or malformed.
[[nodiscard]] std::uint32_t forwards_in(std::string_view payload);

}  // namespace chasqui::gateway
