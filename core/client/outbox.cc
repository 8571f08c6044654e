#include "core/client/outbox.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/points.h"

namespace chasqui::client {
namespace {

// Most that is waited beyond what a server advises: what waits for it is sent soon after it is back.
constexpr Duration advised_cap = seconds(2);

}  // namespace

bool is_retryable(Code code) {
  // A code that is not known here says nothing final. UNAUTHENTICATED is about the session, which ends, not the
  // message.
  return code == UNAVAILABLE || code == ABORTED || code == RESOURCE_EXHAUSTED || code == DEADLINE_EXCEEDED ||
         code == CANCELLED || code == UNKNOWN || code == UNAUTHENTICATED || code == OK || !Code_IsValid(code);
}

Outbox::Lane::Lane() : window(bounds::client_unanswered_max) {}

absl::StatusOr<OutboxSeq> Outbox::send(const ConversationId& conversation, std::string payload, Seq after) {
  if (size_ >= bounds::outbox_messages_max) {
    return absl::ResourceExhaustedError(absl::StrCat("outbox holds ", size_, " of at most ",
                                                     bounds::outbox_messages_max,
                                                     " messages that no server has accepted: connect first"));
  }
  Lane& lane = lanes_[conversation];
  Entry entry;
  entry.ticket = lane.last_ticket = lane.last_ticket.next();
  if (!unnumbered_.contains(conversation)) {
    entry.number = lane.next_number;
    lane.next_number = lane.next_number.next();
  }
  entry.digest = blake2b_256(payload);
  entry.after = after;
  entry.payload = std::move(payload);
  entry.record = record_sent(conversation, entry);
  unsafe_.emplace_back(entry.record, conversation);
  const OutboxSeq ticket = entry.ticket;
  lane.entries.push_back(std::move(entry));
  ++size_;
  return ticket;
}

std::uint64_t Outbox::record_sent(const ConversationId& conversation, const Entry& entry) {
  JournalRecord record;
  JournalSent& sent = *record.mutable_sent();
  sent.set_conversation(conversation.str());
  sent.set_ticket(entry.ticket.value());
  sent.set_outbox_seq(entry.number.value());
  sent.set_payload(entry.payload);
  sent.set_after_seq(entry.after.value());
  return journal_.write(record);
}

// ------------------------------------------------------------------------------------------------- what may leave

std::optional<Outgoing> Outbox::next(MonoTime now) {
  if (paused_) return std::nullopt;
  while (const auto due = retries_.pop_due(now)) ready_.insert(*due);
  while (!ready_.empty() && in_flight_ < in_flight_max) {
    auto it = ready_.upper_bound(last_);  // each conversation in its turn
    if (it == ready_.end()) it = ready_.begin();
    const ConversationId conversation = *it;
    Lane& lane = lanes_[conversation];
    Entry* entry = sendable(lane, now);
    if (entry == nullptr) {
      if (lane.retry_at > now && !lane.entries.empty()) retries_.set(conversation, lane.retry_at);
      ready_.erase(it);
      continue;
    }
    if (in_flight_ > 0 && in_flight_bytes_ + entry->payload.size() > in_flight_bytes_max) return std::nullopt;
    entry->in_flight = true;
    ++lane.in_flight;
    ++in_flight_;
    in_flight_bytes_ += entry->payload.size();
    last_ = conversation;
    Outgoing outgoing{conversation, entry->ticket, entry->number, entry->payload, std::nullopt};
    if (conversation.is_group() && !lane.proven) outgoing.known = std::max(entry->after, lane.known);
    return outgoing;
  }
  return std::nullopt;
}

Outbox::Entry* Outbox::sendable(Lane& lane, MonoTime now) {
  if (lane.going_back || lane.retry_at > now || lane.in_flight >= lane.entries.size()) return nullptr;
  Entry& entry = lane.entries[lane.in_flight];
  CHASQUI_ASSERT(!entry.in_flight, "what is in flight in a lane is at its front");
  const std::uint64_t lowest = lane.entries.front().number.value();
  if (entry.number == OutboxSeq() || !journal_.is_safe(entry.record)) return nullptr;
  if (!lane.proven && lane.in_flight > 0) return nullptr;
  if (lane.in_flight >= lane.window || entry.number.value() >= lowest + bounds::client_unanswered_max) return nullptr;
  return &entry;
}

void Outbox::on_persisted() {
  while (!unsafe_.empty() && journal_.is_safe(unsafe_.front().first)) {
    ready_.insert(unsafe_.front().second);
    unsafe_.pop_front();
  }
}

void Outbox::on_connection_lost() {
  for (auto& [conversation, lane] : lanes_) {
    for (std::uint64_t i = 0; i < lane.entries.size(); ++i) lane.entries[i].in_flight = false;
    lane.in_flight = 0;
    lane.going_back = false;
    lane.proven = false;
    lane.renumber_from = OutboxSeq();  // attempts may still be under way: the server will say so again
    if (!lane.entries.empty()) ready_.insert(conversation);
  }
  in_flight_ = 0;
  in_flight_bytes_ = 0;
}

// ------------------------------------------------------------------------------------------------------- answers

OutboxSeq Outbox::in_flight_number(const ConversationId& conversation, OutboxSeq ticket) const {
  const auto it = lanes_.find(conversation);
  if (it == lanes_.end()) return OutboxSeq();
  for (const Entry& entry : it->second.entries) {
    if (entry.ticket == ticket) return entry.in_flight ? entry.number : OutboxSeq();
  }
  return OutboxSeq();
}

void Outbox::on_accepted(const ConversationId& conversation, OutboxSeq ticket, Seq seq, bool again) {
  Entry* entry = find(conversation, ticket);
  CHASQUI_ASSERT(entry != nullptr && entry->in_flight, "an answer belongs to a message in flight");
  Lane& lane = lanes_[conversation];
  land(lane, *entry);
  lane.proven = lane.proven || !again;
  lane.attempts = 0;
  lane.refused_below = 0;
  lane.window = std::min(lane.window + 1, bounds::client_unanswered_max);
  drop(conversation, lane, ticket, seq);
  settle(conversation, lane);
}

SendVerdict Outbox::on_error(const ConversationId& conversation, OutboxSeq ticket, const Error& error, MonoTime now) {
  Entry* entry = find(conversation, ticket);
  CHASQUI_ASSERT(entry != nullptr && entry->in_flight, "an answer belongs to a message in flight");
  Lane& lane = lanes_[conversation];
  land(lane, *entry);
  SendVerdict verdict = SendVerdict::Again;
  if (error.code() == ALREADY_EXISTS) {
    lane.going_back = true;
    verdict = SendVerdict::Renew;
  } else if (error.code() == OUT_OF_RANGE) {
    lane.going_back = true;
    verdict = out_of_range(conversation, lane, *entry, error, now);
  } else if (is_retryable(error.code())) {
    lane.going_back = true;
    if (error.code() == RESOURCE_EXHAUSTED) lane.window = 1;
    // Who is told what to say says it at once; told so again, he waits.
    const bool is_told = lane.known == Seq() && error.known_seq() != 0;
    lane.known = std::max(lane.known, Seq(error.known_seq()));
    if (!is_told) back_off(conversation, lane, error, now);
  } else {
    verdict = SendVerdict::Refused;
    const OutboxSeq number = entry->number;
    if (entry == &lane.entries.front()) ++lane.refused_below;
    if (error.next_outbox_seq() == number.value()) {  // of a stranger: it took no number, so the next message gets it
      lane.going_back = true;
      lane.renumber_from = number;
    }
    drop(conversation, lane, ticket, Seq());
  }
  settle(conversation, lane);
  return verdict;
}

// "Next is k". Numbers from k on that we hold are sent again, from the lowest: those below k hear their first answer.
SendVerdict Outbox::out_of_range(const ConversationId& conversation, Lane& lane, const Entry& entry, const Error& error,
                                 MonoTime now) {
  const std::uint64_t next = error.next_outbox_seq();
  const std::uint64_t lowest = lane.entries.front().number.value();
  if (next == 0 || next >= lowest) {
    // If even the lowest is out of range, the server contradicts itself: no hurry. Else it is the echo of an answer
    // that set the delay already.
    if (entry.number.value() == lowest) back_off(conversation, lane, error, now);
    return SendVerdict::Again;
  }
  if (lowest - next <= lane.refused_below) {  // the refused ones took no numbers
    lane.renumber_from = OutboxSeq(next);
    return SendVerdict::Again;
  }
  return SendVerdict::Renew;  // the server has forgotten what it accepted: these numbers cannot be trusted any more
}

// One delay for one failure: a server that refuses a whole window at once has failed once, not 64 times.
void Outbox::back_off(const ConversationId& conversation, Lane& lane, const Error& error, MonoTime now) {
  const Duration advised = milliseconds(std::min<std::int64_t>(error.retry_after_ms(), 3'600'000));
  Duration delay = advised;
  if (lane.retry_at <= now) {
    // Advice is heeded, with jitter on top; without any the delay grows with each failure. Advice is for one: where
    // many lanes want the same few tokens, or what is away stays away, the jitter grows too, to what nobody notices
    // after.
    const Duration jitter = advised.ns > 0
                                ? full_jitter(random_, std::min(advised, retry_base_), advised_cap, lane.attempts)
                                : full_jitter(random_, retry_base_, retry_cap_, lane.attempts);
    if (lane.attempts < 30) ++lane.attempts;
    delay = {advised.ns + jitter.ns};
  }
  if (CHASQUI_CANARY("resend_at_once")) delay = Duration{1};
  lane.retry_at = std::max(lane.retry_at, now + delay);
  retries_.set(conversation, lane.retry_at);
}

// After an answer: the lane goes on if nothing that went wrong is still in flight.
void Outbox::settle(const ConversationId& conversation, Lane& lane) {
  if (lane.in_flight == 0) {
    lane.going_back = false;
    if (lane.renumber_from != OutboxSeq()) renumber(conversation, lane, lane.renumber_from);
  }
  ready_.insert(conversation);
}

Outbox::Entry* Outbox::find(const ConversationId& conversation, OutboxSeq ticket) {
  const auto it = lanes_.find(conversation);
  if (it == lanes_.end()) return nullptr;
  for (Entry& entry : it->second.entries) {
    if (entry.ticket == ticket) return &entry;
  }
  return nullptr;
}

void Outbox::land(Lane& lane, Entry& entry) {
  CHASQUI_ASSERT(lane.in_flight > 0 && in_flight_ > 0, "what lands was in flight");
  entry.in_flight = false;
  --lane.in_flight;
  --in_flight_;
  in_flight_bytes_ -= entry.payload.size();
}

void Outbox::drop(const ConversationId& conversation, Lane& lane, OutboxSeq ticket, Seq seq) {
  const auto it = std::find_if(lane.entries.begin(), lane.entries.end(),
                               [&](const Entry& entry) { return entry.ticket == ticket; });
  CHASQUI_ASSERT(it != lane.entries.end() && !it->in_flight, "what is dropped is there and has landed");
  JournalRecord record;
  record.mutable_answered()->set_conversation(conversation.str());
  record.mutable_answered()->set_ticket(ticket.value());
  record.mutable_answered()->set_seq(seq.value());
  journal_.write(record);
  lane.entries.erase(it);
  --size_;
}

// ------------------------------------------------------------------------------------------------------- renewal

void Outbox::on_device_changed() {
  CHASQUI_ASSERT(in_flight_ == 0, "a device changes between sessions");
  for (auto& [conversation, lane] : lanes_) {
    lane.next_number = OutboxSeq(1);
    lane.refused_below = 0;
    lane.attempts = 0;
    lane.retry_at = MonoTime{};
    for (Entry& entry : lane.entries) entry.number = OutboxSeq();
    if (!lane.entries.empty()) unnumbered_.insert(conversation);
  }
  retries_.clear_all();
}

void Outbox::on_history_restored() {
  for (auto& [conversation, lane] : lanes_) {
    for (Entry& entry : lane.entries) entry.after = Seq();
  }
}

std::optional<ConversationId> Outbox::next_unnumbered() const {
  if (unnumbered_.empty()) return std::nullopt;
  return *unnumbered_.begin();
}

Seq Outbox::search_after(const ConversationId& conversation) const {
  const auto it = lanes_.find(conversation);
  if (it == lanes_.end() || it->second.entries.empty()) return Seq();
  Seq after = it->second.entries.front().after;
  for (const Entry& entry : it->second.entries) after = std::min(after, entry.after);
  return after;
}

std::optional<OutboxSeq> Outbox::found(const ConversationId& conversation, std::string_view digest, Seq seq) {
  const auto it = lanes_.find(conversation);
  if (it == lanes_.end()) return std::nullopt;
  for (const Entry& entry : it->second.entries) {
    if (view(entry.digest) != digest) continue;
    const OutboxSeq ticket = entry.ticket;
    drop(conversation, it->second, ticket, seq);
    return ticket;
  }
  return std::nullopt;
}

void Outbox::number_from_1(const ConversationId& conversation) {
  renumber(conversation, lanes_[conversation], OutboxSeq(1));
}

void Outbox::renumber(const ConversationId& conversation, Lane& lane, OutboxSeq from) {
  CHASQUI_ASSERT(lane.in_flight == 0, "nothing is in flight under a number that changes");
  JournalRecord record;
  JournalRenumbered& renumbered = *record.mutable_renumbered();
  renumbered.set_conversation(conversation.str());
  renumbered.set_outbox_seq(from.value());
  OutboxSeq next = from;
  for (Entry& entry : lane.entries) {
    if (entry.number != OutboxSeq() && entry.number < from) continue;
    entry.number = next;
    next = next.next();
    renumbered.add_tickets(entry.ticket.value());
  }
  const std::uint64_t number = journal_.write(record);
  // Under its new number a message leaves only when that is on disk: else a crash would send it under both.
  for (Entry& entry : lane.entries) {
    if (entry.number >= from) entry.record = number;
  }
  lane.next_number = next;
  lane.renumber_from = OutboxSeq();
  lane.refused_below = 0;
  unnumbered_.erase(conversation);
  unsafe_.emplace_back(number, conversation);
}

std::vector<ConversationId> Outbox::conversations() const {
  std::vector<ConversationId> all;
  for (const auto& [conversation, lane] : lanes_) all.push_back(conversation);
  return all;
}

}  // namespace chasqui::client
