// Proposing and applying.
// Over 400 lines because it is one loop: what is proposed comes back, is applied, answered and passed on.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/node_impl.h"

namespace chasqui {
namespace {

// While one entry is being synced the next is already with the log thread; what comes meanwhile shares the one after.
constexpr std::size_t entries_ahead_max = 2;
// A leader whose shard has another home leads it for so long before it hands it over: not while nodes come and go.
constexpr Duration balance_after = seconds(2);
// Who loses again and again what it was given is given it more and more seldom.
constexpr Duration lost_soon = seconds(60);
constexpr Duration balance_after_most = seconds(60);
std::size_t entries_ahead(const Limits& limits) {
  return std::min<std::size_t>(entries_ahead_max, limits.entries_in_flight_max);
}
// So that a step stays under a millisecond; what is left is applied in the next one, which is due at once.
constexpr std::size_t commands_per_step_max = 128;

// The canary local_clock: an entry as if it said what this node's clock says.
[[maybe_unused]] std::string at_own_clock(const std::string& bytes, Now now) {
  log::Entry entry;
  if (!entry.ParseFromString(bytes)) return bytes;
  entry.set_log_time_ms(now.wall.ms);
  return entry.SerializeAsString();
}

}  // namespace

Moved Node::Impl::moved(ShardId shard, bool may_be_proposed) const {
  const router::Route route = router_.of(shard);
  return {route.here ? NodeId() : route.leader, router_.term(shard), may_be_proposed};
}

std::optional<Outcome> Node::Impl::enqueue(Shard& shard, const log::Command& command, Origin origin, Now now,
                                           MonoTime deadline, bool stores_content) {
  if (!shard.led) return moved(shard.id);
  if (stores_content) {
    if (pressure_.disk == Pressure::Disk::NoWrites) {
      return gateway::Refusal{client::RESOURCE_EXHAUSTED,
                              "the server's disk is nearly full: nothing is stored until there is room", 5'000,
                              OutboxSeq()};
    }
    if (pressure_.store_behind || bytes_in_flight_ > config_.limits.uncommitted_node_bytes_max ||
        shard.replica.uncommitted_bytes() > config_.limits.uncommitted_group_bytes_max) {
      return gateway::Refusal{client::RESOURCE_EXHAUSTED, "the server's store falls behind: try again", 500,
                              OutboxSeq()};
    }
  }
  if (CHASQUI_MAYBE("shard_full") || !shard.batch.add(command, std::move(origin), now, deadline)) {
    return gateway::Refusal{client::RESOURCE_EXHAUSTED, "too many commands wait for this shard: try again", 500,
                            OutboxSeq()};
  }
  touched_.insert(shard.id);
  return std::nullopt;
}

// A leader whose clock is far from its peers' proposes nothing (rule R7), nor one that hands over its leadership.
bool Node::Impl::may_propose(const Shard& shard) const {
  return clock_agrees_ && !shard.handing_to && shard.replica.can_propose();
}

// What a shard can do now. Called after every input that concerns it.
void Node::Impl::pump(Shard& shard, Now now, Outputs& out) {
  role(shard, now, out);
  std::vector<Origin> expired;
  shard.batch.take_expired(now, expired);
  for (Origin& origin : expired) {
    CHASQUI_MARK("command_waited_long");
    out.push_back(Note{NoteKind::CommandExpired, shard.id, {}, 0, 0});
    fail(shard, origin,
         gateway::Refusal{client::UNAVAILABLE, "the shard is too busy: it was not stored, try again", 200, OutboxSeq()},
         now, out);
  }
  for (InFlight& entry : shard.in_flight) {
    if (entry.until > now.mono) break;
    if (!entry.origins.empty()) CHASQUI_MARK("outcome_unknown");
    for (Origin& origin : entry.origins) {
      fail(shard, origin,
           gateway::Refusal{client::ABORTED,
                            "no answer from the disks in time: it may be stored, repeat it under its number", 500,
                            OutboxSeq()},
           now, out);
    }
    entry.origins.clear();
  }
  if (!shard.led) return;
  if (!shard.unfresh.empty()) serve_unfresh(now, shard, out);
  gather(shard, now);
  if (shard.handing_to) hand_over(now, shard, out);
  while (!shard.batch.empty() && may_propose(shard) && shard.in_flight.size() < entries_ahead(config_.limits)) {
    const std::size_t before = shard.in_flight.size();
    propose(shard, now, out);
    if (shard.in_flight.size() == before) break;
  }
  if (shard.feed.wants_rows()) read_feed(shard, out);
  read_parked(shard, now, out);
  read_expired(shard, now, out);
  tell_presence(now, shard, out);
  tell_due_receipts(now, shard, out);
  if (shard.feed.has_batches(now)) feeding_.insert(shard.id);
}

// Marks and the cursor join the commands that wait: what is due, and all of it if an entry is about to leave anyway.
void Node::Impl::gather(Shard& shard, Now now) {
  const bool leaving = !shard.batch.empty() && shard.in_flight.size() < entries_ahead(config_.limits);
  const MonoTime no_deadline = MonoTime::never();
  std::vector<fanout::DueMark> due;
  shard.marks.take(now, leaving, 256, due);
  for (fanout::DueMark& mark : due) {
    const auto conversation = ConversationId::parse(mark.command.conversation());
    CHASQUI_ASSERT(conversation.has_value(), "the ack was checked when it came");
    log::Command command;
    command.mutable_mark()->Swap(&mark.command);
    // Refused for want of room: the device hears nothing and says it again.
    (void)enqueue(shard, command, MarkOrigin{*conversation, UserId(command.mark().user()), std::move(mark.origins)},
                  now, no_deadline, false);
  }
  log::Notify notify;
  std::vector<fanout::BatchName> completes;
  if (shard.notify.take(now, leaving, notify, completes)) {
    log::Command command;
    *command.mutable_notify() = notify;
    if (enqueue(shard, command, NotifyOrigin{notify, completes}, now, no_deadline, false)) {
      CHASQUI_MARK("notify_given_back");
      shard.notify.give_back(notify, std::move(completes), now);
    }
  }
  gather_parked(shard, now);
  gather_expired(shard, now);
  const RaftIndex movable = shard.feed.movable();
  if (shard.cursor_proposed || movable <= shard.feed.committed()) return;
  if (shard.cursor_due == MonoTime::never()) {
    shard.cursor_due = now.mono + milliseconds(static_cast<std::int64_t>(config_.limits.cursor_linger_ms));
  }
  if (now.mono < shard.cursor_due && shard.feed.rows_done() < config_.limits.cursor_rows_max) return;
  log::Command command;
  command.mutable_move_cursor()->set_index(movable.value());
  shard.cursor_proposed = !enqueue(shard, command, CursorOrigin{}, now, no_deadline, false).has_value();
  shard.cursor_due = MonoTime::never();
}

// RELIABILITY.md R7: within a leadership one entry advances log time by at most a minute beyond the steady time
// elapsed.
LogTime Node::Impl::entry_time(Shard& shard, Now now) const {
  const std::int64_t least = std::max(shard.machine.log_time().ms, shard.proposed_time.ms);
  if (shard.proposed_time.ms == 0) return {std::max(least, now.wall.ms)};
  const std::int64_t elapsed_ms = (now.mono - shard.proposed_at).ns / 1'000'000;
  const std::int64_t most = shard.proposed_time.ms + elapsed_ms + 60'000;
  return {std::max(least, std::min(now.wall.ms, most))};
}

void Node::Impl::propose(Shard& shard, Now now, Outputs& out) {
  const LogTime time = entry_time(shard, now);
  InFlight entry;
  std::string payload = shard.batch.take_entry(time.ms, entry.origins);
  entry.bytes = payload.size();
  entry.until = now.mono + milliseconds(static_cast<std::int64_t>(config_.limits.deadline_ms_max));
  entry.term = shard.replica.term();
  replica::Outputs outputs;
  const absl::Status proposed = shard.replica.propose(now, std::move(payload), entry.index, outputs);
  if (!proposed.ok()) {
    for (Origin& origin : entry.origins) fail(shard, origin, moved(shard.id), now, out);
    take(shard, outputs, out);
    return;
  }
  shard.proposed_time = time;
  shard.proposed_at = now.mono;
  bytes_in_flight_ += entry.bytes;
  shard.in_flight.push_back(std::move(entry));
  take(shard, outputs, out);
}

void Node::Impl::take(Shard& shard, replica::Outputs& outputs, Outputs& out) {
  for (LogAppend& append : outputs.appends) {
    last_append_ = last_append_.next();
    append.id = last_append_;
    append.shard = shard.id;
    appends_.push_back({append.id, shard.id, now_});
    out.push_back(std::move(append));
  }
  for (replica::Committed& entry : outputs.committed) committed_.emplace_back(shard.id, std::move(entry));
  if (outputs.install) begin_install(shard, *outputs.install, out);
  for (peer::RaftMessage& message : outputs.messages) {
    *to_peer(NodeId(message.to())).raft.add_messages() = std::move(message);
  }
  if (!outputs.stopped.ok() && !std::exchange(shard.has_stopped, true)) {
    out.push_back(Note{NoteKind::ReplicaStopped, shard.id, {}, static_cast<std::uint64_t>(outputs.stopped.code()), 0});
  }
  if (outputs.role_changed || !outputs.committed.empty()) touched_.insert(shard.id);
}

void Node::Impl::role(Shard& shard, Now now, Outputs& out) {
  // A new leader acts as one only once it has applied all that was committed before: else a Hello that comes while a
  // long log is replayed would not find its own device. What it applies later it has proposed itself.
  const bool leads =
      shard.replica.leads() && (shard.led || shard.machine.applied_index() >= shard.replica.commit_index());
  if (leads == shard.led) return;
  shard.led = leads;
  if (leads && shard.machine.applied_index() > RaftIndex(1)) CHASQUI_MARK("leads_after_replay");
  out.push_back(
      Note{leads ? NoteKind::ShardLeads : NoteKind::ShardFollows, shard.id, {}, shard.replica.term().value(), 0});
  shard.proposed_time = LogTime();
  shard.cursor_proposed = false;
  shard.cursor_due = MonoTime::never();
  shard.handing_to = NodeId();
  if (leads) {
    const bool lost = shard.given_at && now.mono - *shard.given_at < lost_soon;
    shard.balance_wait = lost ? std::min(Duration{2 * shard.balance_wait.ns}, balance_after_most) : balance_after;
    shard.transfer_due = now.mono + shard.balance_wait;
    router_.leads(shard.id, config_.node, shard.replica.term());
    shard.feed.lead(shard.replica.term(), RaftIndex(shard.machine.numbers().feed_cursor()),
                    shard.machine.applied_index());
    shard.expiry.lead(shard.machine.numbers().expiries());
    announce(shard.id);
    leader_known(now, shard.id, out);
    return;
  }
  if (router_.of(shard.id).here) router_.leads(shard.id, NodeId(), router_.term(shard.id));
  shard.feed.follow();
  shard.notify.clear();
  shard.marks.clear();
  shard.receipts.clear();
  shard.registry.clear();
  shard.watchers.clear();
  shard.expiry.follow();
  drop_gated(now, shard, out);
  std::deque<Shard::Unfresh> unfresh;
  unfresh.swap(shard.unfresh);
  shard.barrier = RaftIndex();
  for (const Shard::Unfresh& read : unfresh) respond(now, read.asker, moved(shard.id), out);
  std::vector<Origin> waiting;
  shard.batch.take_all(waiting);
  for (Origin& origin : waiting) fail(shard, origin, moved(shard.id), now, out);
  for (InFlight& entry : shard.in_flight) {
    bytes_in_flight_ -= entry.bytes;
    for (Origin& origin : entry.origins) fail(shard, origin, moved(shard.id, true), now, out);
  }
  shard.in_flight.clear();
  if (shard.announced.term > router_.term(shard.id)) {
    router_.leads(shard.id, shard.announced.node, shard.announced.term);
    leader_known(now, shard.id, out);
  }
}

// ---------------------------------------------------------------------------------------------------------- apply

// So many for all steps of one moment: what has come meanwhile, which may be a leader's entries that it waits for us to
// store, must not wait for a long log to be replayed.
void Node::Impl::apply_some(Now now, Outputs& out) {
  if (std::exchange(applied_at_, now.mono) != now.mono) applied_then_ = 0;
  while (!committed_.empty() && applied_then_ < commands_per_step_max) {
    const auto [id, entry] = std::move(committed_.front());
    committed_.pop_front();
    Shard& shard = shard_at(id);
    if (!shard.in_flight.empty()) applied_then_ += shard.in_flight.front().origins.size();
    ++applied_then_;
    apply(shard, entry, now, out);
    touched_.insert(id);
  }
}

// What came while a long log was replayed may be as long again. Each heartbeat comes by here.
void Node::Impl::see_replayed(const Shard& shard) {
  if (committed_.size() > commands_per_step_max) return;
  const RaftIndex applied = shard.machine.applied_index();
  const bool is_there = shard.committed_at_start && applied >= *shard.committed_at_start &&
                        applied >= std::min(shard.log_at_start, shard.replica.last_index());
  if (shard.led || is_there) replaying_.erase(shard.id);
}

void Node::Impl::apply(Shard& shard, const replica::Committed& entry, Now now, Outputs& out) {
  const bool is_command = entry.type == EntryType::Command;
  static const std::string nothing;
  const std::string& bytes = is_command && entry.payload != nullptr ? *entry.payload : nothing;
  std::string_view said = bytes;
  std::string otherwise;
  if (CHASQUI_CANARY("local_clock")) said = otherwise = at_own_clock(bytes, now);
  const std::uint64_t unwritten = shard.machine.unwritten_bytes();
  shard::Applied applied = shard.machine.apply(entry.index, entry.term, is_command, said);
  rows_changed(shard, unwritten, now);
  applied_.push_back({shard.id, entry.index});
  if (applied.malformed) out.push_back(Note{NoteKind::MalformedEntry, shard.id, {}, entry.index.value(), 0});

  std::vector<Origin> origins;
  while (!shard.in_flight.empty() && shard.in_flight.front().index <= entry.index) {
    InFlight& front = shard.in_flight.front();
    bytes_in_flight_ -= front.bytes;
    if (front.index == entry.index && front.term == entry.term) {
      origins = std::move(front.origins);
    } else {  // another leader's entry took its place
      for (Origin& origin : front.origins) fail(shard, origin, moved(shard.id, true), now, out);
    }
    shard.in_flight.pop_front();
  }
  CHASQUI_ASSERT(origins.empty() || origins.size() == applied.replies.size(),
                 "each command that we proposed has a reply");
  for (std::size_t i = 0; i < origins.size(); ++i) reply(shard, origins[i], applied.replies[i], now, out);
  hash_applied(shard, applied, now, out);
  if (shard.led) consequences(shard, entry.index, applied, now, out);
}

void Node::Impl::consequences(Shard& shard, RaftIndex index, shard::Applied& applied, Now now, Outputs& out) {
  std::vector<fanout::FreshEvent> events;
  for (shard::Consequence& consequence : applied.consequences) {
    if (auto* event = std::get_if<shard::EventStored>(&consequence)) {
      shard.expiry.stored(event->expires_ms);
      events.push_back(
          {event->conversation, event->seq, std::move(event->event), std::move(event->audience), event->messages});
    } else if (auto* owed = std::get_if<shard::FeedOwed>(&consequence)) {
      CHASQUI_ASSERT(owed->index == index, "an entry owes under its own index");
      shard.feed.add(index, owed->feed, events);
    } else if (auto* moved = std::get_if<shard::MarksMoved>(&consequence)) {
      marks_moved(now, shard, *moved, out);
    } else if (auto* head = std::get_if<shard::IndexMoved>(&consequence)) {
      if (head->marks.head != 0 || head->hides != 0 || head->gate_is_news) tell_head(now, shard, *head, out);
    } else if (auto* gate = std::get_if<shard::GateMoved>(&consequence)) {
      shard.watchers.forget(gate->user, gate->other);
    } else if (auto* gone = std::get_if<shard::DeviceGone>(&consequence)) {
      tell_device_gone(now, shard, gone->user, gone->device, out);
    } else if (auto* privacy = std::get_if<shard::PrivacyMoved>(&consequence)) {
      for (const NodeId node : shard.registry.nodes_of(privacy->user)) tell_privacy(shard, node, *privacy);
    }
  }
}

// -------------------------------------------------------------------------------------------------------- replies

void Node::Impl::reply(Shard& shard, Origin& origin, const shard::Reply& answer, Now now, Outputs& out) {
  if (const auto* refused = std::get_if<shard::Refused>(&answer)) {
    // The log keeps the code of a refused content; only who sent it now can still be told which limit it broke.
    const auto* refused_send = std::get_if<SendOrigin>(&origin);
    const bool by_content =
        refused_send != nullptr && !refused_send->content_fault.empty() && refused->code == client::INVALID_ARGUMENT;
    fail(shard, origin,
         gateway::Refusal{refused->code, by_content ? refused_send->content_fault : refused->message, 0, refused->next,
                          refused->known_seq},
         now, out);
    return;
  }
  if (auto* send = std::get_if<SendOrigin>(&origin)) {
    if (send->is_first) first_applied(shard, {send->conversation, send->sender});
    const auto* accepted = std::get_if<shard::Accepted>(&answer);
    CHASQUI_ASSERT(accepted != nullptr, "a Send is accepted or refused");
    client::ServerFrame frame;
    frame.mutable_accepted()->set_conversation(send->conversation.str());
    frame.mutable_accepted()->set_outbox_seq(send->outbox_seq.value());
    frame.mutable_accepted()->set_seq(accepted->seq.value());
    frame.mutable_accepted()->set_time_ms(accepted->time.ms);
    frame.mutable_accepted()->set_again(accepted->again);
    respond(now, send->asker, std::move(frame), out);
  } else if (auto* mark = std::get_if<MarkOrigin>(&origin)) {
    const auto* marked = std::get_if<shard::Marked>(&answer);
    CHASQUI_ASSERT(marked != nullptr, "a Mark is answered with marks or refused");
    client::ServerFrame frame;
    frame.mutable_acked()->set_conversation(mark->conversation.str());
    frame.mutable_acked()->set_delivered_seq(marked->delivered.value());
    frame.mutable_acked()->set_read_seq(marked->read.value());
    for (const fanout::AckOrigin& ack : mark->acks) tell_acked(now, mark->user, ack, frame, out);
  } else if (auto* notify = std::get_if<NotifyOrigin>(&origin)) {
    shard.notify.applied(notify->command);
    for (const fanout::BatchName& name : notify->completes) acknowledge(name);
  } else if (const auto* park = std::get_if<ParkOrigin>(&origin)) {
    shard.feed.park_applied(*park);
    out.push_back(Note{NoteKind::FeedParked, shard.id, {}, static_cast<std::uint64_t>(park->marks_size()), 0});
  } else if (const auto* unpark = std::get_if<UnparkOrigin>(&origin)) {
    shard.feed.unpark_applied();
    out.push_back(Note{NoteKind::FeedUnparked, shard.id, {}, static_cast<std::uint64_t>(unpark->marks_size()), 0});
  } else if (auto* account = std::get_if<AccountOrigin>(&origin)) {
    const auto* created = std::get_if<shard::AccountCreated>(&answer);
    CHASQUI_ASSERT(created != nullptr, "an account's command gives a device or is refused");
    respond(now, account->asker, *created, out);
  } else if (auto* device = std::get_if<DeviceOrigin>(&origin)) {
    client::ServerFrame frame;
    if (const auto* created = std::get_if<shard::AccountCreated>(&answer)) {
      frame.mutable_device_renewed()->set_device(static_cast<std::uint32_t>(created->device.value()));
    } else {
      frame.mutable_logged_out();
    }
    respond(now, device->asker, std::move(frame), out);
  } else if (std::holds_alternative<ExpireOrigin>(origin)) {
    shard.expiry.applied();
    touched_.insert(shard.id);
  } else if (auto* setting = std::get_if<SettingOrigin>(&origin)) {
    respond(now, setting->asker, setting_answer(shard, *setting, answer), out);
  } else if (const auto* gate = std::get_if<GateOrigin>(&origin)) {
    const auto* now_is = std::get_if<shard::GateNow>(&answer);
    CHASQUI_ASSERT(now_is != nullptr, "a SetGate is answered with the gate, or refused");
    gate_set(now, *gate, *now_is, out);
  } else if (const auto* stance = std::get_if<StanceOrigin>(&origin)) {
    respond(now, stance->asker, StanceTaken{}, out);
  } else if (std::holds_alternative<CursorOrigin>(origin)) {
    shard.cursor_proposed = false;
    shard.feed.cursor_moved(RaftIndex(shard.machine.numbers().feed_cursor()));
    // The machine moves it by a bounded piece at a time: go on at once if more is acknowledged.
    if (shard.feed.rows_done() > 0 || shard.feed.movable() > shard.feed.committed())
      shard.cursor_due = MonoTime::never();
    out.push_back(Note{NoteKind::CursorMoved, shard.id, {}, shard.feed.committed().value(), 0});
  }
}

void Node::Impl::fail(Shard& shard, Origin& origin, Outcome outcome, Now now, Outputs& out) {
  if (auto* send = std::get_if<SendOrigin>(&origin)) {
    if (send->is_first) first_applied(shard, {send->conversation, send->sender});
    if (const auto* refusal = std::get_if<gateway::Refusal>(&outcome)) {
      out.push_back(Note{NoteKind::CommandRefused, shard.id, {}, static_cast<std::uint64_t>(refusal->code), 0});
    }
    respond(now, send->asker, std::move(outcome), out);
  } else if (std::get_if<MarkOrigin>(&origin) != nullptr) {
    // The device says its marks again at the next ack or Hello.
  } else if (auto* notify = std::get_if<NotifyOrigin>(&origin)) {
    if (shard.led) shard.notify.give_back(notify->command, std::move(notify->completes), now);
  } else if (std::holds_alternative<ParkOrigin>(origin)) {
    if (shard.led) shard.feed.park_refused(now);
  } else if (std::holds_alternative<UnparkOrigin>(origin)) {
    if (shard.led) shard.feed.unpark_refused(now);
  } else if (auto* account = std::get_if<AccountOrigin>(&origin)) {
    respond(now, account->asker, std::move(outcome), out);
  } else if (auto* device = std::get_if<DeviceOrigin>(&origin)) {
    respond(now, device->asker, std::move(outcome), out);
  } else if (auto* setting = std::get_if<SettingOrigin>(&origin)) {
    respond(now, setting->asker, std::move(outcome), out);
  } else if (auto* gate = std::get_if<GateOrigin>(&origin)) {
    respond(now, gate->asker, std::move(outcome), out);
  } else if (auto* stance = std::get_if<StanceOrigin>(&origin)) {
    respond(now, stance->asker, std::move(outcome), out);
  } else if (std::holds_alternative<ExpireOrigin>(origin)) {
    if (shard.led) shard.expiry.refused(now);
  } else if (std::holds_alternative<CursorOrigin>(origin)) {
    shard.cursor_proposed = false;
  }
}

}  // namespace chasqui
