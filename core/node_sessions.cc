// How sessions at any node are told what happens to their users. Over 400 lines because both ends of that talk are
// here.
//
// The leader of a user's shard knows at which nodes the user has sessions (gateway/registry.h), and tells those nodes.
// A node tells each new leader which sessions it has, and up to which version of the index they were told; the leader
// finds in its store what they lack. So nothing is lost when a leader dies, though all of this is soft state. Until all
// that a list of sessions lacks has been told, what those sessions hear does not raise the version they are at: else
// the next leader, if this one dies meanwhile, would begin above a gap. That it has been told is said by all_told.
#include <algorithm>
#include <tuple>
#include <utility>

#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/gateway/frames_out.h"
#include "core/node_impl.h"
#include "core/shard/gates.h"

namespace chasqui {
namespace {

constexpr std::size_t sessions_per_registration = 4096;  // some 150 KB of a frame
constexpr std::size_t sessions_per_read = 32;
constexpr std::size_t heads_per_read = 64;

constexpr Version last_version{~std::uint64_t{0}};

void put(const gateway::Gateway::OfShard& session, peer::Registration& list) {
  peer::RegisteredSession& entry = *list.add_sessions();
  entry.set_session(session.session.value());
  entry.set_user(session.user.value());
  entry.set_device(static_cast<std::uint32_t>(session.device.value()));
  entry.set_generation(session.generation);
  entry.set_version(session.version.value());
}

gateway::Standing standing_of(const peer::HeadMoved& head) {
  gateway::Standing standing{head.hides(), std::nullopt, head.is_invitation(), head.is_news()};
  if (head.has_gate() && client::Gate_IsValid(static_cast<int>(head.gate()))) {
    standing.gate = static_cast<client::Gate>(head.gate());
  }
  return standing;
}

}  // namespace

// ------------------------------------------------------------------------------------------------ the leader tells

peer::Tell& Node::Impl::new_tell(Shard& shard, NodeId to, UserId user) {
  peer::Tell& tell = *to_peer(to).tells[shard.id].add_tells();
  tell.set_user(user.value());
  return tell;
}

void Node::Impl::tell_push(Now now, Shard& shard, const peer::NotifyItem& item, Outputs& out) {
  const UserId user(item.user());
  const auto conversation = ConversationId::parse(item.conversation());
  if (!conversation) return;
  for (const NodeId node : shard.registry.nodes_of(user)) {
    if (node == config_.node) {
      gateway_.push(now, user, *conversation, Seq(item.head()), item.event(), out);
      continue;
    }
    peer::NotifyItem& push = *new_tell(shard, node, user).mutable_push();
    push.set_conversation(item.conversation());
    push.set_head(item.head());
    push.set_event(item.event());
  }
}

// One event for all users of a group who are led here: once for each node at which some of them are.
void Node::Impl::tell_group_push(Now now, Shard& shard, const peer::NotifyItem& item, Outputs& out) {
  const auto conversation = ConversationId::parse(item.conversation());
  if (!conversation) return;
  absl::btree_map<NodeId, std::vector<UserId>> at;
  for (const std::uint64_t user : item.users()) {
    for (const NodeId node : shard.registry.nodes_of(UserId(user))) at[node].emplace_back(user);
  }
  for (const auto& [node, users] : at) {
    if (node == config_.node) {
      gateway_.push(now, users, *conversation, Seq(item.head()), item.event(), out);
      continue;
    }
    peer::NotifyItem& push = *new_tell(shard, node, UserId()).mutable_push();
    push.set_conversation(item.conversation());
    push.set_head(item.head());
    push.set_event(item.event());
    for (const UserId user : users) push.add_users(user.value());
  }
}

void Node::Impl::tell_head(Now now, Shard& shard, const shard::IndexMoved& moved, Outputs& out) {
  for (const NodeId node : shard.registry.nodes_of(moved.user)) {
    if (node == config_.node) {
      const gateway::Standing standing{moved.hides, moved.gate, moved.is_invitation, moved.gate_is_news};
      gateway_.head_moved(now, moved.user, moved.conversation,
                          {moved.marks, moved.version, standing, moved.beside_events}, is_whole(shard.id), out);
      continue;
    }
    peer::HeadMoved& head = *new_tell(shard, node, moved.user).mutable_head();
    head.set_conversation(moved.conversation.str());
    put_index_marks(moved.marks, head);
    head.set_beside_events(moved.beside_events);
    head.set_version(moved.version.value());
    head.set_hides(moved.hides);
    head.set_gate(static_cast<std::uint32_t>(moved.gate));
    head.set_is_invitation(moved.is_invitation);
    head.set_is_news(moved.gate_is_news);
  }
}

void Node::Impl::tell_device_gone(Now, Shard& shard, UserId user, DeviceId device, Outputs& out) {
  if (CHASQUI_CANARY("token_cached")) return;
  shard.registry.device_gone(user, device);
  for (const NodeId node : shard.registry.nodes_of(user)) {
    if (node == config_.node) {
      gateway_.device_gone(user, device, out);
    } else {
      new_tell(shard, node, user).set_device_gone(static_cast<std::uint32_t>(device.value()));
    }
  }
}

void Node::Impl::tell_replaced(Now, Shard& shard, const std::vector<gateway::Registered>& replaced, Outputs& out) {
  for (const gateway::Registered& entry : replaced) {
    if (entry.node == config_.node) {
      gateway_.replaced(entry.user, entry.session, out);
    } else {
      CHASQUI_MARK("replaced_elsewhere");
      new_tell(shard, entry.node, entry.user).mutable_ended()->set_session(entry.session.value());
    }
  }
}

// ---------------------------------------------------------------------------- the gateway registers, and is told

void Node::Impl::register_all(Now now, ShardId id, Outputs& out) {
  const router::Route route = router_.of(id);
  Told& told = told_[id];
  told = {route.leader, 0, 0, 0, false};
  const std::vector<gateway::Gateway::OfShard> sessions = gateway_.of_shard(id);
  if (sessions.empty() || !route.leader || CHASQUI_CANARY("registry_lost")) return;
  CHASQUI_MARK("sessions_registered");
  const std::uint64_t round = told.round = ++last_round_;
  peer::Registration registration;
  registration.set_shard(static_cast<std::uint32_t>(id.value()));
  registration.set_round(round);
  for (const gateway::Gateway::OfShard& session : sessions) {
    if (static_cast<std::size_t>(registration.sessions_size()) >= sessions_per_registration) {
      registration.set_more(true);
      leave_list(now, registration, out);
      registration.clear_sessions();
    }
    put(session, registration);
  }
  registration.set_more(false);
  leave_list(now, registration, out);
}

void Node::Impl::register_again(Now now, const gateway::Gateway::OfShard& session, Outputs& out) {
  const router::Route route = router_.of_user(session.user);
  if (!route.leader) return;  // all are registered once it is known
  peer::Registration registration;
  registration.set_shard(static_cast<std::uint32_t>(route.shard.value()));
  registration.set_round(told_[route.shard].round);
  put(session, registration);
  leave_list(now, registration, out);
}

void Node::Impl::leave_list(Now now, const peer::Registration& list, Outputs& out) {
  const router::Route route = router_.of(ShardId(list.shard()));
  ++told_[route.shard].catching_up;
  if (route.here) return take(now, config_.node, list, out);
  *to_peer(route.leader).first.emplace_back().mutable_registration() = list;
}

void Node::Impl::tell_gone_sessions() {
  for (const gateway::Gateway::Gone& gone : gateway_.take_gone()) tell_gone(gone.shard, gone.session);
}

void Node::Impl::tell_gone(ShardId shard, SessionId session) {
  const router::Route route = router_.of(shard);
  if (route.here) return shard_at(shard).registry.remove(config_.node, session);
  if (!route.leader) return;
  std::vector<peer::PeerFrame>& frames = to_peer(route.leader).others;
  if (frames.empty() || !frames.back().has_sessions_gone() || frames.back().sessions_gone().shard() != shard.value()) {
    frames.emplace_back().mutable_sessions_gone()->set_shard(static_cast<std::uint32_t>(shard.value()));
  }
  frames.back().mutable_sessions_gone()->add_sessions(session.value());
}

void Node::Impl::take(Now now, NodeId from, const peer::Tells& tells, Outputs& out) {
  if (tells.shard() >= shards_.size()) return;
  const ShardId id(tells.shard());
  Told* told = told_.find(id);
  if (told == nullptr || told->leader != from) return;
  if (tells.round() == told->round) {
    const bool is_next = tells.number() == told->number + 1;
    if (!is_next || CHASQUI_MAYBE("tells_lost")) {
      CHASQUI_MARK("tells_lost");
      return register_all(now, id, out);
    }
    told->number = tells.number();
  }  // else of a round that is being replaced: true all the same
  for (const peer::Tell& tell : tells.tells()) {
    const UserId user(tell.user());
    if (tell.has_group_told()) {
      std::vector<UserId> users;
      for (const std::uint64_t one : tell.group_told().users()) {
        if (router_.of_user(UserId(one)).shard == id) users.emplace_back(one);
      }
      client::ServerFrame frame;
      const bool is_good = frame.ParseFromString(tell.group_told().frame()) && frame.has_group_receipts();
      if (is_good) gateway_.group_receipts(now, users, frame.group_receipts(), out);
      continue;
    }
    if (tell.what_case() == peer::Tell::kAllTold) {
      list_done(id, tell.all_told());
      continue;
    }
    if (tell.has_push() && !tell.push().users().empty()) {
      const auto conversation = ConversationId::parse(tell.push().conversation());
      std::vector<UserId> users;
      for (const std::uint64_t one : tell.push().users()) {
        if (router_.of_user(UserId(one)).shard == id) users.emplace_back(one);
      }
      if (conversation) gateway_.push(now, users, *conversation, Seq(tell.push().head()), tell.push().event(), out);
      continue;
    }
    if (router_.of_user(user).shard != id) continue;
    if (tell.has_push()) {
      const auto conversation = ConversationId::parse(tell.push().conversation());
      if (conversation) gateway_.push(now, user, *conversation, Seq(tell.push().head()), tell.push().event(), out);
    } else if (tell.has_head()) {
      const auto conversation = ConversationId::parse(tell.head().conversation());
      if (!conversation) continue;
      const peer::HeadMoved& head = tell.head();
      gateway_.head_moved(now, user, *conversation,
                          {index_marks_of(head), Version(head.version()), standing_of(head), head.beside_events()},
                          is_whole(id), out);
    } else if (tell.what_case() == peer::Tell::kReceipt) {
      client::Receipt receipt;
      if (receipt.ParseFromString(tell.receipt())) gateway_.receipt(now, user, receipt, out);
    } else if (tell.what_case() == peer::Tell::kDeviceGone) {
      gateway_.device_gone(user, DeviceId(tell.device_gone()), out);
    } else if (tell.has_privacy()) {
      gateway_.privacy_moved(user, tell.privacy().changes(), tell.privacy().reads_private());
    } else if (tell.has_ended()) {
      gateway_.replaced(user, SessionId(tell.ended().session()), out);
    }
  }
}

// ----------------------------------------------------------------------------- the leader takes what is registered

void Node::Impl::take(Now now, NodeId from, const peer::Registration& registration, Outputs& out) {
  if (registration.shard() >= shards_.size()) return;
  Shard* shard = led(ShardId(registration.shard()));
  if (shard == nullptr) return;  // whoever leads says so to that node
  if (shard->registry.round(from) != registration.round()) {
    shard->registry.begin_round(from, registration.round(), now);
  }
  std::vector<peer::RegisteredSession> standing;
  for (const peer::RegisteredSession& session : registration.sessions()) {
    const gateway::Registered entry{from, SessionId(session.session()), UserId(session.user()),
                                    DeviceId(session.device()), session.generation()};
    if (router_.of_user(entry.user).shard != shard->id) continue;
    std::vector<gateway::Registered> replaced;
    if (!shard->registry.add(entry, now, replaced)) {
      tell_replaced(now, *shard, {entry}, out);
      continue;
    }
    tell_replaced(now, *shard, replaced, out);
    standing.push_back(session);
  }
  const auto list = std::make_shared<CatchUp>(CatchUp{from, registration.round(), 1});
  for (std::size_t i = 0; i < standing.size(); i += sessions_per_read) {
    const auto begin = standing.begin() + static_cast<std::ptrdiff_t>(i);
    const auto end = standing.begin() + static_cast<std::ptrdiff_t>(std::min(i + sessions_per_read, standing.size()));
    catch_up(now, *shard, list, {begin, end}, out);
  }
  all_told(*shard, list);
}

// One read less is under way for that list; after the last its node hears that this was all.
void Node::Impl::all_told(Shard& shard, const CatchUpPtr& list) {
  if (--list->reads > 0) return;
  if (list->node == config_.node) return list_done(shard.id, list->round);
  new_tell(shard, list->node, UserId()).set_all_told(list->round);
}

void Node::Impl::list_done(ShardId shard, std::uint64_t round) {
  Told* told = told_.find(shard);
  if (told == nullptr || told->round != round || told->catching_up == 0) return;
  if (--told->catching_up == 0) gateway_.caught_up(shard);
}

bool Node::Impl::is_whole(ShardId shard) const {
  const Told* told = told_.find(shard);
  return told == nullptr || told->catching_up == 0;
}

// Is each of these devices still logged in, and what changed in its user's index since it was last told?
void Node::Impl::catch_up(Now now, Shard& shard, const CatchUpPtr& list, std::vector<peer::RegisteredSession> sessions,
                          Outputs& out) {
  std::vector<RangeRead> ranges;
  for (const peer::RegisteredSession& session : sessions) {
    const UserId user(session.user());
    ranges.push_back(RangeRead::row(keys::device(shard.id, user, DeviceId(session.device()))));
    RangeRead changed;
    const Version told(session.version());
    changed.begin = keys::version(shard.id, user, told == last_version ? told : told.next());
    changed.end = keys::version(shard.id, user, last_version);
    changed.rows_max = config_.limits.page_events_max;
    changed.bytes_max = config_.limits.page_bytes_max;
    ranges.push_back(std::move(changed));
    ranges.push_back(RangeRead::row(keys::account(shard.id, user)));
  }
  const RaftTerm term = shard.replica.term();
  const bool asked = read(
      std::move(ranges),
      [this, &shard, list, sessions, term](Now then, ReadDone& done, Outputs& more) {
        if (!shard.led || shard.replica.term() != term || done.results.size() != 3 * sessions.size()) return;
        caught_up(then, shard, list, sessions, done, more);
        all_told(shard, list);
      },
      out);
  // No room for a read: without it these sessions would miss something, so the node is to register them again.
  ++list->reads;  // for ever, if it was not asked: such a list is never done
  if (asked) return;
  CHASQUI_MARK("catch_up_put_off");
  shard.registry.begin_round(list->node, 0, now);
}

void Node::Impl::caught_up(Now now, Shard& shard, const CatchUpPtr& list,
                           const std::vector<peer::RegisteredSession>& sessions, ReadDone& done, Outputs& out) {
  const NodeId node = list->node;
  std::vector<Lacking> lacking;
  std::vector<peer::RegisteredSession> further;  // more has changed than one read holds
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    const UserId user(sessions[i].user());
    if (done.results[3 * i].rows.empty()) {
      CHASQUI_MARK("registered_but_revoked");
      if (node == config_.node) {
        gateway_.device_gone(user, DeviceId(sessions[i].device()), out);
      } else {
        new_tell(shard, node, user).set_device_gone(sessions[i].device());
      }
      continue;
    }
    state::Account account;
    const std::vector<Row>& accounts = done.results[3 * i + 2].rows;
    if (!accounts.empty() && account.ParseFromString(accounts[0].value) && account.privacy_changes() > 0) {
      tell_privacy(shard, node, {user, account.privacy_changes(), account.reads_private()});
    }
    const RangeResult& changed = done.results[3 * i + 1];
    for (const Row& row : changed.rows) {
      state::Version version;
      if (!version.ParseFromString(row.value)) continue;
      for (const std::string& bytes : version.conversations()) {
        if (const auto conversation = ConversationId::parse(bytes)) lacking.push_back({user, *conversation});
      }
    }
    if (!changed.more || changed.rows.empty()) continue;
    const auto key = keys::parse(changed.rows.back().key);
    if (!key) continue;
    further.push_back(sessions[i]);
    further.back().set_version(key->number);
  }
  // A user is told at once at all of his sessions there, however many of them lack it.
  const auto by_name = [](const Lacking& one) { return std::tie(one.user, one.conversation); };
  std::ranges::sort(lacking, {}, by_name);
  lacking.erase(std::ranges::unique(lacking, {}, by_name).begin(), lacking.end());
  for (std::size_t i = 0; i < lacking.size(); i += heads_per_read) {
    const auto begin = lacking.begin() + static_cast<std::ptrdiff_t>(i);
    const auto end = lacking.begin() + static_cast<std::ptrdiff_t>(std::min(i + heads_per_read, lacking.size()));
    tell_lacking(now, shard, list, {begin, end}, out);
  }
  if (!further.empty()) catch_up(now, shard, list, std::move(further), out);
}

