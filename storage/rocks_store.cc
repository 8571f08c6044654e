#include "storage/rocks_store.h"

#include <rocksdb/write_batch.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/keys.h"

namespace chasqui::storage {
namespace {

rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
std::string_view view_of(const rocksdb::Slice& bytes) {
  return {bytes.data(), bytes.size()};
}

bool is_one_row(const RangeRead& range) {
  return range.end.size() == range.begin.size() + 1 && range.end.back() == '\0' &&
         std::string_view(range.end).substr(0, range.begin.size()) == range.begin;
}

}  // namespace

RocksStore::RocksStore(RocksDb& rocks, ShardCount shards, const Sizing& sizing)
    : rocks_(rocks), shards_(shards), sizing_(sizing) {}

RocksStore::~RocksStore() {
  set_on_flushed(nullptr);
}

rocksdb::Status RocksStore::get_row(const rocksdb::ReadOptions& options, std::string_view key,
                                    std::string& value) const {
  rocksdb::PinnableSlice pinned;
  const rocksdb::Status status = rocks_.db().Get(options, rocks_.state(), slice(key), &pinned);
  if (status.ok()) {
    value.assign(pinned.data(), pinned.size());
  } else if (!status.IsNotFound()) {
    rocks_.fail(from_rocksdb("cannot read a row of the store", status));
  }
  return status;
}

std::optional<std::string> RocksStore::get(std::string_view key) const {
  std::string value;
  if (!get_row(rocksdb::ReadOptions(), key, value).ok()) return std::nullopt;
  return value;
}

void RocksStore::write(const WriteBatch& batch) {
  if (batch.writes.empty()) return;
  rocksdb::WriteBatch rows;
  rocksdb::Status status;
  for (const Write& write : batch.writes) {
    status = write.value ? rows.Put(rocks_.state(), slice(write.key), slice(*write.value))
                         : rows.Delete(rocks_.state(), slice(write.key));
    CHASQUI_ASSERT(status.ok(), "a batch in memory takes every row");
  }
  rocksdb::WriteOptions options;
  options.disableWAL = true;  // the Raft log is its log
  status = rocks_.db().Write(options, &rows);
  if (!status.ok()) rocks_.fail(from_rocksdb("cannot write to the store", status));
}

std::shared_ptr<const ReadSnapshot> RocksStore::snapshot() const {
  return std::make_shared<const ReadSnapshot>(rocks_.db());
}

RangeResult RocksStore::read(const ReadSnapshot& snapshot, const RangeRead& range) const {
  RangeResult result;
  rocksdb::ReadOptions options;
  options.snapshot = snapshot.get();
  if (range.begin >= range.end) return result;
  if (is_one_row(range) && range.rows_max > 0) {
    std::string value;
    if (get_row(options, range.begin, value).ok()) result.rows.push_back({range.begin, std::move(value)});
    return result;
  }
  const rocksdb::Slice lower = slice(range.begin);
  const rocksdb::Slice upper = slice(range.end);
  options.iterate_lower_bound = &lower;
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> at(rocks_.db().NewIterator(options, rocks_.state()));
  std::uint64_t bytes = 0;
  range.backwards ? at->SeekToLast() : at->SeekToFirst();
  for (; at->Valid(); range.backwards ? at->Prev() : at->Next()) {
    if (result.rows.size() >= range.rows_max || (bytes >= range.bytes_max && !result.rows.empty())) {
      result.more = true;
      break;
    }
    result.rows.push_back({std::string(view_of(at->key())), std::string(view_of(at->value()))});
    bytes += at->key().size() + at->value().size();
  }
  if (!at->status().ok()) rocks_.fail(from_rocksdb("cannot read a range of the store", at->status()));
  return result;
}

void RocksStore::flush_state() const {
  const rocksdb::Status status = rocks_.db().Flush(rocksdb::FlushOptions(), rocks_.state());
  if (!status.ok()) rocks_.fail(from_rocksdb("cannot flush the store", status));
}

RaftIndex RocksStore::flushed_applied(ShardId shard) const {
  rocksdb::ReadOptions options;
  options.read_tier = rocksdb::kPersistedTier;  // without what only memory has
  std::string value;
  if (!get_row(options, keys::numbers(shard), value).ok()) return RaftIndex{};
  state::Shard numbers;
  if (!numbers.ParseFromString(value)) {
    rocks_.fail(absl::DataLossError(absl::StrCat("the numbers of shard ", shard.value(), " do not decode")));
  }
  return RaftIndex(numbers.applied_index());
}

std::vector<StoreFlushed::Shard> RocksStore::flushed_applied() const {
  std::vector<StoreFlushed::Shard> flushed;
  for (std::uint64_t shard = 0; shard < shards_.value; ++shard) {
    const RaftIndex applied = flushed_applied(ShardId(shard));
    if (applied) flushed.push_back({ShardId(shard), applied});
  }
  return flushed;
}

void RocksStore::set_on_flushed(std::function<void(std::vector<StoreFlushed::Shard>)> callback) {
  if (!callback) return rocks_.set_on_state_flushed(nullptr);
  rocks_.set_on_state_flushed([this, callback = std::move(callback)] { callback(flushed_applied()); });
}

absl::StatusOr<state::Shard> RocksStore::numbers(ShardId shard) const {
  const auto value = get(keys::numbers(shard));
  if (!value) return absl::NotFoundError(absl::StrCat("shard ", shard.value(), " has applied nothing"));
  state::Shard numbers;
  if (numbers.ParseFromString(*value)) return numbers;
  return absl::DataLossError(absl::StrCat("the numbers of shard ", shard.value(), " do not decode"));
}

absl::StatusOr<state::Ingested> RocksStore::ingested(ShardId shard) const {
  const auto value = get(keys::ingested(shard));
  if (!value) return absl::NotFoundError(absl::StrCat("the state of shard ", shard.value(), " is its own"));
  state::Ingested row;
  if (row.ParseFromString(*value)) return row;
  return absl::DataLossError(absl::StrCat("row `L ingested` of shard ", shard.value(), " does not decode"));
}

StoreLoad RocksStore::load() const {
  StoreLoad load;
  rocksdb::DB& db = rocks_.db();
  std::uint64_t number = 0;
  if (db.GetIntProperty(rocks_.state(), rocksdb::DB::Properties::kNumImmutableMemTable, &number)) {
    load.memtables_waiting = number;
  }
  std::string files;
  for (auto* family : {rocks_.state(), rocks_.log()}) {
    if (db.GetProperty(family, rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0", &files)) {
      load.level_0_files = std::max<std::uint64_t>(load.level_0_files, std::stoull(files));
    }
  }
  if (db.GetIntProperty(rocksdb::DB::Properties::kIsWriteStopped, &number) && number != 0) load.slowed = true;
  if (db.GetIntProperty(rocksdb::DB::Properties::kActualDelayedWriteRate, &number) && number != 0) load.slowed = true;
  return load;
}

bool RocksStore::behind(const StoreLoad& load) const {
  // One memtable is being filled, one may be being flushed: the last free one is for what was let in already.
  return load.slowed || load.memtables_waiting + 2 >= static_cast<std::uint64_t>(sizing_.state_buffers_max) ||
         load.level_0_files >= static_cast<std::uint64_t>(sizing_.level_0_behind_files);
}

}  // namespace chasqui::storage
