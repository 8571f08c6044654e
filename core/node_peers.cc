// Frames from and to other nodes, who leads what, and what nodes do for the cluster each second.
#include <algorithm>
#include <utility>

#include "core/base/points.h"
#include "core/node_impl.h"

namespace chasqui {
namespace {

constexpr Duration beat_every = seconds(1);
constexpr std::uint64_t beats_per_renewal = 5;
// What is gathered for one peer leaves in frames of about this size: below peer_frame_bytes_max with any one element.
constexpr std::size_t frame_bytes_aimed_at = 1024 * 1024;

// One repeated field as as many frames as it takes; `own` gives a frame's field.
template <class Repeated, class Own>
void in_parts(NodeId to, Repeated& elements, Own own, Outputs& out) {
  peer::PeerFrame frame;
  std::size_t bytes = 0;
  for (auto& element : elements) {
    const std::size_t size = element.ByteSizeLong();
    if (bytes > 0 && bytes + size > frame_bytes_aimed_at) {
      out.push_back(PeerSend{to, frame.SerializeAsString()});
      frame.Clear();
      bytes = 0;
    }
    bytes += size + 8;
    own(frame)->Add()->Swap(&element);
  }
  if (bytes > 0) out.push_back(PeerSend{to, frame.SerializeAsString()});
}

}  // namespace

// ------------------------------------------------------------------------------------------------------- frames in

void Node::Impl::input(Now now, PeerFrame& in, Outputs& out) {
  const bool is_member = std::any_of(config_.members.begin(), config_.members.end(),
                                     [&](const Member& member) { return member.node == in.from; });
  peer::PeerFrame frame;
  if (!is_member || in.from == config_.node || in.bytes.size() > bounds::peer_frame_bytes_max ||
      !frame.ParseFromString(in.bytes)) {
    out.push_back(Note{NoteKind::PeerFrameDropped, {}, {}, in.from.value(), in.bytes.size()});
    return;
  }
  switch (frame.body_case()) {
    case peer::PeerFrame::kRaft: return take(now, in.from, frame.raft(), out);
    case peer::PeerFrame::kNotify: return take_peer_notify(now, in.from, frame.notify(), out);
    case peer::PeerFrame::kNotifies: return take(now, in.from, *frame.mutable_notifies(), out);
    case peer::PeerFrame::kNotifyAck: return take_acknowledgement(frame.notify_ack());
    case peer::PeerFrame::kReceipts:
      for (const peer::ReceiptItem& item : frame.receipts().items()) {
        take(now, item, out);
      }
      return;
    case peer::PeerFrame::kAsks:
      for (const peer::Ask& ask : frame.asks().asks()) take_ask(now, in.from, ask, out);
      return;
    case peer::PeerFrame::kAnswers:
      for (const peer::Answer& answer : frame.answers().answers()) take_answer(now, in.from, answer, out);
      return;
    case peer::PeerFrame::kLeads: return take(now, in.from, frame.leads(), out);
    case peer::PeerFrame::kTells: return take(now, in.from, frame.tells(), out);
    case peer::PeerFrame::kRegistration: return take(now, in.from, frame.registration(), out);
    case peer::PeerFrame::kSessionsGone: {
      if (frame.sessions_gone().shard() >= shards_.size()) return;
      Shard* shard = led(ShardId(frame.sessions_gone().shard()));
      if (shard == nullptr) return;
      for (const std::uint64_t session : frame.sessions_gone().sessions()) {
        shard->registry.remove(in.from, SessionId(session));
      }
      return;
    }
    case peer::PeerFrame::kRenewal: return take(now, in.from, frame.renewal());
    case peer::PeerFrame::kRegisterAgain: {
      if (frame.register_again().shard() >= shards_.size()) return;
      const ShardId id(frame.register_again().shard());
      if (router_.of(id).leader == in.from) register_all(now, id, out);
      return;
    }
    case peer::PeerFrame::kClock:
      clock_ahead_ms_[in.from] = frame.clock().wall_ms() - now.wall.ms;
      unfit_.erase(in.from);
      if (frame.clock().unfit()) unfit_.insert(in.from);
      reaches_[in.from] = frame.clock().reaches();
      return judge_clock();
    case peer::PeerFrame::kSnapshotPull:
    case peer::PeerFrame::kSnapshotChunk:
    case peer::PeerFrame::kSnapshotRefusal: return stream_frame(now, in.from, frame, out);
    case peer::PeerFrame::kShardHash: return hash_told(in.from, frame.shard_hash(), out);
    case peer::PeerFrame::kEphemerals: return take(now, frame.ephemerals(), out);
    case peer::PeerFrame::kHello:  // the link's own
    case peer::PeerFrame::kPing:
    case peer::PeerFrame::kClosing:
    case peer::PeerFrame::BODY_NOT_SET: break;
  }
  out.push_back(Note{NoteKind::PeerFrameDropped, {}, {}, in.from.value(), in.bytes.size()});
}

void Node::Impl::take(Now now, NodeId from, const peer::RaftFrame& frame, Outputs& out) {
  for (const peer::RaftMessage& message : frame.messages()) {
    if (message.shard() >= shards_.size() || message.from() != from.value()) continue;
    Shard* shard = held(ShardId(message.shard()));
    if (shard == nullptr) continue;
    if (message.has_append() && !shard->committed_at_start && replaying_.contains(shard->id)) {
      shard->committed_at_start = RaftIndex(message.append().commit());
    }
    // The library gives no vote while a state comes. Where its source is silent that would be for nothing, and the vote
    // may be the one that is needed: the candidate asks again.
    if (message.has_vote() && shard->replica.installing() && !shard->replica.hears_leader(now)) {
      sink_.vote_wanted(now, shard->id, from, out);
    }
    replica::Outputs outputs;
    shard->replica.receive(now, message, outputs, may_install(*shard));
    take(*shard, outputs, out);
    touched_.insert(shard->id);
  }
}

// ------------------------------------------------------------------------------------------------- who leads what

void Node::Impl::announce(ShardId shard) {
  for (const Member& member : config_.members) {
    if (member.node == config_.node) continue;
    peer::Lead& lead = *to_peer(member.node).leads.add_shards();
    lead.set_shard(static_cast<std::uint32_t>(shard.value()));
    lead.set_term(router_.term(shard).value());
  }
}

void Node::Impl::take(Now now, NodeId from, const peer::Leads& leads, Outputs& out) {
  for (const peer::Lead& lead : leads.shards()) {
    if (lead.shard() >= shards_.size()) continue;
    const ShardId shard(lead.shard());
    if (RaftTerm(lead.term()) < router_.term(shard)) continue;
    if (Shard* ours = led(shard)) {
      CHASQUI_MARK("deposed_by_announcement");
      ours->announced = {from, RaftTerm(lead.term())};
      continue;
    }
    const bool is_known = router_.of(shard).leader == from && router_.term(shard) == RaftTerm(lead.term());
    if (is_known) continue;  // said each few seconds, in case it was lost
    router_.leads(shard, from, RaftTerm(lead.term()));
    leader_known(now, shard, out);
  }
}

// In this order: a session that is registered by an ask must not be forgotten by a list from before.
void Node::Impl::leader_known(Now now, ShardId shard, Outputs& out) {
  register_all(now, shard, out);
  asks_.moved(shard, router_.of(shard).leader);
  flush_waiting(now, shard, out);
  led_anew_.insert(shard);
}

// One walk for all that became known in a step: at a start each shard does.
void Node::Impl::resend_to_new_leaders(Now now) {
  if (led_anew_.empty()) return;
  for (const auto& source : shards_) {
    if (source == nullptr || !source->led || source->feed.owes_nothing()) continue;
    for (const ShardId shard : led_anew_) {
      if (!source->feed.owes(shard)) continue;
      source->feed.resend_to(shard, now);
      touched_.insert(source->id);
    }
  }
  led_anew_.clear();
}

void Node::Impl::input(Now now, PeerReachable& in, Outputs& out) {
  sink_.reachable(now, in.node, random_, last_stream_, out);
  reachable_[in.node] = now.mono;
  for (const auto& shard : shards_) {
    if (shard == nullptr) continue;
    shard->replica.link(ReplicaId(in.node.value()), true);
    if (!shard->led) continue;
    peer::Lead& lead = *to_peer(in.node).leads.add_shards();
    lead.set_shard(static_cast<std::uint32_t>(shard->id.value()));
    lead.set_term(shard->replica.term().value());
  }
}

void Node::Impl::input(Now now, PeerUnreachable& in, Outputs& out) {
  sink_.unreachable(now, in.node, in.is_dead, out);
  reachable_.erase(in.node);
  clock_ahead_ms_.erase(in.node);
  reaches_.erase(in.node);
  peer_lost_at_ = now.mono;
  router_.lost(in.node);
  asks_.lost(in.node);
  for (const auto& shard : shards_) {
    if (shard == nullptr) continue;
    const ReplicaId peer(in.node.value());
    shard->replica.link(peer, false);
    if (in.is_dead) shard->replica.peer_gone(now, peer);
    shard->registry.drop_node(in.node);
    touched_.insert(shard->id);
  }
}

// ------------------------------------------------------------------------------------------------- each second

void Node::Impl::beat(Now now, Outputs& out) {
  beat_due_ = now.mono + beat_every;
  ++beats_;
  const bool renew = beats_ % beats_per_renewal == 0;
  judge_disk(now, out);
  tell_clock(now);
  if (renew) {
    absl::btree_map<NodeId, peer::Renewal> renewals;
    std::vector<ShardId> unlike;
    for (const auto& [id, sessions] : gateway_.by_shard()) {
      const router::Route route = router_.of(id);
      if (!route.leader) continue;
      if (route.here) {
        if (shard_at(id).registry.count(config_.node) != sessions.size()) unlike.push_back(id);
        continue;
      }
      Told& told = told_[id];
      if (std::exchange(told.was_catching_up, told.catching_up > 0) && told.catching_up > 0) unlike.push_back(id);
      gateway::SessionSum sum;
      for (const SessionId session : sessions) sum.add(session);
      peer::RenewedShard& renewed = *renewals[route.leader].add_shards();
      renewed.set_shard(static_cast<std::uint32_t>(id.value()));
      renewed.set_round(told.round);
      renewed.set_count(sum.count);
      renewed.set_hash(sum.hash);
      renewed.set_told(told.number);
    }
    for (auto& [node, renewal] : renewals) to_peer(node).others.emplace_back().mutable_renewal()->Swap(&renewal);
    for (const ShardId id : unlike) register_all(now, id, out);
    for (const auto& shard : shards_) {
      if (shard == nullptr || !shard->led) continue;
      shard->registry.expire(config_.node, now);
      announce(shard->id);
    }
  }
  balance(now, out);
}

// One that replays its log is given no leadership: it could not act on it.
void Node::Impl::tell_clock(Now now) {
  for (const auto& [node, since] : reachable_) {
    peer::Clock& clock = *to_peer(node).others.emplace_back().mutable_clock();
    clock.set_wall_ms(now.wall.ms);
    clock.set_unfit(is_unfit() || !replaying_.empty());
    clock.set_reaches(static_cast<std::uint32_t>(reached()));
  }
}

// ------------------------------------------------------------------------------------------------------ frames out

// Who leads comes first, then our sessions, then what is asked of them. An answer that says a session is registered
// precedes what that session is told.
void Node::Impl::flush_peers(Now now, Outputs& out) {
  for (auto& [node, peer] : peers_out_) {
    const NodeId to = node;
    const auto one = [&out, to](const peer::PeerFrame& frame) {
      out.push_back(PeerSend{to, frame.SerializeAsString()});
    };
    in_parts(
        to, *peer.leads.mutable_shards(), [](peer::PeerFrame& f) { return f.mutable_leads()->mutable_shards(); }, out);
    for (const peer::PeerFrame& frame : peer.first) one(frame);
    in_parts(
        to, *peer.raft.mutable_messages(), [](peer::PeerFrame& f) { return f.mutable_raft()->mutable_messages(); },
        out);
    in_parts(to, *peer.asks.mutable_asks(), [](peer::PeerFrame& f) { return f.mutable_asks()->mutable_asks(); }, out);
    in_parts(
        to, *peer.answers.mutable_answers(), [](peer::PeerFrame& f) { return f.mutable_answers()->mutable_answers(); },
        out);
    for (auto& [id, tells] : peer.tells) {
      Shard* shard = led(id);
      if (shard == nullptr) continue;
      // A shard's Tells may be many in one step: each part has a number of its own.
      peer::Tells part;
      std::size_t bytes = 0;
      const auto leave = [&] {
        const gateway::Registry::Stamp stamp = shard->registry.stamp(to, now);
        part.set_shard(static_cast<std::uint32_t>(id.value()));
        part.set_round(stamp.round);
        part.set_number(stamp.number);
        peer::PeerFrame frame;
        frame.mutable_tells()->Swap(&part);
        one(frame);
        part.Clear();
        bytes = 0;
      };
      for (peer::Tell& tell : *tells.mutable_tells()) {
        const std::size_t size = tell.ByteSizeLong();
        if (bytes > 0 && bytes + size > frame_bytes_aimed_at) leave();
        bytes += size + 8;
        part.add_tells()->Swap(&tell);
      }
      leave();
    }
    for (const peer::PeerFrame& frame : peer.others) one(frame);
  }
  peers_out_.clear();
}

}  // namespace chasqui
