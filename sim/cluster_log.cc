#include "sim/cluster_log.h"

namespace chasqui::sim {

void ClusterLog::appended(ShardId shard, RaftIndex index, RaftTerm term, std::uint32_t node, std::int64_t wall_ms) {
  Shard& of = shards_[shard];
  if (index <= of.committed) return;
  of.proposed.try_emplace({index, term}, node, wall_ms);
}

bool ClusterLog::applied(ShardId shard, RaftIndex index, const LogEntry& entry) {
  Shard& of = shards_[shard];
  if (index <= of.committed) return false;
  const bool is_command = entry.type == EntryType::Command && entry.payload != nullptr;
  EntryCommitted committed;
  committed.entry = decode_entry({0, shard}, index, is_command ? *entry.payload : std::string_view(), kept_);
  if (const auto it = of.proposed.find({index, entry.term}); it != of.proposed.end()) {
    committed.node = it->second.node;
    committed.wall_ms = it->second.wall_ms;
  } else {
    committed.wall_ms = committed.entry.time.ms;  // whoever made it is not known: it may say what it wants
  }
  of.untold.push_back(std::move(committed));
  of.committed = index;
  of.proposed.erase(of.proposed.begin(), of.proposed.lower_bound({index.next(), RaftTerm()}));
  return true;
}

void ClusterLog::visible(ShardId shard, RaftIndex index, std::vector<Fact>& facts) {
  std::deque<EntryCommitted>& untold = shards_[shard].untold;
  for (; !untold.empty() && untold.front().entry.index <= index; untold.pop_front()) {
    facts.emplace_back(std::move(untold.front()));
  }
}

void ClusterLog::all_visible(std::vector<Fact>& facts) {
  for (const auto& [shard, of] : shards_) visible(shard, of.committed, facts);
}

RaftIndex ClusterLog::committed(ShardId shard) const {
  const auto it = shards_.find(shard);
  return it == shards_.end() ? RaftIndex() : it->second.committed;
}

}  // namespace chasqui::sim
