#include "runtime/chasqui/group_change.h"

#include <sodium.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/digest.h"
#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/group_text.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;

bool flag_at(const json::object& body, const char* name) {
  const json::value* value = body.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

absl::Status missing(const char* what) {
  return absl::InvalidArgumentError(absl::StrCat("say ", what));
}

std::string draw_secret() {
  std::string secret(bounds::group_link_secret_bytes, '\0');
  ::randombytes_buf(secret.data(), secret.size());
  return secret;
}

std::string hash_of(const std::string& secret) {
  return std::string(view(blake2b_256(secret)));
}

absl::Status about_one(const json::object& body, UserId user, client::GroupChange& change) {
  const std::string action = string_at(body, "action");
  if (action == "remove") {
    change.mutable_remove()->set_user(user.value());
    change.mutable_remove()->set_ban(flag_at(body, "ban"));
  } else if (action == "role") {
    const auto role = role_of(string_at(body, "role"));
    if (!role) return missing("a role: member, admin or owner");
    change.mutable_set_role()->set_user(user.value());
    change.mutable_set_role()->set_role(*role);
  } else if (action == "mute") {
    change.mutable_mute()->set_user(user.value());
    change.mutable_mute()->set_until_ms(static_cast<std::int64_t>(number_at(body, "until_ms")));
  } else if (action == "unban") {
    change.mutable_lift_ban()->set_user(user.value());
  } else {  // admit, deny
    change.mutable_answer()->set_user(user.value());
    change.mutable_answer()->set_admit(action == "admit");
  }
  return absl::OkStatus();
}

absl::Status about_link(const json::object& body, const std::string& action, GroupAsk& ask) {
  if (action == "link") {
    ask.secret = draw_secret();
    client::CreateLink& create = *ask.change.mutable_create_link();
    create.set_secret_hash(hash_of(ask.secret));
    create.set_asks_approval(flag_at(body, "approval"));
    create.set_expires_ms(static_cast<std::int64_t>(number_at(body, "expires_ms")));
    create.set_uses_max(static_cast<std::uint32_t>(number_at(body, "uses")));
    return absl::OkStatus();
  }
  if (action == "join" && group_of(string_at(body, "link"))) {  // as one who is invited
    ask.change.mutable_join();
    return absl::OkStatus();
  }
  const auto link = parse_link(string_at(body, "link"));
  if (!link) return missing("the whole link, as `chasqui group link` printed it");
  if (action == "unlink") {
    ask.change.mutable_revoke_link()->set_secret_hash(hash_of(link->secret));
  } else {
    ask.change.mutable_join()->set_secret(link->secret);
  }
  return absl::OkStatus();
}

absl::Status about_text(const json::object& body, const std::string& action, client::GroupChange& change) {
  const std::string said = string_at(body, "text");
  client::EditGroup& edit = *change.mutable_edit();
  if (action == "title") edit.set_title(said);
  if (action == "description") edit.set_description(said);
  if (action == "picture") {
    if (said.size() != 2 * bounds::group_picture_bytes && !said.empty()) return missing("a blob's id: 32 hex digits");
    edit.set_picture(absl::HexStringToBytes(said));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<client::GroupPermissions> merged_permissions(const client::GroupPermissions& now,
                                                            const json::object& asked) {
  client::GroupPermissions may = now;
  for (const char* key : {"send", "edit", "add"}) {
    const std::string name = string_at(asked, key);
    if (name.empty()) continue;
    const auto role = role_of(name);
    if (!role) return missing("a role: member, admin or owner");
    if (key[0] == 's') may.set_send(*role);
    if (key[0] == 'e') may.set_edit(*role);
    if (key[0] == 'a') may.set_add(*role);
  }
  if (asked.contains("history")) may.set_history_to_newcomers(flag_at(asked, "history"));
  return may;
}

absl::StatusOr<GroupAsk> make_change(const json::object& body, const std::vector<UserId>& users) {
  const std::string action = string_at(body, "action");
  GroupAsk ask;
  absl::Status status;
  if (action == "create") {
    client::CreateGroup& create = *ask.change.mutable_create();
    create.set_title(string_at(body, "text"));
    create.set_description(string_at(body, "description"));
    client::GroupPermissions usual;  // members talk; admins keep the house
    usual.set_edit(client::ADMIN);
    usual.set_add(client::ADMIN);
    const json::object* asked = object_at(body, "permissions");
    auto may = merged_permissions(usual, asked == nullptr ? json::object() : *asked);
    if (!may.ok()) return may.status();
    *create.mutable_permissions() = *std::move(may);
    for (const UserId user : users) create.add_members(user.value());
  } else if (action == "add") {
    for (const UserId user : users) ask.change.mutable_add()->add_users(user.value());
  } else if (action == "leave") {
    ask.change.mutable_leave();
  } else if (action == "delete") {
    ask.change.mutable_delete_group();
  } else if (action == "title" || action == "description" || action == "picture") {
    status = about_text(body, action, ask.change);
  } else if (action == "link" || action == "unlink" || action == "join") {
    status = about_link(body, action, ask);
  } else if (action == "remove" || action == "role" || action == "mute" || action == "unban" || action == "admit" ||
             action == "deny") {
    status = users.size() == 1 ? about_one(body, users.front(), ask.change) : missing("whom");
  } else {
    status = absl::UnimplementedError("the program that holds this home does not know that: close it first");
  }
  if (!status.ok()) return status;
  return ask;
}

}  // namespace chasqui::cli
