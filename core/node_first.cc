// Who has blocked whom, as far as several shards are concerned (docs/decisions/0013-gates.md).
//
// What a user has said of others is known to the leader of the user's shard (node_gates.cc). So the leader of a
// conversation's shard asks that one before somebody writes there for the first time, and before people are added to a
// group; and the sender's own, whether he does so too often. What waits for an answer is proposed in the order in which
// it came; without an answer in time it is refused, and certainly not stored.
#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/points.h"
#include "core/node_impl.h"
#include "core/shard/direct.h"
#include "core/shard/gates.h"
#include "core/shard/sender_row.h"

namespace chasqui {
namespace {

constexpr char not_asked[] = "the other's shard did not answer in time: it was not stored, try again";
constexpr char too_many_wait[] = "too many first messages wait for an answer: try again";

// Whom a change would make members of the group, but for who does it.
std::vector<UserId> added_by(const log::Send& send) {
  std::vector<UserId> users;
  client::GroupChange change;
  if (send.change().empty() || !change.ParseFromString(send.change())) return users;
  const auto take = [&](const auto& ids) {
    for (const std::uint64_t id : ids) {
      if (is_valid(UserId(id)) && id != send.sender()) users.emplace_back(id);
    }
  };
  if (change.has_create()) take(change.create().members());
  if (change.has_add()) take(change.add().users());
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  return users.size() < bounds::group_members_max ? users : std::vector<UserId>();  // else it is refused anyway
}

MonoTime half_way(Now now, MonoTime deadline) {
  return deadline <= now.mono ? now.mono : now.mono + Duration{(deadline - now.mono).ns / 2};
}

}  // namespace

bool Node::Impl::needs_gates(Shard& shard, const log::Send& send) {
  const auto conversation = ConversationId::parse(send.conversation());
  const UserId sender(send.sender());
  const DeviceId device(send.device());
  if (!conversation || send.refused() != 0) return false;
  if (conversation->is_group()) {
    if (added_by(send).empty()) return false;
    return OutboxSeq(send.outbox_seq()) >= next_number(shard, *conversation, sender, device);
  }
  const UserId other = shard::other_of(*conversation, sender);
  if (other == sender) return false;
  if (OutboxSeq(send.outbox_seq()) < next_number(shard, *conversation, sender, device)) return false;
  const state::Header* header = shard.machine.header(*conversation);
  if (header == nullptr) return true;
  const state::DirectMember& own = *shard::member(header, *conversation, sender);
  const state::DirectMember& recipient = *shard::member(header, *conversation, other);
  const bool is_known = recipient.stance_version() > 0;
  return !is_known || (!own.opened() && shard::gate_of(recipient) != client::OPEN);
}

void Node::Impl::send_gated(Now now, Shard& shard, log::Command command, SendOrigin origin, MonoTime deadline,
                            Outputs& out) {
  const Gated::Key key{origin.conversation, UserId(command.send().sender())};
  origin.sender = key.second;
  const auto found = shard.gated.find(key);
  if (found == shard.gated.end() && !needs_gates(shard, command.send())) {
    (void)propose_send(now, shard, command, std::move(origin), deadline, out);
    return;
  }
  if (shard.gated_waiting >= config_.limits.shard_waiting_commands_max) {
    Origin refused = std::move(origin);
    return fail(shard, refused, gateway::Refusal{client::RESOURCE_EXHAUSTED, too_many_wait, 500, OutboxSeq()}, now,
                out);
  }
  Gated& gated = shard.gated[key];
  gated.sends.push_back({std::move(command), std::move(origin), deadline});
  ++shard.gated_waiting;
  if (gated.round == 0) next_gated(now, shard, key, out);
}

bool Node::Impl::propose_send(Now now, Shard& shard, const log::Command& command, SendOrigin origin, MonoTime deadline,
                              Outputs& out) {
  const Asker asker = origin.asker;
  auto refused = enqueue(shard, command, std::move(origin), now, deadline, true);
  if (!refused) return true;
  if (const auto* refusal = std::get_if<gateway::Refusal>(&*refused)) {
    out.push_back(Note{NoteKind::CommandRefused, shard.id, {}, static_cast<std::uint64_t>(refusal->code), 0});
  }
  respond(now, asker, *std::move(refused), out);
  return false;
}

Node::Impl::Gated::Send Node::Impl::take_gated(Shard& shard, Gated& gated) {
  Gated::Send send = std::move(gated.sends.front());
  gated.sends.pop_front();
  --shard.gated_waiting;
  gated.round = 0;
  gated.answers.clear();
  return send;
}

// What waits is proposed, up to the next one about which something must be asked.
void Node::Impl::next_gated(Now now, Shard& shard, const Gated::Key& key, Outputs& out) {
  for (;;) {
    const auto found = shard.gated.find(key);
    if (found == shard.gated.end() || found->second.round != 0) return;
    Gated& gated = found->second;
    if (gated.sends.empty()) {
      if (gated.in_flight == 0) shard.gated.erase(found);
      return;
    }
    const log::Send& send = gated.sends.front().command.send();
    if (gated.known && send.refused() == 0) {
      propose_first(now, shard, key, *gated.known, out);
      continue;
    }
    if (needs_gates(shard, send)) return ask_gates(now, shard, key, out);
    Gated::Send next = take_gated(shard, gated);
    (void)propose_send(now, shard, next.command, std::move(next.origin), next.deadline, out);
  }
}

void Node::Impl::propose_first(Now now, Shard& shard, const Gated::Key& key, const log::KnownGate& known,
                               Outputs& out) {
  Gated& gated = shard.gated[key];
  Gated::Send send = take_gated(shard, gated);
  *send.command.mutable_send()->mutable_recipient() = known;
  SendOrigin origin = send.origin;
  origin.is_first = true;
  gated.known = known;
  ++gated.in_flight;
  if (!propose_send(now, shard, send.command, std::move(origin), send.deadline, out)) first_applied(shard, key);
}

// The header knows by now, or will never be told by this one.
void Node::Impl::first_applied(Shard& shard, const Gated::Key& key) {
  const auto found = shard.gated.find(key);
  if (found == shard.gated.end() || found->second.in_flight == 0) return;
  if (--found->second.in_flight > 0) return;
  found->second.known.reset();
  if (found->second.sends.empty()) shard.gated.erase(found);
}

// About the first one that waits: to whom it goes, or whom it adds. Who adds people is counted first, since that asks
// many shards; who writes to somebody, once it is known that it is a stranger.
void Node::Impl::ask_gates(Now now, Shard& shard, const Gated::Key& key, Outputs& out) {
  Gated& gated = shard.gated[key];
  gated.round = ++last_gate_round_;
  gated.is_charged = false;
  const auto& [conversation, sender] = key;
  if (conversation.is_group()) {
    peer::GateQuery query;
    query.set_adds(static_cast<std::uint32_t>(added_by(gated.sends.front().command.send()).size()));
    return charge(now, shard, key, std::move(query), out);
  }
  CHASQUI_MARK("gate_asked");
  ask_users(now, shard, key, {shard::other_of(conversation, sender)}, out);
}

void Node::Impl::charge(Now now, Shard& shard, const Gated::Key& key, peer::GateQuery query, Outputs& out) {
  Gated& gated = shard.gated[key];
  gated.is_charged = true;
  gated.asked = 1;
  query.set_who(key.second.value());
  ask_shard(now, shard, key, router_.of_user(key.second).shard, std::move(query), out);
}

void Node::Impl::ask_users(Now now, Shard& shard, const Gated::Key& key, const std::vector<UserId>& users,
                           Outputs& out) {
  absl::btree_map<ShardId, peer::GateQuery> queries;
  for (const UserId user : users) {
    peer::GateQuery& query = queries[router_.of_user(user).shard];
    query.set_who(key.second.value());
    query.add_users(user.value());
  }
  shard.gated[key].asked = queries.size();
  for (auto& [id, query] : queries) ask_shard(now, shard, key, id, std::move(query), out);
}

void Node::Impl::ask_shard(Now now, Shard& shard, const Gated::Key& key, ShardId of, peer::GateQuery query,
                           Outputs& out) {
  const auto found = shard.gated.find(key);
  if (found == shard.gated.end() || found->second.round == 0) return;  // an earlier one of these was refused
  std::vector<UserId> users;
  for (const std::uint64_t user : query.users()) users.emplace_back(user);
  const MonoTime deadline = half_way(now, found->second.sends.front().deadline);
  ask(now, of, deadline,
      ShardAsk{std::move(query),
               [this, id = shard.id, term = shard.replica.term(), key, round = found->second.round, users](
                   Now then, Outcome& what, Outputs& outputs) {
                 Shard& asking = shard_at(id);
                 if (!asking.led || asking.replica.term() != term) return;
                 gates_answered(then, asking, key, round, users, what, outputs);
               }},
      out);
}

void Node::Impl::gates_answered(Now now, Shard& shard, const Gated::Key& key, std::uint64_t round,
                                const std::vector<UserId>& users, Outcome& what, Outputs& out) {
  const auto found = shard.gated.find(key);
  if (found == shard.gated.end() || found->second.round != round) return;
  Gated& gated = found->second;
  const auto* told = std::get_if<peer::GateAnswers>(&what);
  if (told == nullptr || static_cast<std::size_t>(told->answers_size()) != users.size()) {
    gateway::Refusal refusal{client::UNAVAILABLE, not_asked, 200, OutboxSeq()};
    const auto* refused = std::get_if<gateway::Refusal>(&what);
    if (refused != nullptr && refused->code == client::RESOURCE_EXHAUSTED) refusal = *refused;
    CHASQUI_MARK("gate_unanswered");
    return fail_gated(now, shard, key, refusal, out);
  }
  for (std::size_t i = 0; i < users.size(); ++i) gated.answers[users[i]] = told->answers(static_cast<int>(i));
  if (--gated.asked > 0) return;
  if (key.first.is_group()) return group_answered(now, shard, key, out);
  direct_answered(now, shard, key, out);
}

void Node::Impl::direct_answered(Now now, Shard& shard, const Gated::Key& key, Outputs& out) {
  const auto& [conversation, sender] = key;
  Gated& gated = shard.gated[key];
  const UserId other = shard::other_of(conversation, sender);
  const peer::GateAnswer answer = gated.answers[other];
  const state::Header* header = shard.machine.header(conversation);
  const state::DirectMember* own = shard::member(header, conversation, sender);
  const state::DirectMember* recipient = shard::member(header, conversation, other);
  // Whether the other has blocked the sender makes no difference: nor must it be seen by how often he may try.
  const bool is_let_in = answer.stance() == state::ACCEPTED || (recipient != nullptr && recipient->opened());
  const bool has_written = own != nullptr && own->opened();
  if (!gated.is_charged && !has_written && (!is_let_in || answer.stance() == state::BLOCKED)) {
    peer::GateQuery query;
    query.set_first_messages(1);
    return charge(now, shard, key, std::move(query), out);
  }
  log::KnownGate known;
  known.set_stance(answer.stance());
  known.set_version(answer.version());
  propose_first(now, shard, key, known, out);
  next_gated(now, shard, key, out);
}

void Node::Impl::group_answered(Now now, Shard& shard, const Gated::Key& key, Outputs& out) {
  Gated& gated = shard.gated[key];
  if (gated.answers.empty()) {  // he may add so many
    const std::vector<UserId> users = added_by(gated.sends.front().command.send());
    return ask_users(now, shard, key, users, out);
  }
  log::Send& send = *gated.sends.front().command.mutable_send();
  for (const auto& [user, answer] : gated.answers) {
    if (answer.may_add()) continue;
    send.add_not_added(user.value());
    if (answer.may_invite()) send.add_invitations(user.value());
  }
  Gated::Send first = take_gated(shard, gated);
  (void)propose_send(now, shard, first.command, std::move(first.origin), first.deadline, out);
  next_gated(now, shard, key, out);
}

// None of what waits is proposed: what follows would leave a gap.
void Node::Impl::fail_gated(Now now, Shard& shard, const Gated::Key& key, const Outcome& what, Outputs& out) {
  const auto found = shard.gated.find(key);
  if (found == shard.gated.end()) return;
  std::deque<Gated::Send> sends;
  sends.swap(found->second.sends);
  shard.gated_waiting -= sends.size();
  found->second.round = 0;
  found->second.answers.clear();
  if (found->second.in_flight == 0) shard.gated.erase(found);
  for (Gated::Send& send : sends) {
    Origin origin = std::move(send.origin);
    fail(shard, origin, what, now, out);
  }
}

// It is not led here any more.
void Node::Impl::drop_gated(Now now, Shard& shard, Outputs& out) {
  absl::btree_map<Gated::Key, Gated> all;
  all.swap(shard.gated);
  shard.gated_waiting = 0;
  for (auto& [key, gated] : all) {
    for (Gated::Send& send : gated.sends) {
      Origin origin = std::move(send.origin);
      fail(shard, origin, moved(shard.id), now, out);
    }
  }
}

}  // namespace chasqui
