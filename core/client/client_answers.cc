// What the server says, and what follows from it. Nothing here is trusted: what cannot be gives up the connection.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/points.h"
#include "core/client/client_impl.h"
#include "google/protobuf/io/coded_stream.h"

namespace chasqui::client {
namespace {

constexpr std::size_t server_message_bytes_max = 1024 * 1024;  // four times what the protocol allows
constexpr int nesting_max = 32;
constexpr std::size_t error_bytes_max = 512;
constexpr Duration push_grace = seconds(1);  // that the push of an own message may come after its acceptance

bool parse(std::string_view bytes, ServerMessage& message) {
  if (bytes.size() > server_message_bytes_max) return false;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(nesting_max);
  return message.ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage();
}

}  // namespace

absl::Status to_status(const Error& error) {
  const bool known = Code_IsValid(error.code()) && error.code() != OK;
  return {known ? static_cast<absl::StatusCode>(error.code()) : absl::StatusCode::kUnknown,
          error.message().substr(0, error_bytes_max)};
}

void ClientImpl::received(Now now, std::string_view server_message, Outputs& out) {
  if (!link_.is_up()) return pump(now, out);  // of a connection that was given up
  link_.on_heard(now.mono);
  ServerMessage message;
  if (!parse(server_message, message)) {
    misunderstood(now.mono, out);
    return pump(now, out);
  }
  for (const ServerFrame& frame : message.frames()) {
    if (!on_frame(now.mono, frame, out) && link_.is_up()) misunderstood(now.mono, out);
    if (!link_.is_up()) break;
  }
  pump(now, out);
}

bool ClientImpl::on_frame(MonoTime now, const ServerFrame& frame, Outputs& out) {
  if (frame.body_case() == ServerFrame::kGoAway) {
    on_go_away(now, frame.go_away(), out);
    return true;
  }
  // A mark's confirmation is told by its conversation: an Ack is repeated until then, so its id says nothing.
  if (frame.body_case() == ServerFrame::kAcked) {
    const std::optional<ConversationId> conversation = ConversationId::parse(frame.acked().conversation());
    if (!conversation) return false;
    unserved_since_ = MonoTime::never();
    if (acks_.on_confirmed(*conversation, Seq(frame.acked().delivered_seq()), Seq(frame.acked().read_seq()))) {
      marks_dirty_.insert(*conversation);
    }
    return true;
  }
  if (frame.body_case() == ServerFrame::kPush || frame.body_case() == ServerFrame::kHead ||
      frame.body_case() == ServerFrame::kReceipt || frame.body_case() == ServerFrame::kGroupReceipts ||
      frame.body_case() == ServerFrame::kTyping ||
      (frame.body_case() == ServerFrame::kPresences && frame.request_id() == 0)) {
    return !is_connected() || on_unasked(now, frame, out);  // before Hello is answered: it comes again by sync
  }
  if (frame.body_case() == ServerFrame::BODY_NOT_SET) return true;  // of a later protocol
  const std::optional<Request> request = requests_.take(frame.request_id());
  if (!request) return true;  // answers what we no longer ask
  if (request->asked != Asked::Ping) {
    const Code code = frame.error().code();
    const bool is_served = !frame.has_error() || (code != UNAVAILABLE && code != ABORTED);
    unserved_since_ = is_served ? MonoTime::never() : std::min(unserved_since_, now);
  }
  if (frame.body_case() == ServerFrame::kError) return on_error(now, *request, frame.error(), out);
  return on_answer(now, *request, frame, out);
}

bool ClientImpl::on_unasked(MonoTime now, const ServerFrame& frame, Outputs& out) {
  if (frame.body_case() == ServerFrame::kReceipt) return on_receipt(frame.receipt(), out);
  if (frame.body_case() == ServerFrame::kGroupReceipts) return on_group_receipts(frame.group_receipts(), out);
  if (frame.body_case() == ServerFrame::kTyping) return on_typing(frame.typing(), out);
  if (frame.body_case() == ServerFrame::kPresences) {
    for (const Presence& presence : frame.presences().presences()) out.happenings.emplace_back(PresenceHeard{presence});
    return true;
  }
  const bool is_push = frame.body_case() == ServerFrame::kPush;
  const std::optional<ConversationId> conversation =
      ConversationId::parse(is_push ? frame.push().conversation() : frame.head().conversation());
  if (!conversation) return false;
  if (CHASQUI_CANARY("ack_before_store") && is_push) {
    acks_.on_taken(*conversation, Seq(frame.push().event().seq()), now);
  }
  (void)now;
  if (is_push) {
    const bool is_repeated = Seq(frame.push().event().seq()) <= inbox_.taken(*conversation);
    if (!inbox_.on_event(*conversation, frame.push().event()).ok()) return false;
    count(*conversation, frame.push().event(), is_repeated, out);
    return true;
  }
  inbox_.note_head(*conversation, Seq(frame.head().seq()));
  hidden_.note(*conversation, frame.head().hides());
  if (auto moved = unread_.merge(*conversation, counts_of(frame.head()))) out.happenings.emplace_back(*moved);
  on_own_read(*conversation, Seq(frame.head().read()), out);
  if (frame.head().has_gate()) note_gate(*conversation, frame.head().gate(), frame.head().is_invitation(), out);
  return true;
}

bool ClientImpl::on_answer(MonoTime now, const Request& request, const ServerFrame& frame, Outputs& out) {
  switch (request.asked) {
    case Asked::Hello: return frame.has_hello() && on_hello(now, frame.hello(), out);
    case Asked::Send: return frame.has_accepted() && on_accepted(now, request, frame.accepted(), out);
    case Asked::Sync: {
      if (!frame.has_sync()) return false;
      const absl::StatusOr<std::vector<Known>> known = sync_.on_page(frame.sync());
      if (known.ok()) follow(*known, out);
      return known.ok();
    }
    case Asked::Fetch: {
      if (!frame.has_history() || frame.history().conversation() != request.conversation.str()) return false;
      const Seq before = inbox_.taken(request.conversation);
      const bool ok = inbox_.on_page(request.conversation, frame.history(), now).ok();
      if (const Seq after = inbox_.taken(request.conversation); after < before)
        acks_.go_back(request.conversation, after);
      progress(request.conversation);
      return ok;
    }
    case Asked::Search: return frame.has_history() && on_search_page(request, frame.history(), out);
    case Asked::Marks: {
      if (!frame.has_marks()) return false;
      for (const Receipt& receipt : frame.marks().receipts()) {
        if (!on_receipt(receipt, out)) return false;
      }
      for (const ReceiptCounts& counts : frame.marks().counts()) {
        if (!on_counted(counts, counts.conversation(), out)) return false;
      }
      return true;
    }
    case Asked::MarksOf:
      if (!frame.has_marks()) return false;
      out.happenings.emplace_back(MarksDone{request.call, absl::OkStatus(), frame.marks()});
      return true;
    case Asked::Lookup: {
      if (!frame.has_profile()) return false;
      out.happenings.emplace_back(LookupDone{request.call, absl::OkStatus(), frame.profile()});
      return true;
    }
    case Asked::History: {
      if (!frame.has_history() || frame.history().conversation() != request.conversation.str()) return false;
      for (const Event& event : frame.history().events()) {
        if (!check_event(event).ok()) return false;
      }
      out.happenings.emplace_back(HistoryDone{request.call, absl::OkStatus(), frame.history()});
      return true;
    }
    case Asked::Describe: {
      if (!frame.has_group() || frame.group().conversation() != request.conversation.str()) return false;
      out.happenings.emplace_back(GroupDescribed{request.call, absl::OkStatus(), frame.group()});
      return true;
    }
    case Asked::Ping: return frame.has_pong();
    case Asked::Hide: {
      bool is_news = false;
      if (!frame.has_hidden() || !hidden_.on_answer(request.conversation, frame.hidden(), is_news)) return false;
      if (is_news) out.happenings.emplace_back(HiddenMoved{request.conversation});
      out.happenings.emplace_back(HiddenSaid{request.conversation});
      return true;
    }
    case Asked::Watch:
      for (const Presence& presence : frame.presences().presences()) {
        out.happenings.emplace_back(PresenceHeard{presence});
      }
      return frame.has_presences();
    case Asked::Privacy:
      if (!frame.has_privacy_set()) return false;
      out.happenings.emplace_back(PrivacyDone{request.call, absl::OkStatus(), frame.privacy_set().presence(),
                                              frame.privacy_set().adds(), frame.privacy_set().read_receipts()});
      return true;
    case Asked::SetGate:
      if (!frame.has_gate_set()) return false;
      out.happenings.emplace_back(GateDone{request.call, absl::OkStatus(), frame.gate_set()});
      return true;
    case Asked::Receipts:
      if (!frame.has_receipts_of() || frame.receipts_of().conversation() != request.conversation.str()) return false;
      out.happenings.emplace_back(ReceiptsDone{request.call, absl::OkStatus(), frame.receipts_of()});
      return true;
    case Asked::Renew: {
      if (!frame.has_device_renewed()) return false;
      lose(now, Duration{}, false, true, out);
      if (!identity_.on_renewed(DeviceId(frame.device_renewed().device()))) return false;
      link_.hold();  // the new id is journaled before it is used
      return true;
    }
    case Asked::Logout: {
      if (!frame.has_logged_out()) return false;
      end(now, GoAway::REVOKED, "logged out", out);
      return true;
    }
  }
  return false;
}

bool ClientImpl::on_hello(MonoTime now, const HelloAnswer& hello, Outputs& out) {
  epoch_ = HistoryEpoch(hello.history_epoch());
  absl::StatusOr<SyncRun::Started> started = sync_.on_hello(epoch_, hello.sync());
  if (!started.ok()) return false;
  link_.on_greeted(now);
  identity_.on_greeted();
  out.happenings.emplace_back(Connected{epoch_});
  if (started->restored) {
    inbox_.verify_all();
    outbox_.on_history_restored();
    acks_.confirm_all_anew();
    receipts_.forget_all();
    unread_.forget_all();
    hidden_.on_history_restored();
  }
  watching_.on_connected(now);
  follow(started->known, out);
  inbox_.on_connected();
  acks_.on_connected(now);
  receipts_.on_connected();
  marks_at_ = now;
  return true;
}

// What the index says: heads to be reached, and what this user has read elsewhere.
void ClientImpl::follow(const std::vector<Known>& known, Outputs& out) {
  for (const Known& entry : known) {
    inbox_.note_head(entry.conversation, entry.head);
    hidden_.note(entry.conversation, entry.hides);
    if (entry.is_committed) note_gate(entry.conversation, entry.gate, entry.is_invitation, out);
    progress(entry.conversation);
    if (auto moved = unread_.merge(entry.conversation, entry.counts)) out.happenings.emplace_back(*moved);
    // Whether it was heard before or not: a Head is not journaled, and the version about to be is that of this page.
    if (auto record = unread_.take_unrecorded(entry.conversation)) journal_.write(*record);
    on_own_read(entry.conversation, entry.read, out);
  }
}

void ClientImpl::progress(const ConversationId& conversation) {
  sync_.on_progress(conversation, inbox_.taken(conversation), inbox_.head(conversation));
}

bool ClientImpl::on_typing(const Typing& typing, Outputs& out) {
  const std::optional<ConversationId> conversation = ConversationId::parse(typing.conversation());
  if (!conversation || !is_valid(UserId(typing.user()))) return false;
  out.happenings.emplace_back(TypingHeard{*conversation, UserId(typing.user()), typing.is_over()});
  return true;
}

// ----------------------------------------------------------------------------------------------------------- sends

bool ClientImpl::on_accepted(MonoTime now, const Request& request, const Accepted& answer, Outputs& out) {
  const OutboxSeq number = outbox_.in_flight_number(request.conversation, request.ticket);
  CHASQUI_ASSERT(number != OutboxSeq(), "a send without an answer is in flight");
  if (answer.conversation() != request.conversation.str() || answer.outbox_seq() != number.value() ||
      answer.seq() == 0) {
    return false;
  }
  outbox_.on_accepted(request.conversation, request.ticket, Seq(answer.seq()), answer.again());
  identity_.on_send_accepted();
  inbox_.expect_head(request.conversation, Seq(answer.seq()), now + push_grace);
  accepted(request.conversation, request.ticket, Seq(answer.seq()), {answer.time_ms()}, out);
  return true;
}

void ClientImpl::accepted(const ConversationId& conversation, OutboxSeq ticket, Seq seq, LogTime time, Outputs& out) {
  if (receipts_.on_own_event(conversation, seq)) marks_dirty_.insert(conversation);
  inbox_.note_own(conversation, seq);
  out.happenings.emplace_back(SendAccepted{conversation, ticket, seq, time});
}

void ClientImpl::on_send_error(MonoTime now, const Request& request, const Error& error, Outputs& out) {
  switch (outbox_.on_error(request.conversation, request.ticket, error, now)) {
    case SendVerdict::Again: return;
    case SendVerdict::Refused:
      out.happenings.emplace_back(SendRefused{request.conversation, request.ticket, to_status(error)});
      return;
    case SendVerdict::Renew: identity_.begin_renewal(now); return;
  }
}

bool ClientImpl::on_search_page(const Request& request, const HistoryPage& page, Outputs& out) {
  if (page.conversation() != request.conversation.str()) return false;
  const absl::StatusOr<std::vector<Identity::Found>> all = identity_.on_search_page(request.conversation, page);
  if (!all.ok()) return false;
  for (const Identity::Found& found : *all) accepted(request.conversation, found.ticket, found.seq, found.time, out);
  return true;
}

// ---------------------------------------------------------------------------------------------------------- errors

bool ClientImpl::on_error(MonoTime now, const Request& request, const Error& error, Outputs& out) {
  const Duration advised = milliseconds(std::min<std::int64_t>(error.retry_after_ms(), 3'600'000));
  switch (request.asked) {
    case Asked::Hello:
      if (error.code() == UNAUTHENTICATED) link_.on_refused();
      if (error.code() == UNAUTHENTICATED && !identity_.on_unauthenticated()) {
        end(now, GoAway::REVOKED, error.message().substr(0, error_bytes_max), out);
      } else {
        lose(now, advised, !is_retryable(error.code()), true, out);
      }
      return true;
    case Asked::Send: on_send_error(now, request, error, out); return true;
    case Asked::Sync: sync_.on_error(retry_time(now, error)); return true;
    case Asked::Fetch:
      inbox_.on_fetch_error(request.conversation, error, now);
      progress(request.conversation);
      return true;
    case Asked::Search: identity_.on_search_error(request.conversation, error, retry_time(now, error)); return true;
    case Asked::Marks:
      if (is_retryable(error.code())) {
        receipts_.ask_again(request.conversations);
        marks_at_ = retry_time(now, error);
      }
      return true;
    case Asked::Hide:
      hidden_.on_error(request.conversation, !is_retryable(error.code()) && error.code() != NOT_FOUND,
                       retry_time(now, error));
      return true;
    case Asked::Watch: return true;  // it is said again soon
    case Asked::Lookup:
    case Asked::Privacy:
    case Asked::SetGate:
    case Asked::Receipts:
    case Asked::MarksOf:
    case Asked::History:
    case Asked::Describe:
      refuse({request.call, request.asked, request.conversation, {}}, to_status(error), out);
      return true;
    case Asked::Ping: return true;  // it lives
    case Asked::Renew: identity_.on_renew_error(retry_time(now, error)); return true;
    case Asked::Logout:
      if (error.code() == UNAUTHENTICATED) {
        end(now, GoAway::REVOKED, "logged out", out);
      } else {
        logout_at_ = retry_time(now, error);
      }
      return true;
  }
  return false;
}

MonoTime ClientImpl::retry_time(MonoTime now, const Error& error) {
  const Duration advised = milliseconds(std::min<std::int64_t>(error.retry_after_ms(), 3'600'000));
  return now + std::max(advised, full_jitter(random_, config_.retry_base, config_.retry_cap, 2));
}

void ClientImpl::on_go_away(MonoTime now, const GoAway& go_away, Outputs& out) {
  if (go_away.reason() == GoAway::SESSION_REPLACED || go_away.reason() == GoAway::REVOKED) {
    if (go_away.reason() == GoAway::REVOKED && identity_.on_unauthenticated()) {
      return lose(now, Duration{}, false, true, out);  // our own renewal, whose answer did not come
    }
    end(now, go_away.reason(), go_away.message().substr(0, error_bytes_max), out);
    return;
  }
  const bool misunderstood = go_away.reason() != GoAway::SHUTTING_DOWN;
  const bool is_sent_on = link_.state() == Link::State::Live && !misunderstood && go_away.after_ms() == 0;
  lose(now, milliseconds(std::min<std::int64_t>(go_away.after_ms(), 3'600'000)), misunderstood, true, out);
  if (is_sent_on) link_.hurry(now);
}

}  // namespace chasqui::client
