// Groups as this program shows them: a change as JSON and as words, how a group stands, and links.
//
// A change: {"what": "create" | "add" | "remove" | "ban" | "leave" | "edit" | "role" | "permissions" | "mute" |
// "unban" | "link" | "unlink" | "join" | "admit" | "deny" | "delete" | "unknown"}, with "users" (handles), "title",
// "description", "picture" (hex), "role", "until_ms", "new_owner", where they belong to it.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "proto/client.pb.h"

namespace chasqui::cli {

using NamesOfUsers = std::map<UserId, std::string>;

// WHO as typed, if it is the id of a group: 32 hex digits, the first one 8 to f. ("@" before it makes it a handle.)
[[nodiscard]] std::optional<ConversationId> group_of(std::string_view who);

// Whom an event is about, beside its sender.
[[nodiscard]] std::vector<UserId> users_in(const client::GroupChange& change);

[[nodiscard]] boost::json::object change_object(const client::GroupChange& change, const NamesOfUsers& names);
// "added beto, carla": what its sender did.
[[nodiscard]] std::string change_words(const boost::json::object& change);

[[nodiscard]] boost::json::object description_object(const client::GroupDescription& group, const NamesOfUsers& names);
[[nodiscard]] std::string description_words(const boost::json::object& group);

[[nodiscard]] std::string role_name(client::GroupRole role);  // "member", "admin", "owner"
[[nodiscard]] std::optional<client::GroupRole> role_of(std::string_view name);

// "GROUP.SECRET" in hex digits.
struct Link {
  ConversationId group;
  std::string secret;
};
[[nodiscard]] std::string link_text(const Link& link);
[[nodiscard]] std::optional<Link> parse_link(std::string_view text);

}  // namespace chasqui::cli
