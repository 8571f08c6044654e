#include "sim/virtual_node.h"

#include "absl/strings/str_cat.h"
#include "core/base/keys.h"
#include "proto/state.pb.h"

namespace chasqui::sim {
namespace {

// What a clock that runs `ppm` fast is ahead after that time.
Time drift(Time elapsed, std::int64_t ppm) {
  return elapsed / 1'000'000 * ppm + elapsed % 1'000'000 * ppm / 1'000'000;
}

}  // namespace

Now VirtualNode::now(Time at) const {
  const Time mono = mono_offset + at + drift(at - risen_at, drift_ppm);
  if (at < wall_frozen_until) return {{mono}, {wall_frozen_ms}};
  return {{mono}, {wall_at_start_ms + wall_offset_ms + (at + drift(at, drift_ppm)) / millisecond}};
}

Time VirtualNode::when(MonoTime deadline) const {
  const Time by_its_clock = deadline.ns - mono_offset - risen_at;
  const Time million = 1'000'000 + drift_ppm;
  Time at = risen_at + by_its_clock / million * 1'000'000 + by_its_clock % million * 1'000'000 / million;
  at -= 2;  // the divisions cut off less than that, either way
  while (now(at).mono < deadline) ++at;
  return at;
}

std::string VirtualNode::data_loss(std::uint32_t shards) const {
  if (damaged) return "a record of its log is damaged";
  for (const StoreFlushed::Shard& shard : applied(shards)) {
    if (shard.applied <= log.last_index(shard.shard) || is_as_ingested(shard)) continue;
    return absl::StrCat("the log of shard ", shard.shard.value(), " ends at ", log.last_index(shard.shard).value(),
                        ", and the state has applied ", shard.applied.value());
  }
  return guard.missing(log.tails());
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

bool VirtualNode::is_as_ingested(const StoreFlushed::Shard& shard) const {
  const auto row = store.get(keys::ingested(shard.shard));
  state::Ingested ingested;
  return row && ingested.ParseFromString(*row) && ingested.applied() == shard.applied.value();
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
  frozen.clear();
  staged.clear();
  stream_jobs.clear();
  run_pending = false;
  wake_at = no_time;
  frozen_until = 0;
  late_ticks = 0;
  flush_applied.clear();
  told = {};
  sync_finds_no_room = false;
}

}  // namespace chasqui::sim
