#include "core/fanout/notify.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/points.h"

namespace chasqui::fanout {

bool Notify::add(const peer::NotifyBatch& batch, NodeId from, Now now) {
  std::size_t told = 0;
  for (const peer::NotifyItem& item : batch.items()) {
    told += static_cast<std::size_t>(std::max(1, item.users_size()));
  }
  if (size() + told > waiting_max) return false;
  for (const peer::NotifyItem& item : batch.items()) {
    const auto conversation = ConversationId::parse(item.conversation());
    if (!conversation) continue;
    const auto tell = [&](UserId user) {
      if (!is_valid(user)) return;
      waiting_[{user, *conversation}].merge(Owed::of(item));
    };
    if (item.users().empty()) tell(UserId(item.user()));
    for (const std::uint64_t user : item.users()) tell(UserId(user));
  }
  batches_.push_back(
      {ShardId(batch.from_shard()), ShardId(batch.to_shard()), RaftTerm(batch.from_term()), batch.batch(), from});
  if (due_at_ == MonoTime::never()) {
    due_at_ = now.mono + milliseconds(static_cast<std::int64_t>(limits_.index_linger_ms));
  }
  return true;
}

bool Notify::take(Now now, bool at_once, log::Notify& command, std::vector<BatchName>& completes) {
  if (batches_.empty()) return false;
  if (!at_once && now.mono < due_at_ && waiting_.size() < command_marks_max) return false;
  while (!waiting_.empty() && static_cast<std::size_t>(command.marks_size()) < command_marks_max) {
    const auto first = waiting_.begin();
    log::IndexMark& mark = *command.add_marks();
    mark.set_user(first->first.first.value());
    mark.set_conversation(first->first.second.str());
    first->second.put(mark);
    proposed_[first->first].merge(first->second);
    waiting_.erase(first);
  }
  // A batch is complete with the command that empties what waits: commands of one shard are applied in their order.
  if (waiting_.empty()) {
    completes = std::move(batches_);
    batches_.clear();
    due_at_ = MonoTime::never();
  }
  return true;
}

void Notify::give_back(const log::Notify& command, std::vector<BatchName> completes, Now now) {
  for (const log::IndexMark& mark : command.marks()) {
    const auto conversation = ConversationId::parse(mark.conversation());
    CHASQUI_ASSERT(conversation.has_value(), "take() made this command");
    waiting_[{UserId(mark.user()), *conversation}].merge(Owed::of(mark));
  }
  applied(command);
  batches_.insert(batches_.end(), completes.begin(), completes.end());
  due_at_ = now.mono + milliseconds(static_cast<std::int64_t>(limits_.index_linger_ms));
}

void Notify::applied(const log::Notify& command) {
  for (const log::IndexMark& mark : command.marks()) {
    const auto conversation = ConversationId::parse(mark.conversation());
    if (!conversation) continue;
    const auto it = proposed_.find({UserId(mark.user()), *conversation});
    // A later command may have raised it meanwhile: then that one's apply removes it.
    if (it != proposed_.end() && Owed::of(mark).covers(it->second)) proposed_.erase(it);
  }
}

void Notify::clear() {
  waiting_.clear();
  proposed_.clear();
  batches_.clear();
  due_at_ = MonoTime::never();
}

void Notify::pending(UserId user, absl::btree_map<ConversationId, Owed>& marks) const {
  for (const auto* map : {&proposed_, &waiting_}) {
    for (auto it = map->lower_bound({user, ConversationId()}); it != map->end() && it->first.first == user; ++it) {
      // A stance is no matter of the user's own index.
      if (!it->second.marks().says_nothing()) marks[it->first.second].merge(it->second);
    }
  }
}

MonoTime Notify::next_deadline() const {
  return batches_.empty() ? MonoTime::never() : due_at_;
}

}  // namespace chasqui::fanout
