#include "storage/log.h"

#include <rocksdb/transaction_log.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "storage/log_rows.h"

namespace chasqui::storage {
namespace {

constexpr std::chrono::seconds guard_interval{1};
// Entries are dropped so many at once, since each drop is a range tombstone that the next start must step over.
constexpr std::uint64_t drop_entries_min = 64;

}  // namespace

TailMark LogTail::tail_mark() const {
  TailMark mark;
  mark.hard_state = hard_state;
  mark.snapshot_index = snapshot_index;
  // Without entries the log ends where the snapshot does.
  mark.last_index = last();
  mark.last_term = marks.empty() ? snapshot_term : marks.back().term;
  return mark;
}

struct Log::Batch {
  rocksdb::WriteBatch rows;
  rocksdb::ColumnFamilyHandle* family = nullptr;
  std::set<ShardId> bounds_moved;

  void put(const std::string& key, const std::string& value) { check(rows.Put(family, key, value)); }
  // Entries from..to, `to` not included.
  void remove_entries(ShardId shard, RaftIndex from, RaftIndex to) {
    CHASQUI_ASSERT(from < to, "a range that is removed is none that is empty");
    check(rows.DeleteRange(family, log_rows::entry_key(shard, from), log_rows::entry_key(shard, to)));
  }
  static void check(const rocksdb::Status& status) { CHASQUI_ASSERT(status.ok(), "a batch in memory takes every row"); }
};

Log::Log(RocksDb& rocks, const RocksStore& store, DiskSpace* space, std::map<ShardId, LogTail> tails, TailGuard guard)
    : rocks_(rocks), store_(store), space_(space), tails_(std::move(tails)), guard_(std::move(guard)) {}

absl::Status Log::write(std::span<const LogAppend> appends) {
  if (appends.empty()) return absl::OkStatus();
  if (auto status = lower_guard(appends); !status.ok()) return status;
  Batch batch;
  batch.family = rocks_.log();
  if (space_ != nullptr) {
    std::uint64_t bytes = 0;
    for (const LogAppend& a : appends) {
      for (const LogEntry& entry : a.entries) bytes += 64 + (entry.payload ? entry.payload->size() : 0);
    }
    // Twice: the rows go to the WAL now, and to a table when the memtable is full.
    if (auto status = space_->room_for(2 * bytes); !status.ok()) return status;
  }
  for (const LogAppend& a : appends) append(a, batch);
  for (const ShardId shard : batch.bounds_moved) {
    batch.put(log_rows::bounds_key(shard), log_rows::bounds_value(shard, tails_.at(shard).first));
  }
  rocksdb::Status status = rocks_.db().Write(rocksdb::WriteOptions(), &batch.rows);
  if (!status.ok()) return from_rocksdb("cannot write the log", status);
  status = rocks_.db().SyncWAL();
  if (!status.ok()) return from_rocksdb("cannot sync the log", status);
  ++syncs_;
  const auto now = std::chrono::steady_clock::now();
  if (!guard_behind_) {
    guard_behind_ = true;
    guard_due_ = std::max(guard_due_, now);
  }
  return guard_due_ <= now ? close_gap() : absl::OkStatus();
}

void Log::append(const LogAppend& a, Batch& batch) {
  CHASQUI_ASSERT(a.id > last_append_, "appends are written in the order of their ids");
  last_append_ = a.id;
  const auto [at, is_new] = tails_.try_emplace(a.shard);
  LogTail& tail = at->second;
  if (is_new) batch.bounds_moved.insert(a.shard);
  if (a.reset) {
    CHASQUI_ASSERT(a.snapshot && a.snapshot->index, "a log is reset only for a snapshot");
    if (!tail.marks.empty()) truncate(a.shard, tail, tail.first, batch);
    tail.first = a.snapshot->index.next();
    batch.bounds_moved.insert(a.shard);
  }
  if (a.hard_state) {
    CHASQUI_ASSERT(a.hard_state->term >= tail.hard_state.term, "a term never goes back");
    tail.hard_state = *a.hard_state;
    batch.put(log_rows::hard_state_key(a.shard), log_rows::hard_state_value(a.shard, tail.hard_state));
  }
  if (a.snapshot) {
    CHASQUI_ASSERT(a.snapshot->index >= tail.snapshot_index, "a snapshot never goes back");
    tail.snapshot_index = a.snapshot->index;
    tail.snapshot_term = a.snapshot->term;
    batch.put(log_rows::snapshot_key(a.shard), log_rows::snapshot_value(a.shard, *a.snapshot));
  }
  if (!a.entries.empty()) {
    CHASQUI_ASSERT(a.first_index >= tail.first && a.first_index <= tail.last().next(), "the log has no gap");
    if (a.first_index <= tail.last()) truncate(a.shard, tail, a.first_index, batch);
    std::string value;
    RaftIndex index = a.first_index;
    for (const LogEntry& entry : a.entries) {
      value.clear();
      const std::uint32_t crc =
          log_rows::put_entry(a.shard, index, entry, tail.marks.empty() ? 0 : tail.marks.back().crc, value);
      batch.put(log_rows::entry_key(a.shard, index), value);
      tail.marks.push_back({entry.term, crc});
      index = index.next();
    }
  }
  if (a.drop_below) drop(a.shard, tail, a.drop_below, batch);
}

void Log::truncate(ShardId shard, LogTail& tail, RaftIndex from, Batch& batch) {
  CHASQUI_ASSERT(from >= tail.first && from <= tail.last(), "only what is there is cut");
  batch.remove_entries(shard, from, tail.last().next());
  tail.marks.resize(from.value() - tail.first.value());
}

void Log::drop(ShardId shard, LogTail& tail, RaftIndex below, Batch& batch) {
  // Whatever the replica says, an entry stays until the state that it made survives a crash, and until a snapshot
  // descriptor stands in for it.
  const RaftIndex covered = std::min(store_.flushed_applied(shard), tail.snapshot_index).next();
  if (below <= tail.first) return;
  if (below > covered) {
    drops_held_back_ += below.value() - std::max(covered, tail.first).value();
    below = covered;
  }
  below = std::min(below, tail.last().next());
  if (below.value() < tail.first.value() + drop_entries_min) return;
  batch.remove_entries(shard, tail.first, below);
  tail.marks.erase(tail.marks.begin(),
                   tail.marks.begin() + static_cast<std::ptrdiff_t>(below.value() - tail.first.value()));
  tail.first = below;
  batch.bounds_moved.insert(shard);
}

// Where the log goes back behind what the guard promises, the promise is taken back first: a crash between the two must
// not look like a loss. Rare: a new leader cut our tail and has not yet sent an entry of its own term.
absl::Status Log::lower_guard(std::span<const LogAppend> appends) {
  std::map<ShardId, std::pair<RaftTerm, RaftIndex>> ends;
  for (const LogAppend& a : appends) {
    if (a.reset && a.snapshot) ends[a.shard] = {a.snapshot->term, a.snapshot->index};
    if (!a.entries.empty()) {
      ends[a.shard] = {a.entries.back().term, RaftIndex(a.first_index.value() + a.entries.size() - 1)};
    }
  }
  TailMarks lowered = guard_.last();
  bool any = false;
  for (const auto& [shard, end] : ends) {
    const auto promise = lowered.shards.find(shard);
    if (promise == lowered.shards.end()) continue;
    TailMark& mark = promise->second;
    if (end >= std::pair(mark.last_term, mark.last_index)) continue;
    std::tie(mark.last_term, mark.last_index) = end;
    any = true;
  }
  return any ? guard_.write_both(std::move(lowered)) : absl::OkStatus();
}

TailMarks Log::marks() const {
  TailMarks marks;
  for (const auto& [shard, tail] : tails_) marks.shards[shard] = tail.tail_mark();
  std::unique_ptr<rocksdb::LogFile> wal;
  if (rocks_.db().GetCurrentWalFile(&wal).ok() && wal != nullptr) {
    marks.wal_number = wal->LogNumber();
    marks.wal_bytes = wal->SizeFileBytes();
  }
  return marks;
}

std::chrono::steady_clock::time_point Log::gap_due() const {
  return guard_behind_ ? guard_due_ : std::chrono::steady_clock::time_point::max();
}

absl::Status Log::close_gap() {
  if (!guard_behind_) return absl::OkStatus();
  if (auto status = guard_.write(marks()); !status.ok()) return status;
  guard_behind_ = false;
  guard_due_ = std::chrono::steady_clock::now() + guard_interval;
  return absl::OkStatus();
}

}  // namespace chasqui::storage
