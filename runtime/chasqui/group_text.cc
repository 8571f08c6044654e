#include "runtime/chasqui/group_text.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/text.h"
#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/printable.h"

namespace chasqui::cli {
namespace {

namespace json = boost::json;
using client::GroupChange;

constexpr std::string_view role_names[] = {"member", "admin", "owner"};

std::string hex(const std::string& bytes) {
  return absl::BytesToHexString(bytes);
}

std::optional<std::string> unhex(std::string_view digits, std::size_t bytes) {
  if (digits.size() != 2 * bytes) return std::nullopt;
  for (const char c : digits) {
    if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) return std::nullopt;
  }
  return absl::HexStringToBytes(text(digits));
}

std::string name_of(UserId user, const NamesOfUsers& names) {
  const auto known = names.find(user);
  return known == names.end() ? absl::StrCat("#", user.value()) : known->second;
}

std::string_view what_of(const GroupChange& change) {
  switch (change.what_case()) {
    case GroupChange::kCreate: return "create";
    case GroupChange::kAdd: return "add";
    case GroupChange::kRemove: return change.remove().ban() ? "ban" : "remove";
    case GroupChange::kLeave: return "leave";
    case GroupChange::kEdit: return "edit";
    case GroupChange::kSetRole: return "role";
    case GroupChange::kSetPermissions: return "permissions";
    case GroupChange::kMute: return "mute";
    case GroupChange::kLiftBan: return "unban";
    case GroupChange::kCreateLink: return "link";
    case GroupChange::kRevokeLink: return "unlink";
    case GroupChange::kJoin: return "join";
    case GroupChange::kAnswer: return change.answer().admit() ? "admit" : "deny";
    case GroupChange::kDeleteGroup: return "delete";
    case GroupChange::WHAT_NOT_SET: break;
  }
  return "unknown";
}

json::object permissions_object(const client::GroupPermissions& may) {
  return {{"send", role_name(may.send())},
          {"edit", role_name(may.edit())},
          {"add", role_name(may.add())},
          {"history_to_newcomers", may.history_to_newcomers()}};
}

std::string listed(const json::object& change, const char* key) {
  std::string line;
  const json::value* users = change.if_contains(key);
  if (users == nullptr || !users->is_array()) return line;
  for (const json::value& user : users->get_array()) {
    if (!user.is_string()) continue;
    absl::StrAppend(&line, line.empty() ? "" : ", ", printable({user.get_string().data(), user.get_string().size()}));
  }
  return line;
}

}  // namespace

std::optional<ConversationId> group_of(std::string_view who) {
  const auto id = ConversationId::from_hex(who);
  return id && id->is_group() ? id : std::nullopt;
}

std::vector<UserId> users_in(const GroupChange& change) {
  std::vector<UserId> users;
  const auto put = [&users](std::uint64_t user) {
    if (user != 0) users.emplace_back(user);
  };
  for (const std::uint64_t user : change.create().members()) put(user);
  for (const std::uint64_t user : change.add().users()) put(user);
  put(change.remove().user());
  put(change.set_role().user());
  put(change.mute().user());
  put(change.lift_ban().user());
  put(change.answer().user());
  put(change.new_owner());
  return users;
}

namespace {

// Users of the change who did not become members.
const google::protobuf::RepeatedField<std::uint64_t>& invited_in(const GroupChange& change) {
  return change.has_create() ? change.create().invited() : change.add().invited();
}

}  // namespace

json::object change_object(const GroupChange& change, const NamesOfUsers& names) {
  json::object object{{"what", std::string(what_of(change))}};
  json::array users;
  for (const UserId user : users_in(change)) {
    const auto& others = invited_in(change);
    if (std::find(others.begin(), others.end(), user.value()) != others.end()) continue;
    if (user.value() != change.new_owner()) users.emplace_back(name_of(user, names));
  }
  if (!users.empty()) object["users"] = std::move(users);
  json::array invited;
  for (const std::uint64_t user : invited_in(change)) invited.emplace_back(name_of(UserId(user), names));
  if (!invited.empty()) object["invited"] = std::move(invited);
  if (change.has_create()) {
    object["title"] = change.create().title();
    if (!change.create().description().empty()) object["description"] = change.create().description();
    object["permissions"] = permissions_object(change.create().permissions());
  }
  if (change.edit().has_title()) object["title"] = change.edit().title();
  if (change.edit().has_description()) object["description"] = change.edit().description();
  if (change.edit().has_picture()) object["picture"] = hex(change.edit().picture());
  if (change.has_set_role()) object["role"] = role_name(change.set_role().role());
  if (change.has_set_permissions()) object["permissions"] = permissions_object(change.set_permissions());
  if (change.has_mute()) object["until_ms"] = change.mute().until_ms();
  if (change.new_owner() != 0) object["new_owner"] = name_of(UserId(change.new_owner()), names);
  return object;
}

