// What may stand in a change of a group, before anybody is asked whether its sender may make it.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "proto/client.pb.h"

namespace chasqui::gateway {

// The change in a payload that check_payload() has let pass, serialized; empty: it is a message. InvalidArgument:
// it may not be, whatever the group says; the change is given all the same.
[[nodiscard]] absl::Status find_group_change(std::string_view payload, std::string& change);

// InvalidArgument: texts too long, not UTF-8 or with control characters, an id or a hash of another size, people named
// twice or too many of them, or nothing in it. A kind of a later protocol passes: the shard says that it does not know
// it.
[[nodiscard]] absl::Status check_group_change(const client::GroupChange& change);

}  // namespace chasqui::gateway
