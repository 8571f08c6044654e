// Server frames as bytes that may be put one behind the other: each is a ServerMessage with one frame.
//
// A pushed event is spliced in as it is stored: it is encoded once, when it is applied, whoever receives it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/ids.h"
#include "proto/client.pb.h"

namespace chasqui::gateway {

[[nodiscard]] std::string encode(const client::ServerFrame& frame);
// Push{conversation, event}; `event`: a serialized client.Event.
[[nodiscard]] std::string encode_push(const ConversationId& conversation, std::string_view event);

}  // namespace chasqui::gateway
