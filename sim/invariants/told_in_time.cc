#include "sim/invariants/told_in_time.h"

#include <algorithm>

namespace chasqui::sim {

void ToldInTime::committed(Time at, const EntryCommitted& fact) {
  if (model_ == nullptr) return;
  const auto shard = static_cast<std::uint32_t>(fact.entry.shard.shard.value());
  for (const LoggedCommand& command : fact.entry.commands) {
    if (const auto* send = std::get_if<LoggedSend>(&command); send != nullptr && send->refused == 0) {
      const Seq head = model_->head(send->conversation);
      for (const UserId user : model_->audience(send->conversation, head)) {
        const Model::Index* index = model_->index(user);
        const auto known = index == nullptr ? Model::Index::const_iterator() : index->find(send->conversation);
        if (!head || (index != nullptr && known != index->end() && known->second.head >= head)) continue;
        const auto members = static_cast<std::uint32_t>(shard_of(user, ShardCount(shards_)).value());
        std::deque<Owed>& owed = owed_[{shard, members}][{user, send->conversation}];
        if (owed.empty() || owed.back().seq < head) owed.push_back({head, at});
      }
    } else if (const auto* notice = std::get_if<LoggedNotice>(&command)) {
      const auto conversations =
          static_cast<std::uint32_t>(shard_of(notice->conversation, ShardCount(shards_)).value());
      const auto pair = owed_.find({conversations, shard});
      if (pair == owed_.end()) continue;
      const auto owed = pair->second.find({notice->user, notice->conversation});
      if (owed == pair->second.end()) continue;
      while (!owed->second.empty() && owed->second.front().seq <= notice->head) owed->second.pop_front();
      if (owed->second.empty()) pair->second.erase(owed);
      if (pair->second.empty()) owed_.erase(pair);
    }
  }
}

std::vector<ToldInTime::Pair> ToldInTime::owing() const {
  std::vector<Pair> pairs;
  pairs.reserve(owed_.size());
  for (const auto& [pair, owed] : owed_) pairs.push_back(pair);
  return pairs;
}

bool ToldInTime::oldest(Pair pair, Time from, Late& late) const {
  const auto found = owed_.find(pair);
  if (found == owed_.end()) return false;
  bool any = false;
  for (const auto& [whom, owed] : found->second) {
    const auto first = std::lower_bound(owed.begin(), owed.end(), from,
                                        [](const Owed& each, Time bound) { return each.since < bound; });
    if (first == owed.end() || (any && first->since >= late.since)) continue;
    late = {pair.first, pair.second, whom.first, first->seq, first->since};
    any = true;
  }
  return any;
}

}  // namespace chasqui::sim
