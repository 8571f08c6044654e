#include "core/fanout/receipts.h"

#include <algorithm>
#include <utility>

namespace chasqui::fanout {

bool GroupReceipts::add(const ConversationId& group, const Moved& moved, Now now) {
  if (waiting_.size() >= bounds::receipt_groups_max && !waiting_.contains(group)) return false;
  const auto [entry, is_new] = waiting_.try_emplace(group);
  Waiting& waiting = entry->second;
  if (is_new) {  // nothing was told for a while
    waiting.due = now.mono;
    due_.insert({waiting.due, group});
  }
  const auto [of_user, is_first] = waiting.moved.try_emplace(moved.user, moved);
  of_user->second.above = std::min(of_user->second.above, moved.above);
  of_user->second.to = std::max(of_user->second.to, moved.to);
  return true;
}

std::vector<GroupReceipts::Due> GroupReceipts::take(Now now, std::size_t most) {
  std::vector<Due> due;
  while (!due_.empty() && due_.begin()->first <= now.mono && due.size() < most) {
    const ConversationId group = due_.begin()->second;
    due_.erase(due_.begin());
    const auto entry = waiting_.find(group);
    if (entry->second.moved.empty()) {  // it has rested
      waiting_.erase(entry);
      continue;
    }
    Due& one = due.emplace_back();
    one.group = group;
    for (const auto& [user, moved] : entry->second.moved) one.moved.push_back(moved);
    entry->second.moved.clear();
    entry->second.due = now.mono + milliseconds(static_cast<std::int64_t>(limits_.receipt_pause_ms));
    due_.insert({entry->second.due, group});
  }
  return due;
}

void GroupReceipts::clear() {
  waiting_.clear();
  due_.clear();
}

}  // namespace chasqui::fanout
