// Proposing, applying, and what shards owe each other.
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
std::size_t entries_ahead(const Limits& limits) {
  return std::min<std::size_t>(entries_ahead_max, limits.entries_in_flight_max);
}
// So that a step stays under a millisecond; what is left is applied in the next one, which is due at once.
constexpr std::size_t commands_per_step_max = 128;
constexpr std::uint64_t feed_rows_per_read = 256;

const gateway::Refusal not_leading{client::UNAVAILABLE, "this shard has no leader just now: try again", 200,
                                   OutboxSeq()};

}  // namespace

std::optional<gateway::Refusal> Node::Impl::enqueue(Shard& shard, const log::Command& command, Origin origin, Now now,
                                                    MonoTime deadline, bool stores_content) {
  if (!router_.of(shard.id).here) return not_leading;
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

// What a shard can do now. Called after every input that concerns it.
void Node::Impl::pump(Shard& shard, Now now, Outputs& out) {
  role(shard, now, out);
  std::vector<Origin> expired;
  shard.batch.take_expired(now, expired);
  for (Origin& origin : expired) {
    CHASQUI_MARK("command_waited_long");
    if (CHASQUI_CANARY("silent_drop")) continue;
    out.push_back(Note{NoteKind::CommandExpired, shard.id, {}, 0, 0});
    fail(shard, origin, {client::UNAVAILABLE, "the shard is too busy: it was not stored, try again", 200, OutboxSeq()},
         now, out);
  }
  for (InFlight& entry : shard.in_flight) {
    if (entry.until > now.mono) break;
    if (!entry.origins.empty()) CHASQUI_MARK("outcome_unknown");
    for (Origin& origin : entry.origins) {
      fail(shard, origin,
           {client::ABORTED, "no answer from the disks in time: it may be stored, repeat it under its number", 500,
            OutboxSeq()},
           now, out);
    }
    entry.origins.clear();
  }
  if (!shard.led) return;
  gather(shard, now);
  while (!shard.batch.empty() && shard.in_flight.size() < entries_ahead(config_.limits)) {
    const std::size_t before = shard.in_flight.size();
    propose(shard, now, out);
    if (shard.in_flight.size() == before) break;
  }
  if (shard.feed.wants_rows()) read_feed(shard, out);
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
    (void)enqueue(shard, command, MarkOrigin{*conversation, std::move(mark.origins)}, now, no_deadline, false);
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
    for (Origin& origin : entry.origins) fail(shard, origin, not_leading, now, out);
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
    appends_.emplace_back(append.id, shard.id);
    out.push_back(std::move(append));
  }
  for (replica::Committed& entry : outputs.committed) committed_.emplace_back(shard.id, std::move(entry));
  if (outputs.install) begin_install(shard, *outputs.install, out);
  for (const peer::RaftMessage& message : outputs.messages) {
    peer::PeerFrame frame;
    *frame.mutable_raft()->add_messages() = message;
    out.push_back(PeerSend{NodeId(message.to()), frame.SerializeAsString()});
  }
  if (!outputs.stopped.ok()) {
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
  shards_led_ = leads ? shards_led_ + 1 : shards_led_ - 1;
  router_.leads(shard.id, leads ? config_.node : NodeId(), shard.replica.term());
  out.push_back(
      Note{leads ? NoteKind::ShardLeads : NoteKind::ShardFollows, shard.id, {}, shard.replica.term().value(), 0});
  shard.proposed_time = LogTime();
  shard.cursor_proposed = false;
  shard.cursor_due = MonoTime::never();
  if (leads) {
    shard.feed.lead(shard.replica.term(), RaftIndex(shard.machine.numbers().feed_cursor()),
                    shard.machine.applied_index());
    return;
  }
  shard.feed.follow();
  shard.notify.clear();
  shard.marks.clear();
  std::vector<Origin> waiting;
  shard.batch.take_all(waiting);
  for (Origin& origin : waiting) fail(shard, origin, not_leading, now, out);
  for (InFlight& entry : shard.in_flight) {
    bytes_in_flight_ -= entry.bytes;
    for (Origin& origin : entry.origins) {
      fail(shard, origin,
           {client::ABORTED, "the shard's leader changed: it may be stored, repeat it under its number", 200,
            OutboxSeq()},
           now, out);
    }
  }
  shard.in_flight.clear();
}

// ---------------------------------------------------------------------------------------------------------- apply

void Node::Impl::apply_some(Now now, Outputs& out) {
  std::size_t commands = 0;
  while (!committed_.empty() && commands < commands_per_step_max) {
    const auto [id, entry] = std::move(committed_.front());
    committed_.pop_front();
    Shard& shard = shard_at(id);
    if (!shard.in_flight.empty()) commands += shard.in_flight.front().origins.size();
    ++commands;
    apply(shard, entry, now, out);
    touched_.insert(id);
  }
}

void Node::Impl::apply(Shard& shard, const replica::Committed& entry, Now now, Outputs& out) {
  const bool is_command = entry.type == EntryType::Command;
  static const std::string nothing;
  const std::string& bytes = is_command && entry.payload != nullptr ? *entry.payload : nothing;
  shard::Applied applied = shard.machine.apply(entry.index, entry.term, is_command, bytes);
  if (CHASQUI_CANARY("applied_apart")) {
    WriteBatch numbers;
    numbers.writes.push_back(std::move(applied.batch.writes.back()));
    applied.batch.writes.pop_back();
    store_.write(numbers);
  }
  store_.write(applied.batch);
  if (applied.malformed) out.push_back(Note{NoteKind::MalformedEntry, shard.id, {}, entry.index.value(), 0});

  std::vector<Origin> origins;
  while (!shard.in_flight.empty() && shard.in_flight.front().index <= entry.index) {
    InFlight& front = shard.in_flight.front();
    bytes_in_flight_ -= front.bytes;
    if (front.index == entry.index && front.term == entry.term) {
      origins = std::move(front.origins);
    } else {  // another leader's entry took its place
      for (Origin& origin : front.origins) {
        fail(shard, origin,
             {client::ABORTED, "the shard's leader changed: repeat it under its number", 200, OutboxSeq()}, now, out);
      }
    }
    shard.in_flight.pop_front();
  }
  CHASQUI_ASSERT(origins.empty() || origins.size() == applied.replies.size(),
                 "each command that we proposed has a reply");
  for (std::size_t i = 0; i < origins.size(); ++i) reply(shard, origins[i], applied.replies[i], now, out);
  if (shard.led) consequences(shard, entry.index, applied, now, out);
}

void Node::Impl::consequences(Shard& shard, RaftIndex index, shard::Applied& applied, Now now, Outputs& out) {
  std::vector<fanout::FreshEvent> events;
  for (shard::Consequence& consequence : applied.consequences) {
    if (auto* event = std::get_if<shard::EventStored>(&consequence)) {
      events.push_back({event->conversation, event->seq, std::move(event->event)});
    } else if (auto* owed = std::get_if<shard::FeedOwed>(&consequence)) {
      CHASQUI_ASSERT(owed->index == index, "an entry owes under its own index");
      shard.feed.add(index, owed->feed, events);
    } else if (auto* moved = std::get_if<shard::MarksMoved>(&consequence)) {
      client::Receipt receipt;
      receipt.set_conversation(moved->conversation.str());
      receipt.set_user(moved->user.value());
      receipt.set_delivered_seq(moved->delivered.value());
      receipt.set_read_seq(moved->read.value());
      gateway_.receipt(now, moved->conversation.lower(), receipt, out);
      if (moved->conversation.higher() != moved->conversation.lower()) {
        gateway_.receipt(now, moved->conversation.higher(), receipt, out);
      }
    } else if (auto* head = std::get_if<shard::IndexMoved>(&consequence)) {
      if (head->head) gateway_.head_moved(now, head->user, head->conversation, head->head, head->version, out);
    } else if (auto* gone = std::get_if<shard::DeviceGone>(&consequence)) {
      gateway_.device_gone(gone->user, gone->device, out);
    }
  }
}

// ------------------------------------------------------------------------------------------------- between shards

// All shards of one node are led here, so a batch reaches its destination in the same step. Several nodes will send
// it as a peer frame; either way it is acknowledged by its own id.
void Node::Impl::move_notifies(Now now, Outputs& out) {
  absl::btree_set<ShardId> sources;
  sources.swap(feeding_);
  for (const ShardId id : sources) {
    Shard& source = shard_at(id);
    if (!source.led) continue;
    std::vector<peer::NotifyBatch> batches;
    source.feed.take_batches(now, batches);
    for (const peer::NotifyBatch& batch : batches) {
      Shard& destination = shard_at(ShardId(batch.to_shard()));
      if (!destination.led || CHASQUI_MAYBE("notify_refused") || !destination.notify.add(batch, now)) {
        CHASQUI_MARK("notify_refused");
        continue;  // it comes again
      }
      if (CHASQUI_CANARY("linger_lost")) {
        peer::NotifyAck early;
        early.set_from_shard(batch.from_shard());
        early.set_from_term(batch.from_term());
        early.set_to_shard(batch.to_shard());
        early.add_batches(batch.batch());
        source.feed.acknowledged(early);
      }
      for (const peer::NotifyItem& item : batch.items()) {
        const auto conversation = ConversationId::parse(item.conversation());
        if (!conversation || item.head() == 0) continue;
        if (!item.event().empty()) {
          gateway_.push(now, UserId(item.user()), *conversation, Seq(item.head()), item.event(), out);
          if (CHASQUI_CANARY("tick_on_push") && gateway_.online(UserId(item.user()))) {
            Shard& home = shard_of_conversation(*conversation);
            (void)home.marks.add(*conversation, UserId(item.user()), Seq(item.head()), Seq(), HistoryEpoch(), {}, true,
                                 now);
            touched_.insert(home.id);
          }
        }
      }
      touched_.insert(destination.id);
    }
    touched_.insert(source.id);
  }
}

void Node::Impl::read_feed(Shard& shard, Outputs& out) {
  RangeRead range;
  range.begin = keys::feed(shard.id, shard.feed.read_above().next());
  range.end = keys::feed(shard.id, shard.feed.read_up_to().next());
  range.rows_max = feed_rows_per_read;
  const RaftTerm term = shard.replica.term();
  const bool asked = read(
      {range},
      [this, id = shard.id, term](Now, ReadDone& done, Outputs& outputs) {
        Shard& reader = shard_at(id);
        if (!reader.led || reader.replica.term() != term || done.results.empty()) return;
        std::vector<fanout::Feed::StoredRow> rows;
        for (const Row& row : done.results[0].rows) {
          const auto key = keys::parse(row.key);
          state::Feed feed;
          if (!key || key->kind != keys::Kind::Feed || !feed.ParseFromString(row.value)) continue;
          rows.push_back({RaftIndex(key->number), std::move(feed)});
        }
        if (!rows.empty()) CHASQUI_MARK("feed_read");
        outputs.push_back(Note{NoteKind::FeedResent, id, {}, rows.size(), 0});
        reader.feed.rows_read(rows, done.results[0].more);
        touched_.insert(id);
      },
      out);
  if (asked) shard.feed.reading();
}

// -------------------------------------------------------------------------------------------------------- replies

void Node::Impl::reply(Shard& shard, Origin& origin, const shard::Reply& answer, Now now, Outputs& out) {
  if (const auto* refused = std::get_if<shard::Refused>(&answer)) {
    // The log keeps the code of a refused content; only who sent it now can still be told which limit it broke.
    const auto* refused_send = std::get_if<SendOrigin>(&origin);
    const bool by_content =
        refused_send != nullptr && !refused_send->content_fault.empty() && refused->code == client::INVALID_ARGUMENT;
    fail(shard, origin, {refused->code, by_content ? refused_send->content_fault : refused->message, 0, refused->next},
         now, out);
    return;
  }
  if (auto* send = std::get_if<SendOrigin>(&origin)) {
    const auto* accepted = std::get_if<shard::Accepted>(&answer);
    CHASQUI_ASSERT(accepted != nullptr, "a Send is accepted or refused");
    client::ServerFrame frame;
    frame.mutable_accepted()->set_conversation(send->conversation.str());
    frame.mutable_accepted()->set_outbox_seq(send->outbox_seq.value());
    frame.mutable_accepted()->set_seq(accepted->seq.value());
    frame.mutable_accepted()->set_time_ms(accepted->time.ms);
    frame.mutable_accepted()->set_again(accepted->again);
    gateway_.answer(now, send->session, send->request_id, frame, out);
  } else if (auto* mark = std::get_if<MarkOrigin>(&origin)) {
    const auto* marked = std::get_if<shard::Marked>(&answer);
    CHASQUI_ASSERT(marked != nullptr, "a Mark is answered with marks or refused");
    client::ServerFrame frame;
    frame.mutable_acked()->set_conversation(mark->conversation.str());
    frame.mutable_acked()->set_delivered_seq(marked->delivered.value());
    frame.mutable_acked()->set_read_seq(marked->read.value());
    for (const fanout::AckOrigin& ack : mark->acks) gateway_.acked(now, ack.session, ack.request_id, frame, out);
  } else if (auto* notify = std::get_if<NotifyOrigin>(&origin)) {
    shard.notify.applied(notify->command);
    for (const fanout::BatchName& name : notify->completes) {
      peer::NotifyAck ack;
      ack.set_from_shard(static_cast<std::uint32_t>(name.from_shard.value()));
      ack.set_to_shard(static_cast<std::uint32_t>(name.to_shard.value()));
      ack.set_from_term(name.from_term.value());
      ack.add_batches(name.batch);
      shard_at(name.from_shard).feed.acknowledged(ack);
      touched_.insert(name.from_shard);
    }
  } else if (auto* call = std::get_if<CallOrigin>(&origin)) {
    const auto* created = std::get_if<shard::AccountCreated>(&answer);
    CHASQUI_ASSERT(created != nullptr, "an account's command gives a device or is refused");
    HttpAnswer done;
    done.user = created->user;
    done.device = created->device;
    answer_call(call->call, std::move(done), out);
  } else if (auto* device = std::get_if<DeviceOrigin>(&origin)) {
    client::ServerFrame frame;
    if (const auto* created = std::get_if<shard::AccountCreated>(&answer)) {
      frame.mutable_device_renewed()->set_device(static_cast<std::uint32_t>(created->device.value()));
    } else {
      frame.mutable_logged_out();
    }
    gateway_.answer(now, device->session, device->request_id, frame, out);
  } else if (std::holds_alternative<CursorOrigin>(origin)) {
    shard.cursor_proposed = false;
    shard.feed.cursor_moved(RaftIndex(shard.machine.numbers().feed_cursor()));
    // The machine moves it by a bounded piece at a time: go on at once if more is acknowledged.
    if (shard.feed.rows_done() > 0 || shard.feed.movable() > shard.feed.committed())
      shard.cursor_due = MonoTime::never();
    out.push_back(Note{NoteKind::CursorMoved, shard.id, {}, shard.feed.committed().value(), 0});
  }
}

void Node::Impl::fail(Shard& shard, Origin& origin, const gateway::Refusal& refusal, Now now, Outputs& out) {
  if (auto* send = std::get_if<SendOrigin>(&origin)) {
    out.push_back(Note{NoteKind::CommandRefused, shard.id, send->session, static_cast<std::uint64_t>(refusal.code), 0});
    gateway_.refuse(now, send->session, send->request_id, refusal, out);
  } else if (std::get_if<MarkOrigin>(&origin) != nullptr) {
    // The device says its marks again at the next ack or Hello.
  } else if (auto* notify = std::get_if<NotifyOrigin>(&origin)) {
    shard.notify.give_back(notify->command, std::move(notify->completes), now);
  } else if (auto* call = std::get_if<CallOrigin>(&origin)) {
    refuse_call(call->call, refusal.code, refusal.message, out, refusal.retry_after_ms);
  } else if (auto* device = std::get_if<DeviceOrigin>(&origin)) {
    gateway_.refuse(now, device->session, device->request_id, refusal, out);
  } else if (std::holds_alternative<CursorOrigin>(origin)) {
    shard.cursor_proposed = false;
  }
}

}  // namespace chasqui
