// Over 400 lines because what a session is let in with, answered and told share one table of sessions.
#include "core/gateway/gateway.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/address.h"
#include "core/base/check.h"
#include "core/base/points.h"
#include "core/base/text.h"
#include "core/gateway/frames_out.h"
#include "core/gateway/private_reads.h"
#include "core/gateway/typed_content.h"
#include "core/wire/frames.h"

namespace chasqui::gateway {
namespace {

// WebSocket close codes: RFC 6455, and 4000-4999 for our own.
constexpr std::uint16_t close_normal = 1000;
constexpr std::uint16_t close_going_away = 1001;
constexpr std::uint16_t close_policy = 1008;
constexpr std::uint16_t close_bad_frame = 1007;
constexpr Duration hello_wait_most = seconds(30);  // most that a client waits of itself (RELIABILITY.md section 5)
constexpr char about_to_stop[] = "this node is about to stop";

std::uint16_t close_code(client::GoAway::Reason reason) {
  if (reason == client::GoAway::SHUTTING_DOWN) return close_going_away;
  if (reason == client::GoAway::BAD_FRAME) return close_bad_frame;
  if (reason == client::GoAway::TOO_SLOW) return close_policy;
  return close_normal;
}

// What a leader tells a session of somebody whom it has stopped watching since: blocked, it may be.
bool is_of_watched(const Session& session, const client::ServerFrame& frame) {
  const auto watches = [&session](std::uint64_t user) {
    return std::binary_search(session.watched.begin(), session.watched.end(), UserId(user));
  };
  if (frame.has_typing()) return watches(frame.typing().user());
  return std::all_of(frame.presences().presences().begin(), frame.presences().presences().end(),
                     [&](const client::Presence& presence) { return watches(presence.user()); });
}

}  // namespace

Gateway::Gateway(const Limits& limits, ShardCount shards)
    : limits_(limits),
      shards_(shards),
      connections_(limits.rate_entries_max),
      look_ups_(limits.rate_entries_max),
      group_creations_(limits.rate_entries_max) {}

Session* Gateway::find(SessionId session) {
  std::unique_ptr<Session>* found = sessions_.find(session);
  return found == nullptr ? nullptr : found->get();
}

void Gateway::opened(Now now, const SessionOpened& input, Outputs& out) {
  if (sessions_.contains(input.session)) return;
  auto session = std::make_unique<Session>();
  session->id = input.session;
  session->address = input.address;
  session->opened_at = now.mono;
  sessions_.insert(input.session, std::move(session));
  all_.insert(input.session);
  not_logged_in_.insert({now.mono, input.session});
  if (draining_) {
    end(input.session, client::GoAway::SHUTTING_DOWN, about_to_stop, out);
    return;
  }
  const Rate rate = Rate::per_token_ms(limits_.connection_address_burst, limits_.connection_address_refill_ms);
  if (!is_loopback(input.address) && !connections_.at(input.address).take(now.mono, rate)) {
    out.push_back(SessionClose{input.session, close_policy, "too many connections from this address: wait a little"});
    forget(input.session);
    return;
  }
  if (not_logged_in_.size() > limits_.sockets_before_hello_max) {
    CHASQUI_MARK("half_open_closed");
    const SessionId oldest = not_logged_in_.begin()->second;
    out.push_back(SessionClose{oldest, close_policy, "no Hello came, and newer connections wait"});
    forget(oldest);
  }
}

void Gateway::closed(SessionId session) {
  forget(session);
}

void Gateway::forget(SessionId id) {
  Session* session = find(id);
  if (session == nullptr) return;
  if (session->state == Session::State::Opened || session->state == Session::State::Checking) {
    not_logged_in_.erase({session->opened_at, id});
  } else if (std::vector<SessionId>* of_user = by_user_.find(session->user)) {
    std::erase(*of_user, id);
    if (of_user->empty()) by_user_.erase(session->user);
    const ShardId shard = shard_of(session->user, shards_);
    const auto of_shard = by_shard_.find(shard);
    of_shard->second.erase(id);
    if (of_shard->second.empty()) by_shard_.erase(of_shard);
    gone_.push_back({shard, id});
  }
  if (session->behind) behind_.erase({session->progress_at, id});
  if (session->recount_due) recounts_.erase({*session->recount_due, id});
  missed_ -= session->missed.size() + session->recounted.size();
  all_.erase(id);
  sessions_.erase(id);
}

void Gateway::end(SessionId id, client::GoAway::Reason reason, std::string_view message, Outputs& out) {
  if (find(id) == nullptr) return;
  client::ServerFrame frame;
  frame.mutable_go_away()->set_reason(reason);
  frame.mutable_go_away()->set_message(std::string(message));
  out.push_back(SessionSend{id, encode(frame)});
  out.push_back(SessionClose{id, close_code(reason), std::string(message.substr(0, 120))});
  out.push_back(Note{NoteKind::SessionEnded, {}, id, static_cast<std::uint64_t>(reason), 0});
  forget(id);
}

void Gateway::bad_frame(SessionId id, std::string_view message, Outputs& out) {
  out.push_back(Note{NoteKind::BadFrame, {}, id, 0, 0});
  end(id, client::GoAway::BAD_FRAME, message, out);
}

// ------------------------------------------------------------------------------------------------------ frames in

void Gateway::frame(Now now, const SessionFrame& input, std::vector<Request>& requests, Outputs& out) {
  if (find(input.session) == nullptr) {  // closed while the frame was under way
    CHASQUI_MARK("late_frame");
    if (CHASQUI_CANARY("slot_reused")) {
      const auto next =
          std::find_if(all_.begin(), all_.end(), [&](SessionId id) { return find(id)->state == Session::State::Live; });
      if (next != all_.end()) frame(now, {*next, input.bytes}, requests, out);
    }
    return;
  }
  absl::StatusOr<client::ClientMessage> message = wire::parse_client_message(input.bytes);
  if (!message.ok()) {
    bad_frame(input.session, std_view(message.status().message()), out);
    return;
  }
  if (message->frames_size() == 0 ||
      static_cast<std::uint64_t>(message->frames_size()) > limits_.frames_per_message_max) {
    bad_frame(input.session, "a message has 1 to 1,024 frames", out);
    return;
  }
  for (client::ClientFrame& frame : *message->mutable_frames()) {
    Session* session = find(input.session);
    if (session == nullptr) return;  // an earlier frame ended it
    one_frame(now, *session, frame, requests, out);
  }
}

void Gateway::one_frame(Now now, Session& session, client::ClientFrame& frame, std::vector<Request>& requests,
                        Outputs& out) {
  const bool is_hello = frame.body_case() == client::ClientFrame::kHello;
  if (session.state == Session::State::Opened && !is_hello) {
    bad_frame(session.id, "the first frame of a session is Hello", out);
    return;
  }
  if (session.state != Session::State::Opened && is_hello) {
    bad_frame(session.id, "a session says Hello once", out);
    return;
  }
  if (session.state == Session::State::Checking) {
    bad_frame(session.id, "nothing may follow Hello before its answer", out);
    return;
  }
  const bool is_answered =
      frame.body_case() != client::ClientFrame::kAck && frame.body_case() != client::ClientFrame::kTyping;
  if (is_answered) {
    ++session.unanswered;
    if (session.unanswered >= limits_.session_unanswered_max && session.reading) {
      CHASQUI_MARK("unanswered_full");
      session.reading = false;
      out.push_back(SessionRead{session.id, false});
    }
  }
  if (!admit(now, session, frame, out)) return;
  Request request;
  request.session = session.id;
  request.request_id = frame.request_id();
  request.user = session.user;
  request.device = session.device;
  const std::uint64_t wanted_ms = frame.deadline_ms() == 0 ? limits_.deadline_ms_max : frame.deadline_ms();
  // Less a tenth: the answer must be there when the time is up, and something may take time on the way.
  const std::uint64_t most_ms = std::min(wanted_ms, limits_.deadline_ms_max);
  request.deadline = now.mono + milliseconds(static_cast<std::int64_t>(most_ms - most_ms / 10));
  if (is_hello) {
    const client::Hello& hello = frame.hello();
    session.state = Session::State::Checking;
    session.user = request.user = UserId(hello.user());
    session.device = request.device = DeviceId(hello.device());
    session.generation = hello.generation();
  }
  request.frame.Swap(&frame);
  requests.push_back(std::move(request));
}

// Each of those who are refused is told another moment, as far apart as they can be let in (RELIABILITY.md section 5).
// Who does not come back leaves room for those who come early; and nobody waits longer than a client would of itself.
std::uint32_t Gateway::wait_of_next_hello(MonoTime now, Rate rate) {
  const Duration first = milliseconds(hellos_.wait_ms(now, rate));
  hello_turn_ = std::max(now + first, hello_turn_ + Duration{static_cast<std::int64_t>(rate.token_ns)});
  if (hello_turn_ > now + hello_wait_most) hello_turn_ = now + first;
  return static_cast<std::uint32_t>((hello_turn_ - now).ns / 1'000'000);
}

// Rates. What is refused is answered here; acks over their rate are dropped: the device says them again.
bool Gateway::admit(Now now, Session& session, const client::ClientFrame& frame, Outputs& out) {
  const auto take = [&](Bucket& bucket, Rate rate, std::string_view what, std::uint64_t tokens = 1) {
    if (bucket.take(now.mono, rate, tokens)) return true;
    CHASQUI_MARK("rate_refused");
    refuse(now, session.id, frame.request_id(),
           {client::RESOURCE_EXHAUSTED, absl::StrCat("too many ", text(what), ": wait a little"),
            bucket.wait_ms(now.mono, rate, tokens), OutboxSeq()},
           out);
    return false;
  };
  // The first thing that a device sends into a group of this user's making is its creation.
  const auto take_group_creation = [&](const client::Send& send) {
    if (send.outbox_seq() != 1) return true;
    const auto conversation = ConversationId::parse(send.conversation());
    if (!conversation || !conversation->is_group_of(session.user)) return true;
    const Rate rate = Rate::per_token_ms(limits_.group_create_user_burst, limits_.group_create_user_refill_ms);
    return take(group_creations_.at(session.user), rate, "groups created");
  };
  const Rate pages = Rate::per_token_ms(limits_.page_device_burst, limits_.page_device_refill_ms);
  switch (frame.body_case()) {
    case client::ClientFrame::kHello: {
      const Rate rate = Rate::per_second(limits_.hello_burst, limits_.hello_per_second);
      if (hellos_.take(now.mono, rate)) return true;
      CHASQUI_MARK("hello_storm");
      refuse(now, session.id, frame.request_id(),
             {client::UNAVAILABLE, "too many devices come back at once: try again later",
              wait_of_next_hello(now.mono, rate), OutboxSeq()},
             out);
      return false;
    }
    case client::ClientFrame::kSend: {
      // The brake on forwards: what went through many hands already goes on to one conversation at a time.
      const std::uint32_t forwards = forwards_in(frame.send().payload());
      const std::uint64_t steps = forwards == 0 ? 0 : forwards > bounds::forwards_viral ? bounds::forwards_viral : 1;
      const Rate rate = Rate::per_token_ms(limits_.forward_device_burst, limits_.forward_device_refill_ms);
      if (steps > 0 && !take(session.forwards, rate, "forwards", std::min(steps, limits_.forward_device_burst))) {
        return false;
      }
      return take_group_creation(frame.send()) &&
             take(session.sends, Rate::per_token_ms(limits_.send_device_burst, limits_.send_device_refill_ms),
                  "sends") &&
             take(session.send_bytes,
                  {limits_.send_bytes_user_burst,
                   1'000'000 / std::max<std::uint64_t>(1, limits_.send_bytes_user_per_ms)},
                  "bytes sent", frame.send().payload().size());
    }
    case client::ClientFrame::kAck:
      return session.acks.take(now.mono, Rate::per_token_ms(limits_.ack_device_burst, limits_.ack_device_refill_ms));
    case client::ClientFrame::kSync:
    case client::ClientFrame::kHistory:
    case client::ClientFrame::kAskHidden:
    case client::ClientFrame::kDescribeGroup:
    case client::ClientFrame::kAskReceipts:
    case client::ClientFrame::kMarks: return take(session.pages, pages, "pages asked for");
    case client::ClientFrame::kHide:
    case client::ClientFrame::kSetGate:
    case client::ClientFrame::kSetPrivacy:
      return take(session.settings, Rate::per_token_ms(limits_.setting_device_burst, limits_.setting_device_refill_ms),
                  "settings");
    case client::ClientFrame::kTyping:
      return session.ephemerals.take(
          now.mono, Rate::per_token_ms(limits_.ephemeral_device_burst, limits_.ephemeral_device_refill_ms));
    case client::ClientFrame::kWatch:
      return take(session.ephemerals,
                  Rate::per_token_ms(limits_.ephemeral_device_burst, limits_.ephemeral_device_refill_ms), "watches");
    case client::ClientFrame::kLookup:
      return take(look_ups_.at(session.user),
                  Rate::per_token_ms(limits_.lookup_user_burst, limits_.lookup_user_refill_ms), "look-ups");
    case client::ClientFrame::kRenewDevice:
    case client::ClientFrame::kLogout:
    case client::ClientFrame::kPing: return true;
    case client::ClientFrame::BODY_NOT_SET:
      CHASQUI_ASSERT(!CHASQUI_CANARY("assert_on_input"), "every kind of request is known");
      break;
  }
  refuse(now, session.id, frame.request_id(),
         {client::UNIMPLEMENTED, "this server does not know that kind of request: is it older than the client?", 0,
          OutboxSeq()},
         out);
  return false;
}

// ------------------------------------------------------------------------------------------------------- answers

bool Gateway::register_session(Now now, SessionId id, Outputs& out) {
  Session* session = find(id);
  if (session == nullptr || session->state == Session::State::Opened) return false;
  if (session->state != Session::State::Checking) return true;
  std::vector<SessionId> replaced;
  if (const std::vector<SessionId>* of_user = by_user_.find(session->user)) {
    for (const SessionId other_id : *of_user) {
      const Session* other = find(other_id);
      CHASQUI_ASSERT(other != nullptr, "a registered session exists");
      if (other->device != session->device) continue;
      if (other->generation > session->generation) {
        end(id, client::GoAway::SESSION_REPLACED, "a newer session of this device stands", out);
        return false;
      }
      replaced.push_back(other_id);
    }
  }
  for (const SessionId other : replaced) {
    end(other, client::GoAway::SESSION_REPLACED, "this device has connected anew", out);
  }
  not_logged_in_.erase({session->opened_at, id});
  session->state = Session::State::Greeting;
  by_user_[session->user].push_back(id);
  by_shard_[shard_of(session->user, shards_)].insert(id);
  out.push_back(Note{NoteKind::SessionLoggedIn, {}, id, session->user.value(), session->device.value()});
  (void)now;
  return true;
}

std::optional<Gateway::OfShard> Gateway::greet(Now now, SessionId id, std::uint64_t request_id,
                                               client::ServerFrame& answer_frame, Outputs& out) {
  Session* session = find(id);
  if (session == nullptr || session->state != Session::State::Greeting) return std::nullopt;
  session->state = Session::State::Live;
  session->version = std::max(session->version, Version(answer_frame.hello().sync().top_version()));
  const client::HelloAnswer& hello = answer_frame.hello();
  if (hello.privacy_changes() >= session->privacy_changes) {
    session->privacy_changes = hello.privacy_changes();
    session->reads_private = hello.reads_private();
  }
  answer(now, id, request_id, answer_frame, out);
  session = find(id);
  if (session != nullptr && !session->behind) tell_missed(now, *session, out);
  if (session == nullptr || !std::exchange(session->registered_unanswered, false)) return std::nullopt;
  CHASQUI_MARK("registered_amid_hello");
  return OfShard{id, session->user, session->device, session->generation, session->version};
}

void Gateway::answer(Now now, SessionId id, std::uint64_t request_id, client::ServerFrame& frame, Outputs& out) {
  Session* session = find(id);
  if (session == nullptr) return;
  frame.set_request_id(request_id);
  if (frame.has_hello()) session->is_paging = frame.hello().sync().next_below() != 0;
  if (frame.has_sync()) session->is_paging = frame.sync().next_below() != 0;
  if (session->reads_private) strip_reads(frame, session->user);
  send(now, *session, encode(frame), out);
  settle(*session, out);
}

void Gateway::acked(Now now, SessionId id, std::uint64_t request_id, client::ServerFrame& frame, Outputs& out) {
  Session* session = find(id);
  if (session == nullptr) return;
  frame.set_request_id(request_id);
  send(now, *session, encode(frame), out);
}

void Gateway::refuse(Now now, SessionId id, std::uint64_t request_id, const Refusal& refusal, Outputs& out) {
  Session* session = find(id);
  if (session == nullptr) return;
  client::ServerFrame frame;
  client::Error& error = *frame.mutable_error();
  error.set_code(refusal.code);
  error.set_message(refusal.message);
  error.set_retry_after_ms(refusal.retry_after_ms);
  error.set_next_outbox_seq(refusal.next_outbox_seq.value());
  error.set_known_seq(refusal.known_seq.value());
  answer(now, id, request_id, frame, out);
  if (session->state == Session::State::Opened || session->state == Session::State::Checking) {
    // Without a Hello that was taken there is no session: whoever it is comes back with a better one.
    out.push_back(Note{NoteKind::SessionRefused, {}, id, static_cast<std::uint64_t>(refusal.code), 0});
    out.push_back(SessionClose{id, close_policy, refusal.message.substr(0, 120)});
    forget(id);
  }
}

void Gateway::settle(Session& session, Outputs& out) {
  CHASQUI_ASSERT(session.unanswered > 0, "a request is answered once");
  --session.unanswered;
  // One that is behind asks nothing more before it has caught up: see send() and writable().
  if (!session.reading && !session.behind && session.unanswered <= limits_.session_unanswered_max / 2) {
    session.reading = true;
    out.push_back(SessionRead{session.id, true});
  }
}

// ------------------------------------------------------------------------------------------------ frames out, budget

void Gateway::send(Now now, Session& session, std::string bytes, Outputs& out) {
  session.bytes_out += bytes.size();
  const bool over = session.bytes_out > limits_.push_budget_bytes_max;
  if (!session.behind && over && !CHASQUI_CANARY("queue_unbounded")) {
    CHASQUI_MARK("session_lags");
    session.behind = true;
    session.progress_at = now.mono;
    behind_.insert({now.mono, session.id});
    out.push_back(Note{NoteKind::SessionBehind, {}, session.id, session.bytes_out, 0});
    // Answers go on being made for what was asked; so nothing more may be asked until it has drained.
    if (session.reading) {
      session.reading = false;
      out.push_back(SessionRead{session.id, false});
    }
  }
  if (!out.empty()) {
    auto* last = std::get_if<SessionSend>(&out.back());
    if (last != nullptr && last->session == session.id &&
        last->bytes.size() + bytes.size() < limits_.websocket_message_bytes_max / 2) {
      last->bytes += bytes;
      return;
    }
  }
  out.push_back(SessionSend{session.id, std::move(bytes)});
}

void Gateway::writable(Now now, const SessionWritable& input, Outputs& out) {
  Session* session = find(input.session);
  if (session == nullptr) return;
  session->bytes_out -= std::min(session->bytes_out, input.bytes);
  if (!session->behind) return;
  behind_.erase({session->progress_at, session->id});
  if (session->bytes_out > limits_.push_budget_bytes_max / 4) {
    session->progress_at = now.mono;
    behind_.insert({now.mono, session->id});
    return;
  }
  session->behind = false;
  out.push_back(Note{NoteKind::SessionCaughtUp, {}, session->id, session->missed.size(), 0});
  if (!session->reading && session->unanswered <= limits_.session_unanswered_max / 2) {
    session->reading = true;
    out.push_back(SessionRead{session->id, true});
  }
  if (session->state == Session::State::Live) tell_missed(now, *session, out);
}

void Gateway::tell_missed(Now now, Session& session, Outputs& out) {
  while (!session.missed.empty() && !session.behind) {
    CHASQUI_MARK("head_told");
    const auto first = session.missed.begin();
    if (const auto later = session.recounted.find(first->first); later != session.recounted.end()) {
      first->second.merge(later->second);
      session.recounted.erase(later);
      --missed_;
    }
    const Session::Missed& what = first->second;
    client::ServerFrame frame;
    client::Head& head = *frame.mutable_head();
    head.set_conversation(first->first.str());
    head.set_seq(what.marks.head);
    head.set_version(what.version.value());
    head.set_hides(what.standing.hides);
    head.set_read(what.marks.read);
    put_counts(what.marks.counts, head);
    if (what.standing.gate) {
      head.set_gate(*what.standing.gate);
      head.set_is_invitation(what.standing.is_invitation);
    }
    session.pushed.note(first->first, Seq(what.marks.head), what.standing, beside_events(what.marks));
    session.missed.erase(first);
    --missed_;
    send(now, session, encode(frame), out);
  }
}

bool Gateway::miss(Session& session, const ConversationId& conversation, const Session::Missed& what, Outputs& out) {
  if (session.missed.size() >= Session::missed_max && !session.missed.contains(conversation)) {
    end(session.id, client::GoAway::TOO_SLOW, "more happened than this session can be told: connect again", out);
    return false;
  }
  const auto [entry, fresh] = session.missed.try_emplace(conversation);
  if (fresh) ++missed_;
  entry->second.merge(what);
  return true;
}

void Gateway::push(Now now, std::span<const UserId> users, const ConversationId& conversation, Seq seq,
                   std::string_view event, Outputs& out) {
  std::vector<SessionId> ids;  // miss() may end one of them
  for (const UserId user : users) {
    if (event.empty()) {
      head_moved(now, user, conversation, {{seq.value(), 0, {}}, Version(), {}}, false, out);
      continue;
    }
    const std::vector<SessionId>* of_user = by_user_.find(user);
    if (of_user != nullptr) ids.insert(ids.end(), of_user->begin(), of_user->end());
  }
  std::string bytes;
  for (const SessionId id : ids) {
    Session& session = *find(id);
    if (session.behind || session.state != Session::State::Live || CHASQUI_MAYBE("push_missed")) {
      CHASQUI_MARK("push_missed");
      miss(session, conversation, {{seq.value(), 0, {}}, Version(), {}}, out);
      continue;
    }
    if (bytes.empty()) bytes = encode_push(conversation, event);
    session.pushed.note(conversation, seq);
    send(now, session, bytes, out);
  }
}

void Gateway::head_moved(Now now, UserId user, const ConversationId& conversation, const Session::Missed& what,
                         bool whole, Outputs& out) {
  if (CHASQUI_CANARY("mark_after_hello")) return;
  const std::vector<SessionId>* of_user = by_user_.find(user);
  if (of_user == nullptr) return;
  const std::vector<SessionId> ids = *of_user;
  for (const SessionId id : ids) {
    Session& session = *find(id);
    session.heard = std::max(session.heard, what.version);
    if (whole) session.count_as_told();
    if (what.standing.gate == client::BLOCKED && !conversation.is_group()) {
      std::erase(session.watched, user == conversation.lower() ? conversation.higher() : conversation.lower());
    }
    if (session.pushed.covers(conversation, Seq(what.marks.head), what.standing)) {
      const bool is_more = what.beside_events || session.is_paging;
      if (is_more && !session.pushed.covers(conversation, beside_events(what.marks))) {
        recount_later(now, session, conversation, what);
      }
      continue;
    }
    if (!miss(session, conversation, what, out)) continue;
    if (session.state == Session::State::Live && !session.behind) tell_missed(now, session, out);
  }
}

void Gateway::receipt(Now now, UserId to, const client::Receipt& receipt, Outputs& out) {
  const std::vector<SessionId>* of_user = by_user_.find(to);
  if (of_user == nullptr) return;
  std::string with_read;
  std::string without;
  for (const SessionId id : *of_user) {
    Session& session = *find(id);
    // Not kept for a session that cannot take it: a device asks for marks after Hello, and again when it wants them.
    if (session.state != Session::State::Live || session.behind) continue;
    const bool hides_read = session.reads_private && UserId(receipt.user()) != to;
    std::string& bytes = hides_read ? without : with_read;
    if (bytes.empty()) {
      client::ServerFrame frame;
      *frame.mutable_receipt() = receipt;
      if (hides_read) frame.mutable_receipt()->set_read_seq(0);
      bytes = encode(frame);
    }
    send(now, session, bytes, out);
  }
}

void Gateway::ephemeral(Now now, const std::vector<SessionId>& sessions, const client::ServerFrame& frame,
                        Outputs& out) {
  std::string bytes;
  for (const SessionId id : sessions) {
    Session* session = find(id);
    if (session == nullptr || session->state != Session::State::Live || session->behind) continue;
    if (!is_of_watched(*session, frame)) {
      CHASQUI_MARK("ephemeral_unwanted");
      continue;
    }
    if (bytes.empty()) bytes = encode(frame);
    send(now, *session, bytes, out);
  }
}

void Gateway::watches(SessionId id, std::vector<UserId> users) {
  if (Session* session = find(id)) session->watched = std::move(users);
}

void Gateway::watches_no_more(SessionId id, UserId user) {
  if (Session* session = find(id)) std::erase(session->watched, user);
}

bool Gateway::is_watched(SessionId id, UserId user) {
  const Session* session = find(id);
  return session != nullptr && std::binary_search(session->watched.begin(), session->watched.end(), user);
}

void Gateway::device_gone(UserId user, DeviceId device, Outputs& out) {
  if (CHASQUI_CANARY("token_cached")) return;
  const std::vector<SessionId>* of_user = by_user_.find(user);
  if (of_user == nullptr) return;
  const std::vector<SessionId> ids = *of_user;
  for (const SessionId id : ids) {
    if (find(id)->device == device) end(id, client::GoAway::REVOKED, "this device is logged out", out);
  }
}

void Gateway::caught_up(ShardId shard) {
  const auto found = by_shard_.find(shard);
  if (found == by_shard_.end()) return;
  for (const SessionId id : found->second) {
    find(id)->count_as_told();
  }
}

void Gateway::replaced(UserId user, SessionId session, Outputs& out) {
  if (belongs(session, user)) end(session, client::GoAway::SESSION_REPLACED, "this device has connected anew", out);
}

bool Gateway::belongs(SessionId id, UserId user) const {
  const std::unique_ptr<Session>* session = sessions_.find(id);
  return session != nullptr && (*session)->user == user && (*session)->state != Session::State::Opened;
}

std::vector<Gateway::OfShard> Gateway::of_shard(ShardId shard) {
  std::vector<OfShard> sessions;
  const auto found = by_shard_.find(shard);
  if (found == by_shard_.end()) return sessions;
  for (const SessionId id : found->second) {
    Session& session = *find(id);
    // One whose Hello is not answered yet is told by that answer, and by greet(), what it lacks.
    const bool is_live = session.state == Session::State::Live;
    if (!is_live) session.registered_unanswered = true;
    const Version told = is_live ? session.version : Version(~std::uint64_t{0});
    sessions.push_back({id, session.user, session.device, session.generation, told});
  }
  return sessions;
}

// --------------------------------------------------------------------------------------------------------- time

void Gateway::drain(Now now, std::uint64_t spread_draw, bool are_others, Outputs& out) {
  if (draining_) return;
  draining_ = true;
  out.push_back(Note{NoteKind::Draining, {}, {}, sessions_.size(), 0});
  // Spread over drain_ms, so that the next node does not meet all of them at once. Whoever has another node to go to is
  // served here until its turn comes; else nobody is, and each is told another delay.
  leaving_is_told_ = !are_others;
  const std::uint64_t step_ns = limits_.drain_ms * 1'000'000 / std::max<std::size_t>(1, all_.size());
  std::uint64_t number = 0;
  for (const SessionId id : all_) {
    if (!are_others) {
      client::ServerFrame frame;
      frame.mutable_go_away()->set_reason(client::GoAway::SHUTTING_DOWN);
      frame.mutable_go_away()->set_message(about_to_stop);
      frame.mutable_go_away()->set_after_ms(
          static_cast<std::uint32_t>((spread_draw + number * 7919) % (limits_.drain_ms + 1)));
      send(now, *find(id), encode(frame), out);
    }
    leaving_.insert({now.mono + Duration{static_cast<std::int64_t>(number * step_ns)}, id});
    ++number;
  }
}

void Gateway::tick(Now now, Outputs& out) {
  while (!leaving_.empty() && leaving_.begin()->first <= now.mono) {
    const SessionId id = leaving_.begin()->second;
    leaving_.erase(leaving_.begin());
    if (find(id) == nullptr) continue;
    if (!leaving_is_told_) {
      end(id, client::GoAway::SHUTTING_DOWN, about_to_stop, out);
      continue;
    }
    out.push_back(SessionClose{id, close_going_away, about_to_stop});
    forget(id);
  }
  const Duration hello_timeout = milliseconds(static_cast<std::int64_t>(limits_.hello_timeout_ms));
  while (!not_logged_in_.empty() && not_logged_in_.begin()->first + hello_timeout <= now.mono) {
    const SessionId id = not_logged_in_.begin()->second;
    out.push_back(SessionClose{id, close_policy, "no Hello came in time"});
    forget(id);
  }
  recount_due(now, out);
  const Duration behind_most = milliseconds(static_cast<std::int64_t>(limits_.session_behind_ms_max));
  while (!behind_.empty() && behind_.begin()->first + behind_most <= now.mono) {
    end(behind_.begin()->second, client::GoAway::TOO_SLOW, "this session does not read what it is sent", out);
  }
}

MonoTime Gateway::next_deadline() const {
  MonoTime next = MonoTime::never();
  if (!leaving_.empty()) next = leaving_.begin()->first;
  if (!recounts_.empty()) next = earlier(next, recounts_.begin()->first);
  if (!not_logged_in_.empty()) {
    next = earlier(next,
                   not_logged_in_.begin()->first + milliseconds(static_cast<std::int64_t>(limits_.hello_timeout_ms)));
  }
  if (!behind_.empty()) {
    next =
        earlier(next, behind_.begin()->first + milliseconds(static_cast<std::int64_t>(limits_.session_behind_ms_max)));
  }
  return next;
}

}  // namespace chasqui::gateway
