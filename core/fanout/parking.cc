#include "core/fanout/parking.h"

#include <utility>

namespace chasqui::fanout {

void Parking::merge(Mark& into, Mark&& from) {
  into.owed.merge(from.owed);
  into.rows.insert(into.rows.end(), from.rows.begin(), from.rows.end());
}

void Parking::add(UserId user, const ConversationId& conversation, const Owed& owed, RaftIndex row) {
  merge(waiting_[{user, conversation, owed.is_stance()}], Mark{owed, {row}});
  ++items_waiting_;
}

bool Parking::take(Now now, log::Park& command) {
  if (next_deadline() > now.mono) return false;
  while (!waiting_.empty() && command.marks_size() < command_marks_max) {
    const auto first = waiting_.begin();
    log::IndexMark& mark = *command.add_marks();
    mark.set_user(std::get<UserId>(first->first).value());
    mark.set_conversation(std::get<ConversationId>(first->first).str());
    first->second.owed.put(mark);
    items_waiting_ -= first->second.rows.size();
    proposed_[first->first] = std::move(first->second);
    waiting_.erase(first);
  }
  due_at_ = now.mono + linger;
  return true;
}

std::vector<RaftIndex> Parking::applied() {
  std::vector<RaftIndex> rows;
  for (const auto& [key, mark] : proposed_) rows.insert(rows.end(), mark.rows.begin(), mark.rows.end());
  proposed_.clear();
  return rows;
}

void Parking::give_back(Now now) {
  for (auto& [key, mark] : proposed_) {
    items_waiting_ += mark.rows.size();
    merge(waiting_[key], std::move(mark));
  }
  proposed_.clear();
  due_at_ = not_before_ = now.mono + refused_linger;
}

void Parking::clear() {
  waiting_.clear();
  proposed_.clear();
  items_waiting_ = 0;
  due_at_ = not_before_ = MonoTime{};
}

MonoTime Parking::next_deadline() const {
  if (waiting_.empty() || !proposed_.empty()) return MonoTime::never();
  return items_waiting_ >= command_marks_max ? not_before_ : due_at_;
}

}  // namespace chasqui::fanout
