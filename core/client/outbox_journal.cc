// The outbox's side of the journal: what its records mean, and the fewest that say the same.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/client/outbox.h"

namespace chasqui::client {

absl::Status Outbox::replay(const ConversationId& conversation, const JournalSent& record) {
  Lane& lane = lanes_[conversation];
  const OutboxSeq ticket(record.ticket());
  const OutboxSeq number(record.outbox_seq());
  if (ticket == OutboxSeq() || record.payload().empty()) {
    return absl::InvalidArgumentError(absl::StrCat("journal: a message without ticket or payload in conversation ",
                                                   conversation.hex(), ": this is not a journal, or it is damaged"));
  }
  if (number != OutboxSeq()) lane.next_number = number.next();
  if (ticket <= lane.last_ticket) {  // said before: after a compaction that held it already, or it is alone now
    if (Entry* entry = find(conversation, ticket); entry != nullptr) {
      entry->number = number;
      entry->alone = record.alone();
    }
    return absl::OkStatus();
  }
  if (size_ >= bounds::outbox_messages_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("journal: more than ", bounds::outbox_messages_max,
                     " messages without an answer: this is not a journal, or it is damaged"));
  }
  lane.last_ticket = ticket;
  Entry entry;
  entry.ticket = ticket;
  entry.number = number;
  entry.payload = record.payload();
  entry.digest = blake2b_256(entry.payload);
  entry.after = Seq(record.after_seq());
  entry.alone = record.alone();
  lane.entries.push_back(std::move(entry));
  ++size_;
  ready_.insert(conversation);
  if (number == OutboxSeq()) unnumbered_.insert(conversation);
  return absl::OkStatus();
}

void Outbox::replay(const ConversationId& conversation, const JournalAnswered& record) {
  Lane& lane = lanes_[conversation];
  const auto it = std::find_if(lane.entries.begin(), lane.entries.end(),
                               [&](const Entry& entry) { return entry.ticket.value() == record.ticket(); });
  if (it == lane.entries.end()) return;
  lane.entries.erase(it);
  --size_;
  if (lane.entries.empty()) unnumbered_.erase(conversation);
}

void Outbox::replay(const ConversationId& conversation, const JournalRenumbered& record) {
  Lane& lane = lanes_[conversation];
  OutboxSeq next(record.outbox_seq());
  for (const std::uint64_t ticket : record.tickets()) {
    if (Entry* entry = find(conversation, OutboxSeq(ticket)); entry != nullptr) {
      entry->number = next;
      entry->alone = true;
    }
    next = next.next();
  }
  lane.next_number = next;
  unnumbered_.erase(conversation);
}

void Outbox::replay(const ConversationId& conversation, const JournalOutbox& record) {
  Lane& lane = lanes_[conversation];
  lane.last_ticket = std::max(lane.last_ticket, OutboxSeq(record.last_ticket()));
  if (record.next_outbox_seq() != 0) lane.next_number = OutboxSeq(record.next_outbox_seq());
}

void Outbox::compact(std::vector<JournalRecord>& out) const {
  for (const auto& [conversation, lane] : lanes_) {
    for (const Entry& entry : lane.entries) {
      JournalSent& sent = *out.emplace_back().mutable_sent();
      sent.set_conversation(conversation.str());
      sent.set_ticket(entry.ticket.value());
      sent.set_outbox_seq(entry.number.value());
      sent.set_payload(entry.payload);
      sent.set_after_seq(entry.after.value());
      sent.set_alone(entry.alone);
    }
    JournalOutbox& numbers = *out.emplace_back().mutable_outbox();
    numbers.set_conversation(conversation.str());
    numbers.set_last_ticket(lane.last_ticket.value());
    numbers.set_next_outbox_seq(lane.next_number.value());
  }
}

}  // namespace chasqui::client
