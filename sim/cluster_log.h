// What a cluster has committed, as its nodes show by applying it: fed to the model in place of one node's own log.
//
// An entry is committed once any node applies it. It is told (EntryCommitted) when a node that leads the shard has
// applied it, since only a leader's state is ever shown to anybody: until then an answer may leave it out.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "core/log_image.h"
#include "proto/log.pb.h"
#include "sim/history.h"

namespace chasqui::sim {

class ClusterLog {
 public:
  // An entry is handed out to be appended. Whoever is first has proposed it. `wall_ms`: the true time.
  void appended(ShardId shard, RaftIndex index, RaftTerm term, std::uint32_t node, std::int64_t wall_ms);
  // A node applies it. True: the first to do so.
  bool applied(ShardId shard, RaftIndex index, const LogEntry& entry);
  // A node that leads has applied all up to `index`.
  void visible(ShardId shard, RaftIndex index, std::vector<Fact>& facts);
  // Likewise, of all that is committed.
  void all_visible(std::vector<Fact>& facts);
  [[nodiscard]] RaftIndex committed(ShardId shard) const;

 private:
  struct Proposed {
    std::uint32_t node = 0;
    std::int64_t wall_ms = 0;
  };
  struct Shard {
    std::map<std::pair<RaftIndex, RaftTerm>, Proposed> proposed;  // above what is committed
    std::deque<EntryCommitted> untold;
    RaftIndex committed;
  };
  std::map<ShardId, Shard> shards_;
  log::Entry kept_;  // memory that is used again
};

}  // namespace chasqui::sim
