#include "core/client/client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/points.h"
#include "core/client/client_impl.h"

namespace chasqui::client {
namespace {

constexpr std::uint64_t client_message_bytes_max = 200'000;  // below what a server takes as one WebSocket message
constexpr int client_message_frames_max = 1'000;
constexpr std::uint64_t marks_requests_max = 2;
constexpr std::uint64_t marks_journaled_at_once = 64;

static_assert(client_message_bytes_max + text_bytes_max < 270'000, "one frame above the cut still fits a message");

}  // namespace

ClientImpl::ClientImpl(const Config& config, const Seed& seed)
    : config_(config),
      random_(seed),
      link_(journal_, random_, config.retry_base, config.retry_cap),
      requests_(config.request_timeout),
      outbox_(journal_, random_, config.retry_base, config.retry_cap),
      inbox_(journal_, random_, config.retry_base, config.retry_cap, config.fetch_events),
      acks_(config.ack_linger, config.group_ack_linger),
      sync_(journal_),
      identity_(journal_, random_, outbox_, config_) {}

// ------------------------------------------------------------------------------------------------------ transport

void ClientImpl::start(Now now, Outputs& out) {
  identity_.on_started(now.mono);
  link_.start(now.mono);
  pump(now, out);
}

void ClientImpl::stop(Now now, Outputs& out) {
  const bool open = link_.is_up() || link_.state() == Link::State::Connecting;
  const bool greeted = is_connected();
  link_.stop();
  forget_session(now.mono, out);
  if (open) out.disconnect = true;
  if (greeted) out.happenings.emplace_back(Disconnected{});
  for (const ConversationId& conversation : std::exchange(marks_dirty_, {})) journal_.write(marks_record(conversation));
  pump(now, out);
}

void ClientImpl::connected(Now now, Outputs& out) {
  if (link_.state() != Link::State::Connecting) {  // nobody wants it any more
    if (!link_.is_up()) out.disconnect = true;
    return pump(now, out);
  }
  link_.on_connected(now.mono);
  Hello& hello = *frame(request(now.mono, Asked::Hello)).mutable_hello();
  hello.set_user(identity_.credentials().user.value());
  hello.set_device(static_cast<std::uint32_t>(identity_.hello_device().value()));
  hello.set_secret(identity_.hello_secret());
  hello.set_generation(link_.next_generation(now.wall));
  hello.set_synced_version(sync_.version().value());
  hello.set_history_epoch(static_cast<std::uint32_t>(sync_.epoch().value()));
  hello.set_client(config_.program.substr(0, 64));
  pump(now, out);
}

void ClientImpl::disconnected(Now now, Outputs& out) {
  if (link_.is_up() || link_.state() == Link::State::Connecting) lose(now.mono, Duration{}, false, false, out);
  pump(now, out);
}

void ClientImpl::persisted(Now now, std::uint64_t count, Outputs& out) {
  journal_.persisted(count);
  outbox_.on_persisted();
  take_what_is_safe(now.mono, out);
  pump(now, out);
}

void ClientImpl::tick(Now now, Outputs& out) {
  if (link_.is_up() && requests_.next_deadline() <= now.mono) lose(now.mono, Duration{}, false, true, out);
  pump(now, out);
}

MonoTime ClientImpl::next_deadline() const {
  MonoTime next = link_.next_deadline(requests_.count(Asked::Ping) > 0);
  if (CHASQUI_CANARY("lost_wakeup") && !link_.is_up()) return MonoTime::never();
  if (const auto expiry = inbox_.next_expiry(); expiry && *expiry > wall_) {
    next = earlier(next, now_ + milliseconds(expiry->ms - wall_.ms));
  }
  if (link_.is_up()) next = earlier(next, requests_.next_deadline());
  if (!is_connected()) return next;
  next = earlier(next, earlier(outbox_.next_deadline(), inbox_.next_deadline(now_)));
  next = earlier(next, earlier(acks_.next_deadline(), sync_.next_deadline()));
  next = earlier(next, identity_.next_deadline(now_));
  if (const MonoTime hidden = hidden_.next_deadline(); hidden > now_) next = earlier(next, hidden);
  if (const MonoTime watch = watching_.next_deadline(); watch > now_) next = earlier(next, watch);
  if (marks_at_ > now_) next = earlier(next, marks_at_);
  if (logging_out_ && logout_at_ > now_) next = earlier(next, logout_at_);
  return next;
}

void ClientImpl::take_what_is_safe(MonoTime now, Outputs& out) {
  std::vector<Received> taken;
  inbox_.on_persisted(taken);
  for (Received& received : taken) {
    const ConversationId conversation = received.conversation;
    const Seq seq(received.event.seq());
    acks_.on_taken(conversation, seq, now);
    if (UserId(received.event.sender()) == identity_.credentials().user && receipts_.on_own_event(conversation, seq)) {
      marks_dirty_.insert(conversation);
    }
    progress(conversation);
    count(conversation, received.event, false, out);
    out.happenings.emplace_back(std::move(received));
  }
  if (auto credentials = identity_.on_persisted(); credentials) {
    out.happenings.emplace_back(DeviceChanged{*std::move(credentials)});
    link_.release(now);
  }
}

void ClientImpl::lose(MonoTime now, Duration at_least, bool misunderstood, bool close, Outputs& out) {
  if (close) out.disconnect = true;
  if (is_connected()) out.happenings.emplace_back(Disconnected{});
  link_.on_lost(now, at_least, misunderstood);
  forget_session(now, out);
}

void ClientImpl::forget_session(MonoTime now, Outputs& out) {
  if (outbox_.has_in_flight()) identity_.on_sends_lost(now);
  frames_.clear();
  unserved_since_ = MonoTime::never();
  outbox_.on_connection_lost();
  inbox_.on_connection_lost();
  sync_.on_connection_lost();
  identity_.on_connection_lost();
  hidden_.on_connection_lost();
  for (const Request& request : requests_.take_all()) {
    if (request.call == 0) continue;  // not the application's
    refuse({request.call, request.asked, request.conversation, {}},
           absl::UnavailableError("the connection broke before the answer came: ask again"), out);
  }
}

void ClientImpl::end(MonoTime now, GoAway::Reason reason, std::string message, Outputs& out) {
  lose(now, Duration{}, false, true, out);
  link_.end();
  for (const Call& call : std::exchange(calls_, {})) refuse(call, absl::UnavailableError("the session has ended"), out);
  out.happenings.emplace_back(Ended{reason, std::move(message)});
}

// ---------------------------------------------------------------------------------------------------- application

std::uint64_t ClientImpl::describe_group(Now now, const ConversationId& conversation, Outputs& out) {
  ClientFrame asked;
  asked.mutable_describe_group()->set_conversation(conversation.str());
  return ask(now, Asked::Describe, conversation, std::move(asked), out);
}

void ClientImpl::mark_read(Now now, const ConversationId& conversation, Seq seq, Outputs& out) {
  // A read mark raises delivered, so it must not be above what is safely here.
  if (acks_.on_read(conversation, std::min(seq, inbox_.taken(conversation)), now.mono)) {
    journal_.write(marks_record(conversation));
    marks_dirty_.erase(conversation);
  }
  if (auto moved = unread_.on_read(conversation, acks_.read(conversation))) out.happenings.emplace_back(*moved);
  pump(now, out);
}

void ClientImpl::mark_shown(Now now, const ConversationId& conversation, Seq seq, Outputs& out) {
  inbox_.mark_shown(conversation, seq);
  pump(now, out);
}

std::uint64_t ClientImpl::look_up(Now now, std::string handle, Outputs& out) {
  ClientFrame asked;
  asked.mutable_lookup()->set_handle(std::move(handle));
  return ask(now, Asked::Lookup, {}, std::move(asked), out);
}

std::uint64_t ClientImpl::look_up(Now now, UserId user, Outputs& out) {
  ClientFrame asked;
  asked.mutable_lookup()->set_user(user.value());
  return ask(now, Asked::Lookup, {}, std::move(asked), out);
}

std::uint64_t ClientImpl::history(Now now, const ConversationId& conversation, Seq after, std::uint32_t limit,
                                  bool newest, Outputs& out) {
  ClientFrame asked;
  History& history = *asked.mutable_history();
  history.set_conversation(conversation.str());
  history.set_after_seq(after.value());
  history.set_limit(limit);
  history.set_newest(newest);
  return ask(now, Asked::History, conversation, std::move(asked), out);
}

void ClientImpl::log_out(Now now, Outputs& out) {
  logging_out_ = true;
  logout_at_ = now.mono;
  pump(now, out);
}

std::vector<ConversationId> ClientImpl::conversations() const {
  absl::btree_set<ConversationId> all;
  for (const ConversationId& conversation : inbox_.conversations()) all.insert(conversation);
  for (const ConversationId& conversation : outbox_.conversations()) all.insert(conversation);
  return {all.begin(), all.end()};
}

// ------------------------------------------------------------------------------------------------ what leaves now

void ClientImpl::pump(Now now, Outputs& out) {
  now_ = now.mono;
  wall_ = now.wall;
  inbox_.expire(now.wall);
  if (inbox_.holds_erased() && !std::exchange(outdated_told_, true)) out.happenings.emplace_back(JournalOutdated{});
  if (!identity_.is_unsafe()) {  // what a crash between a renewal and here left untold
    if (auto credentials = identity_.on_persisted(); credentials) {
      out.happenings.emplace_back(DeviceChanged{*std::move(credentials)});
    }
  }
  if (link_.connect_due(now.mono)) out.connect = true;
  if (is_connected()) {
    if (!config_.fetch_events) sync_.wait_for_nothing();
    say_requests(now.mono);
    say_sends_and_fetches(now.mono);
    if (sync_.complete(!inbox_.is_verifying() && !hidden_.is_lacking())) out.happenings.emplace_back(Synced{});
  }
  flush(now.mono, out);
}

void ClientImpl::say_requests(MonoTime now) {
  if (auto sync = sync_.next_request(now); sync) *frame(request(now, Asked::Sync)).mutable_sync() = *sync;
  if (auto renew = identity_.next_request(now); renew && !outbox_.has_in_flight()) {
    *frame(request(now, Asked::Renew)).mutable_renew_device() = *renew;
  } else if (renew) {
    identity_.on_renew_error(now);  // first let the answers come to what is under way
  }
  while (marks_at_ <= now && requests_.count(Asked::Marks) < marks_requests_max) {
    std::vector<ConversationId> conversations = receipts_.next_to_ask();
    if (conversations.empty()) break;
    Marks marks;
    for (const ConversationId& conversation : conversations) {
      marks.add_conversations(conversation.str());
      marks.add_own_seqs(receipts_.own(conversation).value());
    }
    Request asked;
    asked.asked = Asked::Marks;
    asked.conversations = std::move(conversations);
    *frame(requests_.add(std::move(asked), now)).mutable_marks() = std::move(marks);
  }
  for (Call& call : std::exchange(calls_, {})) {
    Request asked;
    asked.asked = call.asked;
    asked.conversation = call.conversation;
    asked.call = call.id;
    ClientFrame& said = frame(requests_.add(std::move(asked), now));
    call.frame.set_request_id(said.request_id());
    said = std::move(call.frame);
  }
  if (auto wanted = hidden_.next_request(now)) {
    ClientFrame& said = frame(request(now, Asked::Hide, wanted->conversation));
    if (wanted->hide)
      *said.mutable_hide() = *std::move(wanted->hide);
    else
      said.mutable_ask_hidden()->set_conversation(wanted->conversation.str());
  }
  if (auto watch = watching_.next_request(now)) *frame(request(now, Asked::Watch)).mutable_watch() = *std::move(watch);
  if (logging_out_ && logout_at_ <= now && requests_.count(Asked::Logout) == 0) {
    frame(request(now, Asked::Logout)).mutable_logout();
  }
  if (link_.ping_due(now) && requests_.count(Asked::Ping) == 0) frame(request(now, Asked::Ping)).mutable_ping();
}

void ClientImpl::say_sends_and_fetches(MonoTime now) {
  while (auto outgoing = outbox_.next(now)) {
    Request asked;
    asked.asked = Asked::Send;
    asked.conversation = outgoing->conversation;
    asked.ticket = outgoing->ticket;
    Send& send = *frame(requests_.add(std::move(asked), now)).mutable_send();
    send.set_conversation(outgoing->conversation.str());
    send.set_outbox_seq(outgoing->number.value());
    send.set_payload(std::move(outgoing->payload));
    if (outgoing->known) {
      send.set_known_seq(std::max(*outgoing->known, inbox_.taken(outgoing->conversation)).value());
    }
  }
  const auto say_fetch = [&](Asked asked, const Fetch& fetch) {
    History& history = *frame(request(now, asked, fetch.conversation)).mutable_history();
    history.set_conversation(fetch.conversation.str());
    history.set_after_seq(fetch.after.value());
    history.set_limit(fetch.limit);
  };
  if (auto search = identity_.next_search(now)) say_fetch(Asked::Search, *search);
  while (auto fetch = inbox_.next_fetch(now)) say_fetch(Asked::Fetch, *fetch);
}

ClientFrame& ClientImpl::frame(std::uint64_t request_id) {
  ClientFrame& frame = frames_.emplace_back();
  frame.set_request_id(request_id);
  return frame;
}

std::uint64_t ClientImpl::request(MonoTime now, Asked asked, const ConversationId& conversation) {
  Request request;
  request.asked = asked;
  request.conversation = conversation;
  return requests_.add(std::move(request), now);
}

void ClientImpl::flush(MonoTime now, Outputs& out) {
  if (is_connected()) {
    for (Ack& ack : acks_.take(now, !frames_.empty(), epoch_))
      *frame(requests_.id_alone()).mutable_ack() = std::move(ack);
  }
  flush_frames(out);
  flush_journal(out);
}

void ClientImpl::flush_frames(Outputs& out) {
  ClientMessage message;
  std::uint64_t bytes = 0;
  for (ClientFrame& frame : std::exchange(frames_, {})) {
    const std::uint64_t frame_bytes = frame.ByteSizeLong();
    if (message.frames_size() >= client_message_frames_max ||
        (message.frames_size() > 0 && bytes + frame_bytes > client_message_bytes_max)) {
      out.send.push_back(message.SerializeAsString());
      message.Clear();
      bytes = 0;
    }
    bytes += frame_bytes;
    *message.add_frames() = std::move(frame);
  }
  if (message.frames_size() > 0) out.send.push_back(message.SerializeAsString());
}

// Marks ride on other records: alone they would cost a sync, and one that is lost is merely said or asked again.
void ClientImpl::flush_journal(Outputs& out) {
  if (!journal_.has_records()) return;
  for (std::uint64_t i = 0; i < marks_journaled_at_once && !marks_dirty_.empty(); ++i) {
    journal_.write(marks_record(*marks_dirty_.begin()));
    marks_dirty_.erase(marks_dirty_.begin());
  }
  for (std::string& record : journal_.take()) out.persist.push_back(std::move(record));
}

}  // namespace chasqui::client
