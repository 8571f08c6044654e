// One shard without a quorum: its replicas do not hear each other, while all else passes between the same nodes.
//
// As where a majority of its replicas has stopped (a state that differs, rule R4; a disk that refused a write), or lies
// at nodes that are gone: whoever has nothing to do with that shard must not notice.
#include "proto/peer.pb.h"
#include "sim/world.h"

namespace chasqui::sim {

void World::silence(const Item& item, bool on) {
  const ShardId shard(item.object % plan_.shards);
  std::uint32_t& count = silent_[shard];
  const bool was = count > 0;
  if (on) ++count;
  if (!on && count > 0) --count;
  const bool is = count > 0;
  if (was != is) see(ShardSilenced{shard, is});
  if (!is) silent_.erase(shard);
}

void World::silences_end() {
  for (const auto& [shard, count] : silent_) see(ShardSilenced{shard, false});
  silent_.clear();
}

bool World::leave_out_silent(std::string& bytes) const {
  if (silent_.empty() || !is_raft(bytes)) return true;
  peer::PeerFrame frame;
  if (!frame.ParseFromString(bytes)) return true;
  peer::PeerFrame left;
  for (peer::RaftMessage& message : *frame.mutable_raft()->mutable_messages()) {
    if (silent_.contains(ShardId(message.shard()))) continue;
    left.mutable_raft()->add_messages()->Swap(&message);
  }
  if (!left.has_raft()) return false;
  bytes = left.SerializeAsString();
  return true;
}

}  // namespace chasqui::sim
