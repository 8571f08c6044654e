// What a command asks about groups: changes of them, and how they stand.
#include <utility>

#include "runtime/chasqui/channel.h"
#include "runtime/chasqui/outcome.h"
#include "runtime/chasqui/requests.h"

namespace chasqui::cli {

namespace json = boost::json;

void Requests::group(std::uint64_t id, const json::object& body) {
  const std::string action = string_at(body, "action");
  std::optional<ConversationId> conversation = group_of(string_at(body, "group"));
  if (const auto link = parse_link(string_at(body, "link")); link && action == "join") conversation = link->group;
  if (const auto named = group_of(string_at(body, "link")); named && action == "join") conversation = named;
  if (!conversation && action != "create") {
    return reply_(error_reply(id, absl::InvalidArgumentError("a group is named by the 32 hex digits of its id")));
  }
  std::vector<std::string> handles;
  if (const json::value* who = body.if_contains("who"); who != nullptr && who->is_array()) {
    for (const json::value& one : who->get_array()) {
      if (one.is_string()) handles.emplace_back(one.get_string().c_str());
    }
  }
  device_.when_online([weak = weak_from_this(), id, body, action, conversation, handles] {
    const auto self = weak.lock();
    if (!self) return;
    if (action == "show" || action == "permissions") {
      return self->describe_group(id, *conversation, action == "permissions", body);
    }
    self->with_users(handles, {}, [weak, id, body, conversation](absl::StatusOr<Users> users) {
      const auto still = weak.lock();
      if (!still) return;
      if (!users.ok()) return still->reply_(error_reply(id, users.status()));
      const auto ask = make_change(body, *users);
      if (!ask.ok()) return still->reply_(error_reply(id, ask.status()));
      const ConversationId group =
          conversation ? *conversation
                       : still->device_.transport().call(
                             [](client::Client& client, Now, client::Outputs&) { return client.draw_group(); });
      still->change_group(id, group, *ask);
    });
  });
}

void Requests::change_group(std::uint64_t id, const ConversationId& conversation, const GroupAsk& ask) {
  const auto number = device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
    return client.send_change(now, conversation, ask.change, out);
  });
  if (!number.ok()) return reply_(error_reply(id, number.status()));
  unanswered_[{conversation, *number}] = {id, ask.secret.empty() ? "" : link_text({conversation, ask.secret})};
  reply_({{"id", id}, {"kept", true}});
}

// `is_for_permissions`: those that were not named stay as they are.
void Requests::describe_group(std::uint64_t id, const ConversationId& conversation, bool is_for_permissions,
                              const json::object& body) {
  const std::uint64_t request = device_.transport().call([&](client::Client& client, Now now, client::Outputs& out) {
    return client.describe_group(now, conversation, out);
  });
  descriptions_[request] = [weak = weak_from_this(), id, conversation, is_for_permissions,
                            body](const client::GroupDescribed& done) {
    const auto self = weak.lock();
    if (!self) return;
    if (exit_code(done.status) == exit_unreachable) {
      return self->later([weak, id, conversation, is_for_permissions, body] {
        if (const auto still = weak.lock()) still->describe_group(id, conversation, is_for_permissions, body);
      });
    }
    if (!done.status.ok()) return self->reply_(error_reply(id, done.status));
    if (is_for_permissions) {
      const json::object* asked = object_at(body, "permissions");
      auto may = merged_permissions(done.description.permissions(), asked == nullptr ? json::object() : *asked);
      if (!may.ok()) return self->reply_(error_reply(id, may.status()));
      GroupAsk ask;
      *ask.change.mutable_set_permissions() = *std::move(may);
      return self->change_group(id, conversation, ask);
    }
    Users users;
    for (const client::GroupMember& member : done.description.members()) users.emplace_back(member.user());
    for (const std::uint64_t user : done.description.banned()) users.emplace_back(user);
    for (const std::uint64_t user : done.description.requests()) users.emplace_back(user);
    for (const std::uint64_t user : done.description.invited()) users.emplace_back(user);
    for (const client::FormerMember& member : done.description.former()) users.emplace_back(member.user());
    self->with_names(std::move(users), {}, [weak, id, description = done.description](const NamesOfUsers& names) {
      if (const auto still = weak.lock())
        still->reply_({{"id", id}, {"group", description_object(description, names)}});
    });
  };
}

void Requests::with_users(std::vector<std::string> handles, Users found,
                          std::function<void(absl::StatusOr<Users>)> done) {
  if (handles.empty()) return done(std::move(found));
  const std::string handle = std::move(handles.back());
  handles.pop_back();
  device_.resolve(handle, [weak = weak_from_this(), handles = std::move(handles), found = std::move(found),
                           done = std::move(done)](absl::StatusOr<UserId> user) mutable {
    const auto self = weak.lock();
    if (!self) return;
    if (!user.ok()) return done(user.status());
    found.push_back(*user);
    self->with_users(std::move(handles), std::move(found), std::move(done));
  });
}

void Requests::with_names(Users users, NamesOfUsers names, std::function<void(const NamesOfUsers&)> done) {
  while (!users.empty() && names.contains(users.back())) users.pop_back();
  if (users.empty()) return done(names);
  const UserId user = users.back();
  device_.name_of(user, [weak = weak_from_this(), user, users = std::move(users), names = std::move(names),
                         done = std::move(done)](const std::string& name) mutable {
    const auto self = weak.lock();
    if (!self) return;
    names[user] = name;
    self->with_names(std::move(users), std::move(names), std::move(done));
  });
}

}  // namespace chasqui::cli
