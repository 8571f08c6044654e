// Rows on their way to the store: shards hold what they have changed lately in memory, ahead of it, and all that a node
// holds goes there as one batch every second, or when it is much (ARCHITECTURE.md section 6). What somebody reads, in
// pages or as a stream, goes there first: an output sees all that is applied before it.
#include <algorithm>
#include <utility>

#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/node_impl.h"

namespace chasqui {
namespace {

// Written at once: a millisecond's work for the store.
constexpr std::uint64_t shard_bytes_max = 256 * 1024;

}  // namespace

void Node::Impl::rows_changed(Shard& shard, std::uint64_t unwritten_before, Now now) {
  unwritten_bytes_ += shard.machine.unwritten_bytes() - unwritten_before;
  if (ahead_.empty()) write_due_ = now.mono + milliseconds(static_cast<std::int64_t>(config_.limits.overlay_write_ms));
  ahead_.insert(shard.id);
  if (shard.machine.unwritten_bytes() >= shard_bytes_max) write_rows_of(shard);
}

// A part in each step, so that none takes long: the rest is due at once.
void Node::Impl::write_rows_due(Now now) {
  if (ahead_.empty()) return;
  if (now.mono < write_due_ && unwritten_bytes_ < config_.limits.overlay_unwritten_bytes_max) return;
  write_due_ = std::min(write_due_, now.mono);
  const std::uint64_t before = unwritten_bytes_;
  WriteBatch batch;
  while (!ahead_.empty() && before - unwritten_bytes_ < shard_bytes_max) take_rows(shard_at(*ahead_.begin()), batch);
  store_.write(batch);
}

void Node::Impl::write_rows_of(Shard& shard) {
  if (!ahead_.contains(shard.id)) return;
  WriteBatch batch;
  take_rows(shard, batch);
  store_.write(batch);
}

void Node::Impl::take_rows(Shard& shard, WriteBatch& batch) {
  unwritten_bytes_ -= shard.machine.unwritten_bytes();
  shard.machine.write_out(batch, config_.limits.overlay_bytes_max / shards_held_);
  if (CHASQUI_CANARY("applied_apart")) {
    WriteBatch numbers;
    numbers.writes.push_back(std::move(batch.writes.back()));
    batch.writes.pop_back();
    store_.write(numbers);
  }
  ahead_.erase(shard.id);
}

bool Node::Impl::read(std::vector<RangeRead> ranges, Continuation then, Outputs& out) {
  if (reads_.size() >= config_.limits.reads_outstanding_max || CHASQUI_MAYBE("reads_full")) {
    CHASQUI_MARK("reads_full");
    return false;
  }
  for (const RangeRead& range : ranges) {
    const auto shard = keys::shard_of(range.begin);
    if (!shard || !ahead_.contains(*shard)) continue;
    if (shard_at(*shard).machine.is_ahead_in(range.begin, range.end)) write_rows_of(shard_at(*shard));
  }
  last_read_ = last_read_.next();
  reads_.insert(last_read_, std::move(then));
  out.push_back(Read{last_read_, std::move(ranges)});
  return true;
}

}  // namespace chasqui
