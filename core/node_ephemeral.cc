// Presence and typing: by subscription, by the same routes as everything else, and never in a log.
//
// A session watches users; each user's leader keeps who watches whom of its shard (gateway/watchers.h) and tells their
// sessions, wherever they are, who comes, goes and writes. All of it may be lost: a watch is said again, and its answer
// says how things are.
#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/bounds.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/node_impl.h"
#include "core/shard/group.h"

namespace chasqui {
namespace {

constexpr char too_many_watched[] = "a session watches at most 64 users at a time";
constexpr char too_many_watchers[] = "too many watch this user already: try again later";
constexpr char too_many_reads[] = "the server is busy reading: try again";

std::int64_t last_seen_ms(const RangeResult& devices) {
  std::int64_t last_ms = 0;
  for (const Row& row : devices.rows) {
    state::Device device;
    if (device.ParseFromString(row.value)) last_ms = std::max(last_ms, device.last_seen_ms());
  }
  return last_ms;
}

// What is read of each user that is watched: account, devices, gate towards who watches, index entry of both.
constexpr std::size_t rows_per_watched = 4;

// May who watches see that user?
bool may_see(const RangeResult* of_user, bool is_oneself) {
  state::Account account;
  state::Gate gate;
  state::Index entry;
  const auto parse = [](const RangeResult& found, auto& row) {
    return !found.rows.empty() && row.ParseFromString(found.rows[0].value);
  };
  if (!parse(of_user[0], account)) return false;
  (void)parse(of_user[2], gate);
  (void)parse(of_user[3], entry);
  if (gate.stance() == state::BLOCKED) return false;
  if (account.presence() == static_cast<std::uint32_t>(client::EVERYONE)) return true;
  const bool is_contact = is_oneself || gate.stance() == state::ACCEPTED || entry.opened();
  return account.presence() == static_cast<std::uint32_t>(client::CONTACTS) && is_contact;
}

}  // namespace

// --------------------------------------------------------------------------------------------------- at the gateway

// One ask for each shard that leads some of them; the answers are put together again.
void Node::Impl::ask_watch(Now now, const gateway::Request& in, Outputs& out) {
  const client::Watch& wanted = in.frame.watch();
  if (static_cast<std::uint64_t>(wanted.users_size()) > bounds::watched_max) {
    return refuse_here(now, in, client::INVALID_ARGUMENT, too_many_watched, out);
  }
  std::vector<UserId> users;
  for (const std::uint64_t user : wanted.users()) {
    if (is_valid(UserId(user))) users.emplace_back(user);
  }
  std::sort(users.begin(), users.end());
  gateway_.watches(in.session, users);
  if (users.empty()) return ask_watched(now, in, {}, out);
  // Whom this user has blocked he does not see: his own shard says who that is.
  peer::GateQuery query;
  query.set_who(in.user.value());
  for (const UserId user : users) query.add_others(user.value());
  ask(now, router_.of_user(in.user).shard, in.deadline,
      ShardAsk{std::move(query),
               [this, in, users](Now then, Outcome& what, Outputs& outputs) {
                 const auto* told = std::get_if<peer::GateAnswers>(&what);
                 if (told == nullptr || static_cast<std::size_t>(told->answers_size()) != users.size()) {
                   return refuse_here(then, in, client::UNAVAILABLE, "this shard has no leader just now: try again",
                                      outputs);
                 }
                 std::vector<UserId> blocked;
                 for (std::size_t i = 0; i < users.size(); ++i) {
                   if (told->answers(static_cast<int>(i)).stance() == state::BLOCKED) blocked.push_back(users[i]);
                 }
                 ask_watched(then, in, blocked, outputs);
               }},
      out);
}

void Node::Impl::ask_watched(Now now, const gateway::Request& in, const std::vector<UserId>& blocked, Outputs& out) {
  const client::Watch& wanted = in.frame.watch();
  absl::btree_map<ShardId, std::shared_ptr<ShardRequest>> parts;
  client::Presences unseen;
  for (const UserId user : blocked) {
    gateway_.watches_no_more(in.session, user);
    unseen.add_presences()->set_user(user.value());
  }
  for (const std::uint64_t user : wanted.users()) {
    if (!is_valid(UserId(user)) || std::binary_search(blocked.begin(), blocked.end(), UserId(user))) continue;
    std::shared_ptr<ShardRequest>& part = parts[router_.of_user(UserId(user)).shard];
    if (part == nullptr) part = part_of(in);
    part->frame.mutable_watch()->add_users(user);
  }
  if (parts.empty()) {
    client::ServerFrame frame;
    *frame.mutable_presences() = std::move(unseen);
    return gateway_.answer(now, in.session, in.request_id, frame, out);
  }
  const std::uint64_t whole = ++last_marks_asked_;
  marks_asked_.insert(whole, {in.session, in.request_id, parts.size(), {}, std::move(unseen), true, {}});
  for (auto& [shard, part] : parts) ask(now, shard, in.deadline, SessionAsk{std::move(part), 0, whole}, out);
}

void Node::Impl::take_typing(Now now, const gateway::Request& in, Outputs& out) {
  const router::Route route = router_.of_user(in.user);
  if (route.here) return tell_typing(now, shard_at(route.shard), in.user, in.frame.typing(), out);
  if (!route.leader) return;
  peer::Ask& ask = *to_peer(route.leader).asks.add_asks();
  ask.set_shard(static_cast<std::uint32_t>(route.shard.value()));
  ask.set_user(in.user.value());
  ask.set_session(in.session.value());
  ask.set_frame(in.frame.SerializeAsString());
}

void Node::Impl::take(Now now, const peer::EphemeralBatch& batch, Outputs& out) {
  for (const peer::EphemeralItem& item : batch.items()) {
    client::ServerFrame frame;
    if (!frame.ParseFromString(item.frame()) || (!frame.has_presences() && !frame.has_typing())) continue;
    std::vector<SessionId> sessions;
    for (const std::uint64_t session : item.sessions()) sessions.emplace_back(session);
    gateway_.ephemeral(now, sessions, frame, out);
  }
}

// --------------------------------------------------------------------------------------- at the leader of the watched

// Who is not there, and who wants to be seen by nobody, look alike.
void Node::Impl::watch(Now now, Shard& shard, const RequestPtr& request, Outputs& out) {
  const auto again = [this, &shard, request](Now then, Outputs& more) { watch(then, shard, request, more); };
  if (!fresh(now, shard, request->asker, again, out)) return;
  std::vector<UserId> users;
  std::vector<RangeRead> rows;
  for (const std::uint64_t id : request->frame.watch().users()) {
    const UserId user(id);
    if (!is_valid(user) || router_.of_user(user).shard != shard.id || users.size() >= bounds::watched_max) continue;
    users.push_back(user);
    rows.push_back(RangeRead::row(keys::account(shard.id, user)));
    RangeRead devices;
    devices.begin = keys::device(shard.id, user, DeviceId());
    devices.end = keys::device(shard.id, user, DeviceId(~std::uint32_t{0}));
    devices.rows_max = config_.limits.devices_max;
    rows.push_back(std::move(devices));
    rows.push_back(RangeRead::row(keys::gate(shard.id, user, request->user)));
    rows.push_back(RangeRead::row(keys::index(shard.id, user, ConversationId::direct(user, request->user))));
  }
  const bool asked = read(
      std::move(rows),
      [this, &shard, request, users](Now then, ReadDone& done, Outputs& outputs) {
        if (!shard.led) return respond(then, request->asker, moved(shard.id), outputs);
        const gateway::Watcher watcher{request->asker.node, request->session, request->user};
        client::ServerFrame frame;
        frame.mutable_presences();
        for (std::size_t i = 0; i < users.size() && rows_per_watched * (i + 1) <= done.results.size(); ++i) {
          client::Presence& presence = *frame.mutable_presences()->add_presences();
          presence.set_user(users[i].value());
          const RangeResult* of_user = &done.results[rows_per_watched * i];
          if (!may_see(of_user, users[i] == request->user)) continue;
          const bool is_online = shard.registry.online(users[i]);
          if (!shard.watchers.add(users[i], watcher, is_online, then, config_.limits)) {
            return refuse(then, request->asker, client::RESOURCE_EXHAUSTED, too_many_watchers, outputs, 30'000);
          }
          presence.set_is_online(is_online);
          const std::int64_t seen_ms = std::max(last_seen_ms(of_user[1]), shard.watchers.gone_ms(users[i]));
          if (!is_online) presence.set_last_seen_ms(gateway::rounded_last_seen_ms(seen_ms, then.wall));
        }
        touched_.insert(shard.id);
        respond(then, request->asker, std::move(frame), outputs);
      },
      out);
  if (!asked) refuse(now, request->asker, client::UNAVAILABLE, too_many_reads, out, 500);
}

// To those who watch the user and are members with him. Of a group that is known where the group's shard is led.
void Node::Impl::tell_typing(Now now, Shard& shard, UserId user, const client::Typing& typing, Outputs& out) {
  const auto conversation = ConversationId::parse(typing.conversation());
  if (!conversation || !conversation->may_have_member(user)) return;
  std::vector<gateway::Watcher> watchers = shard.watchers.of(user, now);
  std::erase_if(watchers, [&](const gateway::Watcher& watcher) {
    return watcher.user == user || !conversation->may_have_member(watcher.user);
  });
  if (watchers.empty()) return;
  if (!conversation->is_group()) {
    CHASQUI_MARK("typing_told");
    return tell_typing_to(now, watchers, *conversation, user, typing.is_over(), out);
  }
  peer::TypingInGroup told;
  told.set_conversation(conversation->str());
  told.set_is_over(typing.is_over());
  for (const gateway::Watcher& watcher : watchers) {
    peer::Watcher& one = *told.add_watchers();
    one.set_node(watcher.node.value());
    one.set_session(watcher.session.value());
    one.set_user(watcher.user.value());
  }
  const router::Route route = router_.of_conversation(*conversation);
  if (route.here) return tell_group_typing(now, shard_at(route.shard), user, told, out);
  if (!route.leader) return;
  peer::Ask& ask = *to_peer(route.leader).asks.add_asks();
  ask.set_shard(static_cast<std::uint32_t>(route.shard.value()));
  ask.set_user(user.value());
  *ask.mutable_typing() = std::move(told);
}

// A leader that may have been deposed knows of no removal, and tells nobody.
void Node::Impl::tell_group_typing(Now now, Shard& shard, UserId user, const peer::TypingInGroup& typing,
                                   Outputs& out) {
  const auto conversation = ConversationId::parse(typing.conversation());
  if (!conversation || router_.of_conversation(*conversation).shard != shard.id) return;
  if (!shard.led || !lease_holds(now, shard)) return;
  const state::Group* group = shard.machine.group(*conversation);
  if (group == nullptr || shard::find_member(*group, user) == nullptr) return;
  std::vector<gateway::Watcher> members;
  for (const peer::Watcher& watcher : typing.watchers()) {
    if (shard::find_member(*group, UserId(watcher.user())) == nullptr) continue;
    members.push_back({NodeId(watcher.node()), SessionId(watcher.session()), UserId(watcher.user())});
  }
  if (members.empty()) return;
  CHASQUI_MARK("group_typing_told");
  tell_typing_to(now, members, *conversation, user, typing.is_over(), out);
}

void Node::Impl::tell_typing_to(Now now, const std::vector<gateway::Watcher>& watchers,
                                const ConversationId& conversation, UserId user, bool is_over, Outputs& out) {
  client::ServerFrame frame;
  client::Typing& told = *frame.mutable_typing();
  told.set_conversation(conversation.str());
  told.set_user(user.value());
  told.set_is_over(is_over);
  tell_watchers(now, watchers, frame, out);
}

void Node::Impl::tell_presence(Now now, Shard& shard, Outputs& out) {
  const auto is_online = [&shard](UserId user) { return shard.registry.online(user); };
  for (const gateway::Watchers::Change& change : shard.watchers.look(now, is_online)) {
    CHASQUI_MARK("presence_told");
    client::ServerFrame frame;
    client::Presence& presence = *frame.mutable_presences()->add_presences();
    presence.set_user(change.user.value());
    presence.set_is_online(change.is_online);
    if (!change.is_online) presence.set_last_seen_ms(gateway::rounded_last_seen_ms(now.wall.ms, now.wall));
    tell_watchers(now, shard.watchers.of(change.user, now), frame, out);
  }
}

void Node::Impl::tell_watchers(Now now, const std::vector<gateway::Watcher>& watchers, const client::ServerFrame& frame,
                               Outputs& out) {
  absl::btree_map<NodeId, std::vector<SessionId>> at;
  for (const gateway::Watcher& watcher : watchers) at[watcher.node].push_back(watcher.session);
  for (const auto& [node, sessions] : at) {
    if (node == config_.node) {
      gateway_.ephemeral(now, sessions, frame, out);
      continue;
    }
    std::vector<peer::PeerFrame>& frames = to_peer(node).others;
    if (frames.empty() || !frames.back().has_ephemerals() || frames.back().ephemerals().items_size() >= 256) {
      frames.emplace_back();
    }
    peer::EphemeralItem& item = *frames.back().mutable_ephemerals()->add_items();
    for (const SessionId session : sessions) item.add_sessions(session.value());
    item.set_frame(frame.SerializeAsString());
  }
}

}  // namespace chasqui
