#include "core/client/receipts.h"

#include <algorithm>

#include "core/base/bounds.h"

namespace chasqui::client {

bool Receipts::on_own_event(const ConversationId& conversation, Seq seq) {
  Lane& lane = lanes_[conversation];
  if (seq <= lane.own) return false;
  lane.own = seq;
  return true;
}

std::optional<MarksMoved> Receipts::merge(const ConversationId& conversation, UserId user, Seq delivered, Seq read) {
  delivered = std::max(delivered, read);
  if (delivered == Seq()) return std::nullopt;
  const auto found = lanes_.find(conversation);
  const bool known = found != lanes_.end() && found->second.marks.contains(user);
  if (!known && (marks_ >= marks_max || (found != lanes_.end() && found->second.marks.size() >= members_max))) {
    return MarksMoved{conversation, user, delivered, read};
  }
  Lane& lane = lanes_[conversation];
  if (!known) ++marks_;
  auto& [delivered_before, read_before] = lane.marks[user];
  if (known && delivered <= delivered_before && read <= read_before) return std::nullopt;
  delivered_before = std::max(delivered_before, delivered);
  read_before = std::max(read_before, read);
  if (user != self_ && conversation.has_direct_member(user)) lane.own_read = std::max(lane.own_read, read_before);
  return MarksMoved{conversation, user, delivered_before, read_before};
}

Seq Receipts::own(const ConversationId& conversation) const {
  const auto found = lanes_.find(conversation);
  return found == lanes_.end() ? Seq() : found->second.own;
}

void Receipts::forget_all() {
  for (auto& [conversation, lane] : lanes_) {
    lane.marks.clear();
    lane.own_read = Seq();
  }
  marks_ = 0;
}

bool Receipts::is_settled(const ConversationId& conversation, const Lane& lane) const {
  if (lane.own == Seq()) return true;
  if (conversation.is_group()) return false;
  if (conversation.lower() == conversation.higher()) return true;  // with oneself: there is no other side
  return lane.own_read >= lane.own;
}

void Receipts::on_connected() {
  to_ask_.clear();
  for (const auto& [conversation, lane] : lanes_) {
    if (!is_settled(conversation, lane)) to_ask_.push_back(conversation);
  }
}

std::vector<ConversationId> Receipts::next_to_ask() {
  const auto count = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(to_ask_.size(), bounds::marks_asked_max));
  std::vector<ConversationId> next(to_ask_.begin(), to_ask_.begin() + count);
  to_ask_.erase(to_ask_.begin(), to_ask_.begin() + count);
  return next;
}

void Receipts::ask_again(const std::vector<ConversationId>& conversations) {
  to_ask_.insert(to_ask_.begin(), conversations.begin(), conversations.end());
}

void Receipts::replay(const ConversationId& conversation, const JournalMarks& record) {
  Lane& lane = lanes_[conversation];
  lane.own = std::max(lane.own, Seq(record.own_seq()));
  lane.own_read = std::max(lane.own_read, Seq(record.own_seq_read()));
}

void Receipts::describe(const ConversationId& conversation, JournalMarks& record) const {
  const auto it = lanes_.find(conversation);
  if (it == lanes_.end()) return;
  record.set_own_seq(it->second.own.value());
  record.set_own_seq_read(it->second.own_read.value());
}

std::vector<ConversationId> Receipts::conversations() const {
  std::vector<ConversationId> all;
  for (const auto& [conversation, lane] : lanes_) all.push_back(conversation);
  return all;
}

}  // namespace chasqui::client
