#include "sim/virtual_node.h"

#include "core/base/keys.h"
#include "proto/state.pb.h"

namespace chasqui::sim {
Now VirtualNode::now(Time at) const {
  return {{mono_offset + at}, {wall_at_start_ms + wall_offset_ms + at / millisecond}};
}

std::vector<StoreFlushed::Shard> VirtualNode::applied(std::uint32_t shards) const {
  std::vector<StoreFlushed::Shard> list;
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    const auto row = store.get(keys::numbers(ShardId(shard)));
    state::Shard numbers;
    if (row && numbers.ParseFromString(*row)) list.push_back({ShardId(shard), RaftIndex(numbers.applied_index())});
  }
  return list;
}

ReadDone VirtualNode::serve(const Read& read) const {
  ReadDone done;
  done.read = read.read;
  for (const RangeRead& range : read.ranges) done.results.push_back(store.read(range));
  return done;
}

void VirtualNode::kill() {
  node.reset();
  connection_of.clear();
  caller_of.clear();
  inbox.clear();
  inbox_causes.clear();
  append_causes.clear();
  reads.clear();
  passwords.clear();
  run_pending = false;
  wake_at = no_time;
  frozen_until = 0;
  late_ticks = 0;
  flush_applied.clear();
}

}  // namespace chasqui::sim
