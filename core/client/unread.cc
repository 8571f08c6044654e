#include "core/client/unread.h"

#include <algorithm>

#include "core/base/points.h"

namespace chasqui::client {

std::optional<UnreadMoved> Unread::moved(const ConversationId& conversation, const Counts& before, const Counts& now) {
  if (before.unread() == now.unread() && before.unread_mentions() == now.unread_mentions()) return std::nullopt;
  return UnreadMoved{conversation, now.unread(), now.unread_mentions()};
}

std::optional<UnreadMoved> Unread::merge(const ConversationId& conversation, const Counts& counts) {
  if (counts == Counts()) return std::nullopt;
  Lane& lane = lanes_[conversation];
  const Counts before = lane.counts;
  lane.counts.merge(counts);
  return moved(conversation, before, lane.counts);
}

std::optional<UnreadMoved> Unread::on_event(const ConversationId& conversation, const Event& event, bool is_own,
                                            bool is_repeated) {
  Lane& lane = lanes_[conversation];
  const Counts before = lane.counts;
  const Seq seq(event.seq());
  if (CHASQUI_CANARY("unread_twice") && is_repeated && !is_own) lane.counts.messages += event.messages();
  if (seq > lane.last) {
    lane.last = seq;
    lane.messages_at_last = std::max(lane.messages_at_last, event.messages());
  }
  if (!is_own) lane.counts.messages = std::max(lane.counts.messages, event.messages());
  return moved(conversation, before, lane.counts);
}

std::optional<UnreadMoved> Unread::on_read(const ConversationId& conversation, Seq seq) {
  const auto it = lanes_.find(conversation);
  if (it == lanes_.end() || !seq || seq < it->second.last) return std::nullopt;
  Counts read;
  read.messages_read = it->second.messages_at_last;
  return merge(conversation, read);
}

void Unread::forget_all() {
  lanes_.clear();
}

Counts Unread::of(const ConversationId& conversation) const {
  const auto it = lanes_.find(conversation);
  return it == lanes_.end() ? Counts() : it->second.counts;
}

void Unread::replay(const ConversationId& conversation, const JournalCounts& record) {
  Lane& lane = lanes_[conversation];
  lane.counts.merge(counts_of(record));
  lane.recorded.merge(counts_of(record));
}

std::optional<JournalRecord> Unread::take_unrecorded(const ConversationId& conversation) {
  const auto it = lanes_.find(conversation);
  if (it == lanes_.end() || it->second.recorded == it->second.counts) return std::nullopt;
  it->second.recorded = it->second.counts;
  return record(conversation);
}

JournalRecord Unread::record(const ConversationId& conversation) const {
  JournalRecord record;
  record.mutable_counts()->set_conversation(conversation.str());
  put_counts(of(conversation), *record.mutable_counts());
  return record;
}

std::vector<ConversationId> Unread::conversations() const {
  std::vector<ConversationId> all;
  for (const auto& [conversation, lane] : lanes_) {
    if (lane.counts != Counts()) all.push_back(conversation);
  }
  return all;
}

}  // namespace chasqui::client
