#include "sim/journal_facts.h"

#include <algorithm>
#include <map>

#include "sim/payload_text.h"

namespace chasqui::sim {

JournalReplaced journal_facts(std::uint32_t device, const std::vector<std::string>& journal) {
  JournalReplaced fact{device, {}, {}};
  std::map<ConversationId, Seq> shown;
  const auto known = [](const std::string& bytes) { return ConversationId::parse(bytes).value_or(ConversationId()); };
  for (const std::string& bytes : journal) {
    client::JournalRecord record;
    if (!record.ParseFromString(bytes)) continue;
    if (record.has_shown()) {
      Seq& seq = shown[known(record.shown().conversation())];
      seq = std::max(seq, Seq(record.shown().seq()));
    } else if (record.has_position()) {
      shown[known(record.position().conversation())] = Seq(record.position().shown());
    } else if (record.has_sent()) {
      const ConversationId conversation = known(record.sent().conversation());
      const OutboxSeq ticket(record.sent().ticket());
      client::Payload payload;
      (void)payload.ParseFromString(record.sent().payload());
      // A record that comes again says another number on the wire, not another message.
      const bool again = std::any_of(fact.waiting.begin(), fact.waiting.end(), [&](const MessageSent& sent) {
        return sent.conversation == conversation && sent.number == ticket;
      });
      if (!again) fact.waiting.push_back({device, conversation, ticket, text_of(payload)});
    } else if (record.has_answered()) {
      const ConversationId conversation = known(record.answered().conversation());
      std::erase_if(fact.waiting, [&](const MessageSent& sent) {
        return sent.conversation == conversation && sent.number.value() == record.answered().ticket();
      });
    }
  }
  for (const auto& [conversation, seq] : shown) {
    if (seq) fact.shown.emplace_back(conversation, seq);
  }
  return fact;
}

}  // namespace chasqui::sim
