// Catch-up by streams (RAFT.md section 5): whoever lags behind the log of its leader pulls the shard's state from a
// snapshot of the leader's store, puts it in the place of its own at once, and goes on from there.
#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/node_impl.h"
#include "core/replica/ingested_row.h"

namespace chasqui {

void Node::Impl::stream_frame(Now now, NodeId from, peer::PeerFrame& frame, Outputs& out) {
  if (frame.has_snapshot_pull()) {
    const peer::SnapshotPull& pull = frame.snapshot_pull();
    if (pull.shard() >= shards_.size()) return;
    Shard* shard = held(ShardId(pull.shard()));
    if (shard == nullptr) return;
    write_rows_of(*shard);
    source_.pull(now, from, pull, shard->machine.applied_index(), last_stream_, out);
  } else if (frame.has_snapshot_chunk()) {
    sink_.chunk(now, from, *frame.mutable_snapshot_chunk(), random_, last_stream_, out);
  } else if (frame.has_snapshot_refusal()) {
    sink_.refused(now, from, frame.snapshot_refusal(), random_, last_stream_, out);
  }
}

// While a replica installs it neither votes nor stands. One that would only wait for its turn, or for room on its disk,
// does better without.
bool Node::Impl::may_install(const Shard& shard) const {
  if (shard.replica.installing()) return true;
  return sink_.size() < config_.limits.streams_in_max && pressure_.disk != Pressure::Disk::NoWrites;
}

void Node::Impl::begin_install(Shard& shard, const replica::Install& install, Outputs& out) {
  // What was handed out and not applied is in the state that comes, or is handed out again if none comes.
  const auto of_shard = [&](const auto& entry) { return entry.first == shard.id; };
  committed_.erase(std::remove_if(committed_.begin(), committed_.end(), of_shard), committed_.end());
  write_rows_of(shard);  // nothing that is written later may end up in the state that comes
  sink_.install(Now{now_, {}}, shard.id, NodeId(install.from.value()), install.snapshot, random_, last_stream_, out);
}

void Node::Impl::move_streams(Now now, Outputs& out) {
  if (source_.next_deadline() <= now.mono) source_.tick(now, out);
  if (sink_.empty()) return;
  if (pressure_.disk == Pressure::Disk::NoWrites) sink_.give_up_pulling(out);
  if (sink_.next_deadline() <= now.mono) sink_.tick(now, random_, last_stream_, out);
  for (const ShardId id : sink_.staged()) {
    if (shard_at(id).replica.can_ingest()) sink_.ingest(id, out);
  }
  for (const ShardId id : sink_.given_up()) {
    Shard& shard = shard_at(id);
    if (!shard.replica.can_ingest()) continue;
    sink_.drop(id);
    replica::Outputs outputs;
    const auto ingested = CHASQUI_CANARY("ingested_forgotten") ? std::nullopt : ingested_row(id);
    shard.replica.give_up_install(now, shard.machine.applied_index(), ingested, outputs);
    take(shard, outputs, out);
    touched_.insert(id);
  }
}

void Node::Impl::input(Now now, StreamRowsRead& in, Outputs& out) {
  source_.rows_read(now, in, out);
}

void Node::Impl::input(Now now, StreamRowsWritten& in, Outputs& out) {
  sink_.rows_written(now, in, out);
}

void Node::Impl::input(Now now, StreamIngested& in, Outputs& out) {
  const auto done = sink_.ingested(in, out);
  if (!done) return;
  Shard& shard = shard_at(done->shard);
  CHASQUI_ASSERT(!ahead_.contains(shard.id), "nothing is applied while a state is on its way");
  shard.machine.reload();
  CHASQUI_ASSERT(shard.machine.applied_index() == done->ingested.applied, "what was ingested is what is read");
  replica::Outputs outputs;
  shard.replica.ingested(now, done->ingested.applied, outputs);
  take(shard, outputs, out);
  touched_.insert(shard.id);
}

std::optional<Ingested> Node::Impl::ingested_row(ShardId shard) const {
  const auto bytes = store_.get(keys::ingested(shard));
  if (!bytes) return std::nullopt;
  auto ingested = replica::parse_ingested(*bytes);
  CHASQUI_ASSERT(ingested.has_value(), "a row of the store is one that this node wrote");
  return ingested;
}

// ------------------------------------------------------------------------------------- what is kept of the log for it

std::uint64_t Node::Impl::tails_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard == nullptr ? 0 : shard->replica.tail_bytes();
  return bytes;
}

// Above the node's bound nobody's log is kept back for a stream, and each shard has its share of the bound.
void Node::Impl::bound_tails(Now now, std::uint64_t tails_bytes, Outputs& out) {
  if (tails_bytes <= config_.limits.log_tails_bytes_max) return;
  for (const auto& shard : shards_) {
    if (shard != nullptr && source_.holds(shard->id)) source_.lose(shard->id, out);
  }
  source_.tick(now, out);
}

replica::Replica::Keep Node::Impl::log_kept(const Shard& shard, std::uint64_t tails_bytes) const {
  replica::Replica::Keep keep;
  const std::uint64_t most = config_.limits.log_tails_bytes_max;
  if (tails_bytes > most) keep.bytes_max = std::min<std::uint64_t>(keep.bytes_max, most / 2 / shards_.size());
  keep.above = source_.holds(shard.id);
  return keep;
}

}  // namespace chasqui
