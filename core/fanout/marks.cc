#include "core/fanout/marks.h"

#include <algorithm>

namespace chasqui::fanout {

bool Marks::add(const ConversationId& conversation, UserId user, Seq delivered, Seq read, HistoryEpoch epoch,
                AckOrigin origin, bool somebody_looks, Now now, bool read_is_private) {
  if (waiting_.size() >= waiting_max && !waiting_.contains({conversation, user})) return false;
  DueMark& due = waiting_[{conversation, user}];
  log::Mark& mark = due.command;
  mark.set_conversation(conversation.str());
  mark.set_user(user.value());
  if (epoch.value() > mark.history_epoch()) {  // marks of another history do not merge: the newer one's stand
    mark.set_history_epoch(static_cast<std::uint32_t>(epoch.value()));
    mark.set_delivered(0);
    mark.set_read(0);
  }
  if (epoch.value() == mark.history_epoch()) {
    mark.set_delivered(std::max(mark.delivered(), delivered.value()));
    mark.set_read(std::max(mark.read(), read.value()));
    if (read && read_is_private) mark.set_read_is_private(true);  // of two that differ the one that tells less
  }
  std::erase_if(due.origins, [&](const AckOrigin& old) { return old.session == origin.session; });
  if (due.origins.size() >= origins_max) due.origins.erase(due.origins.begin());
  due.origins.push_back(origin);
  const std::uint64_t linger_ms = somebody_looks ? limits_.mark_linger_ms : limits_.mark_linger_away_ms;
  due_at_ = earlier(due_at_, now.mono + milliseconds(static_cast<std::int64_t>(linger_ms)));
  return true;
}

void Marks::take(Now now, bool at_once, std::size_t most, std::vector<DueMark>& due) {
  if (waiting_.empty() || (!at_once && now.mono < due_at_)) return;
  while (!waiting_.empty() && due.size() < most) {
    const auto first = waiting_.begin();
    due.push_back(std::move(first->second));
    waiting_.erase(first);
  }
  if (waiting_.empty()) due_at_ = MonoTime::never();
}

void Marks::clear() {
  waiting_.clear();
  due_at_ = MonoTime::never();
}

}  // namespace chasqui::fanout
