// What people type and send: may it be stored?
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/bounds.h"
#include "proto/client.pb.h"

namespace chasqui::gateway {

// A handle as typed ("@Ana_9") -> as stored ("ana_9"): 3-32 of a-z 0-9 _ . after folding; at the ends no dot.
// InvalidArgument says which rule.
[[nodiscard]] absl::StatusOr<std::string> fold_handle(std::string_view typed, const Limits& limits);

// A client.Payload that may be appended to a conversation. InvalidArgument: malformed, no nonce of 16 bytes, not
// UTF-8, a NUL, nothing in it, above message_bytes_max, or about an earlier event in a way that cannot be. `about`:
// what it says.
[[nodiscard]] absl::Status check_payload(std::string_view payload, const Limits& limits, client::About& about);

// At most device_name_bytes_max of UTF-8 without control characters.
[[nodiscard]] absl::Status check_device_name(std::string_view name, const Limits& limits);

[[nodiscard]] bool is_utf8(std::string_view bytes);

}  // namespace chasqui::gateway
