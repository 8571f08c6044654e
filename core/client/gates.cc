#include "core/client/gates.h"

namespace chasqui::client {
namespace {

JournalRecord record_of(const ConversationId& conversation, const Gates::Standing& standing) {
  JournalRecord record;
  record.mutable_gate()->set_conversation(conversation.str());
  record.mutable_gate()->set_gate(standing.gate);
  record.mutable_gate()->set_is_invitation(standing.is_invitation);
  return record;
}

}  // namespace

bool Gates::note(const ConversationId& conversation, const Standing& standing) {
  if (of(conversation) == standing) return false;
  keep(conversation, standing);
  journal_.write(record_of(conversation, standing));
  return true;
}

void Gates::keep(const ConversationId& conversation, const Standing& standing) {
  if (standing == Standing())
    standings_.erase(conversation);
  else
    standings_[conversation] = standing;
}

Gates::Standing Gates::of(const ConversationId& conversation) const {
  const auto it = standings_.find(conversation);
  return it == standings_.end() ? Standing() : it->second;
}

std::vector<ConversationId> Gates::conversations() const {
  std::vector<ConversationId> all;
  all.reserve(standings_.size());
  for (const auto& [conversation, standing] : standings_) all.push_back(conversation);
  return all;
}

void Gates::replay(const ConversationId& conversation, const JournalGate& record) {
  keep(conversation, {record.gate(), record.is_invitation()});
}

void Gates::compact(std::vector<JournalRecord>& out) const {
  for (const auto& [conversation, standing] : standings_) out.push_back(record_of(conversation, standing));
}

}  // namespace chasqui::client