std::string change_words(const json::object& change) {
  const std::string what = string_at(change, "what");
  const std::string users = listed(change, "users");
  const std::string invited = listed(change, "invited");
  const std::string title = printable(string_at(change, "title"));
  std::string words;
  if (what == "create") {
    words = absl::StrCat("created the group \"", title, "\"", users.empty() ? "" : absl::StrCat(" with ", users),
                         invited.empty() ? "" : absl::StrCat(" and invited ", invited));
  } else if (what == "add") {
    words = users.empty() ? "" : absl::StrCat("added ", users);
    if (!invited.empty()) absl::StrAppend(&words, words.empty() ? "" : " and ", "invited ", invited);
  } else if (what == "remove") {
    words = absl::StrCat("removed ", users);
  } else if (what == "ban") {
    words = absl::StrCat("banned ", users);
  } else if (what == "leave") {
    words = "left";
  } else if (what == "edit") {
    words =
        title.empty() ? "changed the group's description or picture" : absl::StrCat("named the group \"", title, "\"");
  } else if (what == "role") {
    words = absl::StrCat("made ", users, " ", string_at(change, "role"));
  } else if (what == "permissions") {
    words = "changed who may do what";
  } else if (what == "mute") {
    words = absl::StrCat(number_at(change, "until_ms") == 0 ? "unmuted " : "muted ", users);
  } else if (what == "unban") {
    words = absl::StrCat("lifted the ban of ", users);
  } else if (what == "link") {
    words = "made an invite link";
  } else if (what == "unlink") {
    words = "revoked an invite link";
  } else if (what == "join") {
    words = "joined by a link";
  } else if (what == "admit") {
    words = absl::StrCat("let in ", users);
  } else if (what == "deny") {
    words = absl::StrCat("turned down ", users);
  } else if (what == "delete") {
    words = "deleted the group";
  } else {
    words = "changed the group in a way that this version does not know";
  }
  if (change.contains("new_owner")) {
    absl::StrAppend(&words, "; the group is ", printable(string_at(change, "new_owner")), "'s now");
  }
  return words;
}

namespace {

// Of what somebody sees; "left_seq" 0: to this day.
json::array intervals_array(const google::protobuf::RepeatedPtrField<client::MemberInterval>& intervals) {
  json::array all;
  for (const client::MemberInterval& interval : intervals) {
    all.push_back(
        json::object{{"from_seq", interval.from()}, {"joined_seq", interval.joined()}, {"left_seq", interval.left()}});
  }
  return all;
}

}  // namespace

json::object description_object(const client::GroupDescription& group, const NamesOfUsers& names) {
  const auto id = ConversationId::parse(group.conversation());
  json::array members;
  for (const client::GroupMember& member : group.members()) {
    json::object one{{"handle", name_of(UserId(member.user()), names)},
                     {"role", role_name(member.role())},
                     {"joined_seq", member.joined_seq()},
                     {"delivered_seq", member.delivered_seq()},
                     {"read_seq", member.read_seq()}};
    if (member.muted_until_ms() != 0) one["muted_until_ms"] = member.muted_until_ms();
    if (!member.intervals().empty()) one["intervals"] = intervals_array(member.intervals());
    members.push_back(std::move(one));
  }
  json::object object{{"conversation", id ? id->hex() : ""},
                      {"title", group.title()},
                      {"description", group.description()},
                      {"picture", hex(group.picture())},
                      {"head", group.head()},
                      {"permissions", permissions_object(group.permissions())},
                      {"members", std::move(members)}};
  const auto list = [&](const char* key, const auto& users) {
    json::array all;
    for (const std::uint64_t user : users) all.emplace_back(name_of(UserId(user), names));
    if (!all.empty()) object[key] = std::move(all);
  };
  list("banned", group.banned());
  list("requests", group.requests());
  list("invited", group.invited());
  json::array links;
  for (const client::GroupLink& link : group.links()) {
    links.push_back(json::object{{"hash", hex(link.secret_hash())},
                                 {"by", name_of(UserId(link.by()), names)},
                                 {"asks_approval", link.asks_approval()},
                                 {"uses", link.uses()},
                                 {"uses_max", link.uses_max()},
                                 {"expires_ms", link.expires_ms()}});
  }
  if (!links.empty()) object["links"] = std::move(links);
  json::array former;
  for (const client::FormerMember& member : group.former()) {
    former.push_back(json::object{{"handle", name_of(UserId(member.user()), names)},
                                  {"intervals", intervals_array(member.intervals())}});
  }
  if (!former.empty()) object["former"] = std::move(former);
  return object;
}

std::string description_words(const json::object& group) {
  std::string lines =
      absl::StrCat(printable(string_at(group, "title")), "  (", string_at(group, "conversation"), ")\n");
  const std::string about = string_at(group, "description");
  if (!about.empty()) absl::StrAppend(&lines, printable(about, "\n"), "\n");
  const json::value* members = group.if_contains("members");
  if (members != nullptr && members->is_array()) {
    for (const json::value& one : members->get_array()) {
      if (!one.is_object()) continue;
      const json::object& member = one.get_object();
      const std::string role = string_at(member, "role");
      absl::StrAppend(&lines, "  ", printable(string_at(member, "handle")), role == "member" ? "" : ", " + role,
                      member.contains("muted_until_ms") ? ", muted" : "", "\n");
    }
  }
  for (const auto& [key, words] : {std::pair{"banned", "banned: "}, std::pair{"requests", "ask to be let in: "},
                                   std::pair{"invited", "invited: "}}) {
    if (const std::string users = listed(group, key); !users.empty()) absl::StrAppend(&lines, words, users, "\n");
  }
  return lines;
}

std::string role_name(client::GroupRole role) {
  const auto number = static_cast<std::size_t>(role);
  return number < std::size(role_names) ? std::string(role_names[number]) : "unknown";
}

std::optional<client::GroupRole> role_of(std::string_view name) {
  for (std::size_t i = 0; i < std::size(role_names); ++i) {
    if (role_names[i] == name) return static_cast<client::GroupRole>(i);
  }
  return std::nullopt;
}

std::string link_text(const Link& link) {
  return absl::StrCat(link.group.hex(), ".", hex(link.secret));
}

std::optional<Link> parse_link(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto group = group_of(text.substr(0, dot));
  auto secret = unhex(text.substr(dot + 1), bounds::group_link_secret_bytes);
  if (!group || !secret) return std::nullopt;
  return Link{*group, *std::move(secret)};
}

}  // namespace chasqui::cli
