// A request of the channel, {"group": {...}}, as the change of a group that it asks for.
//
//   {"action", "group": 32 hex digits, "who": [handles], "text", "role", "permissions": {"send", "edit", "add",
//    "history"}, "ban", "until_ms", "approval", "expires_ms", "uses", "link"}
// The actions are those of `chasqui group`; which of the rest belongs to it, group_command.cc says.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/ids.h"
#include "proto/client.pb.h"

namespace chasqui::cli {

struct GroupAsk {
  client::GroupChange change;
  std::string secret;  // of a link that it makes, drawn here
};

// `users`: whom "who" names. InvalidArgument: the action is unknown, or something of it is missing.
[[nodiscard]] absl::StatusOr<GroupAsk> make_change(const boost::json::object& body, const std::vector<UserId>& users);

// Those of `now` with what `asked` says otherwise. InvalidArgument: there is no such role.
[[nodiscard]] absl::StatusOr<client::GroupPermissions> merged_permissions(const client::GroupPermissions& now,
                                                                          const boost::json::object& asked);

}  // namespace chasqui::cli