void Node::Impl::tell_lacking(Now now, Shard& shard, const CatchUpPtr& list, std::vector<Lacking> lacking,
                              Outputs& out) {
  std::vector<RangeRead> rows;
  rows.reserve(lacking.size());
  for (const Lacking& lack : lacking) {
    rows.push_back(RangeRead::row(keys::index(shard.id, lack.user, lack.conversation)));
  }
  const RaftTerm term = shard.replica.term();
  const bool asked = read(
      std::move(rows),
      [this, &shard, list, lacking, term](Now then, ReadDone& done, Outputs& more) {
        if (!shard.led || shard.replica.term() != term) return;
        const NodeId node = list->node;
        for (std::size_t i = 0; i < lacking.size() && i < done.results.size(); ++i) {
          state::Index row;
          if (done.results[i].rows.empty() || !row.ParseFromString(done.results[i].rows[0].value)) continue;
          const client::Gate gate = shard::gate_of(row, lacking[i].conversation);
          const bool is_news = gate != client::OPEN || row.stance() != 0 || shard::is_invitation(row);
          if (row.head() == 0 && !is_news) continue;
          CHASQUI_MARK("lacking_head_told");
          if (node == config_.node) {
            const gateway::Standing standing{row.hides(), gate, shard::is_invitation(row), true};
            gateway_.head_moved(then, lacking[i].user, lacking[i].conversation,
                                {index_marks_of(row), Version(row.version()), standing}, is_whole(shard.id), more);
            continue;
          }
          peer::HeadMoved& head = *new_tell(shard, node, lacking[i].user).mutable_head();
          head.set_conversation(lacking[i].conversation.str());
          put_index_marks(index_marks_of(row), head);
          head.set_beside_events(true);
          head.set_version(row.version());
          head.set_hides(row.hides());
          head.set_gate(static_cast<std::uint32_t>(gate));
          head.set_is_invitation(shard::is_invitation(row));
          head.set_is_news(true);
        }
        all_told(shard, list);
      },
      out);
  ++list->reads;
  if (!asked) shard.registry.begin_round(list->node, 0, now);
}

void Node::Impl::take(Now now, NodeId from, const peer::Renewal& renewal) {
  for (const peer::RenewedShard& renewed : renewal.shards()) {
    if (renewed.shard() >= shards_.size()) continue;
    Shard* shard = led(ShardId(renewed.shard()));
    if (shard == nullptr) continue;
    const gateway::SessionSum sum{renewed.count(), renewed.hash()};
    if (shard->registry.renewed(from, renewed.round(), sum, renewed.told(), now)) continue;
    CHASQUI_MARK("sums_differ");
    to_peer(from).others.emplace_back().mutable_register_again()->set_shard(renewed.shard());
  }
}

}  // namespace chasqui
