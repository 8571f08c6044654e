#include "storage/log_read.h"

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "storage/log_rows.h"

namespace chasqui::storage {
namespace {

std::string_view view_of(const rocksdb::Slice& bytes) {
  return {bytes.data(), bytes.size()};
}

absl::Status damaged(ShardId shard, const std::string& what) {
  return absl::DataLossError(absl::StrCat("the log of shard ", shard.value(), " is damaged: ", what,
                                          ". Never start it again as it is: restore it, or in a cluster use a new "
                                          "--data-dir"));
}

// nullopt-like NotFound if there is no such row.
absl::StatusOr<std::string> row(const RocksDb& rocks, const std::string& key) {
  std::string value;
  const rocksdb::Status status = rocks.db().Get(rocksdb::ReadOptions(), rocks.log(), key, &value);
  if (status.ok()) return value;
  if (status.IsNotFound()) return absl::NotFoundError("no such row");
  return from_rocksdb("cannot read the log", status);
}

absl::Status read_numbers(const RocksDb& rocks, ReplicaImage& image, LogTail& tail) {
  const auto bounds = row(rocks, log_rows::bounds_key(image.shard));
  if (absl::IsNotFound(bounds.status())) return damaged(image.shard, "it has rows and no bounds");
  if (!bounds.ok()) return bounds.status();
  const auto first = log_rows::parse_bounds(image.shard, *bounds);
  if (!first.ok()) return first.status();
  image.first_index = tail.first = *first;

  if (const auto value = row(rocks, log_rows::hard_state_key(image.shard)); value.ok()) {
    const auto hard_state = log_rows::parse_hard_state(image.shard, *value);
    if (!hard_state.ok()) return hard_state.status();
    image.hard_state = tail.hard_state = *hard_state;
  } else if (!absl::IsNotFound(value.status())) {
    return value.status();
  }
  if (const auto value = row(rocks, log_rows::snapshot_key(image.shard)); value.ok()) {
    auto snapshot = log_rows::parse_snapshot(image.shard, *value);
    if (!snapshot.ok()) return snapshot.status();
    image.snapshot = *std::move(snapshot);
    tail.snapshot_index = image.snapshot.index;
    tail.snapshot_term = image.snapshot.term;
  } else if (!absl::IsNotFound(value.status())) {
    return value.status();
  }
  return absl::OkStatus();
}

absl::Status read_entries(rocksdb::Iterator& at, ReplicaImage& image, LogTail& tail) {
  // Below first_index there may be rows that were dropped and not yet compacted away: they are stepped over.
  RaftIndex expected = image.first_index;
  RaftIndex index;
  for (at.Seek(log_rows::entry_key(image.shard, expected));
       at.Valid() && log_rows::is_entry_key(view_of(at.key()), image.shard, index); at.Next()) {
    if (index != expected) {
      return damaged(image.shard,
                     absl::StrCat("entry ", expected.value(), " is missing, ", index.value(), " is there"));
    }
    auto parsed = log_rows::parse_entry(image.shard, index, view_of(at.value()));
    if (!parsed.ok()) return parsed.status();
    if (!tail.marks.empty() && parsed->crc_before != tail.marks.back().crc) {
      return damaged(image.shard, absl::StrCat("entry ", index.value(), " was not written behind the one before it"));
    }
    tail.marks.push_back({parsed->entry.term, parsed->crc});
    image.entries.push_back(std::move(parsed->entry));
    expected = expected.next();
  }
  return at.status().ok() ? absl::OkStatus() : from_rocksdb("cannot read the log", at.status());
}

// The law between the two families: the log leads from a point that the state has reached to one at or past its end.
absl::Status check_state(const RocksStore& store, ShardId shard, const LogTail* tail) {
  const auto numbers = store.numbers(shard);
  if (!numbers.ok() && !absl::IsNotFound(numbers.status())) return numbers.status();
  const RaftIndex applied(numbers.ok() ? numbers->applied_index() : 0);
  if (tail == nullptr) {
    if (!applied) return absl::OkStatus();
    return damaged(shard, absl::StrCat("there is none, and the state has applied ", applied.value()));
  }
  const auto ingested = store.ingested(shard);
  if (!ingested.ok() && !absl::IsNotFound(ingested.status())) return ingested.status();
  if (ingested.ok()) {
    // A crash may come between the two writes of an install: the log is the old one, and the replica writes the
    // descriptor as its first act (core/replica/image.h, finish_install).
    if (tail->snapshot_index.value() < ingested->index()) return absl::OkStatus();
    // The state may be ahead of the log that begins behind the descriptor, as long as it is as it came.
    if (applied.value() == ingested->applied() && applied > tail->last()) return absl::OkStatus();
  }
  if (applied > tail->last()) {
    return damaged(shard,
                   absl::StrCat("it ends at ", tail->last().value(), ", and the state has applied ", applied.value()));
  }
  if (tail->first > applied.next()) {
    return damaged(shard, absl::StrCat("it begins at ", tail->first.value(), ", and the state has applied only ",
                                       applied.value()));
  }
  if (tail->snapshot_index > tail->last()) {
    return damaged(shard, absl::StrCat("it ends at ", tail->last().value(), ", before its snapshot at ",
                                       tail->snapshot_index.value()));
  }
  if (applied >= tail->first &&
      numbers->applied_term() != tail->marks[applied.value() - tail->first.value()].term.value()) {
    return damaged(shard,
                   absl::StrCat("its entry ", applied.value(), " is of another term than the state has applied (",
                                numbers->applied_term(), ")"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LoadedLog> read_log(const RocksDb& rocks, const RocksStore& store, ShardCount shards) {
  LoadedLog loaded;
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 1 << 20;
  const std::unique_ptr<rocksdb::Iterator> at(rocks.db().NewIterator(options, rocks.log()));
  for (std::uint64_t number = 0; number < shards.value; ++number) {
    const ShardId shard(number);
    at->Seek(log_rows::shard_prefix(shard));
    if (!at->status().ok()) return from_rocksdb("cannot read the log", at->status());
    const bool there = at->Valid() && view_of(at->key()).substr(0, 2) == log_rows::shard_prefix(shard);
    if (there) {
      ReplicaImage image;
      image.shard = shard;
      LogTail& tail = loaded.tails[shard];
      if (auto status = read_numbers(rocks, image, tail); !status.ok()) return status;
      if (auto status = read_entries(*at, image, tail); !status.ok()) return status;
      loaded.images.push_back(std::move(image));
    }
    if (auto status = check_state(store, shard, there ? &loaded.tails.at(shard) : nullptr); !status.ok()) return status;
  }
  if (shards.value < 65'536) {
    at->Seek(log_rows::shard_prefix(ShardId(shards.value)));
    if (at->Valid()) {
      return absl::DataLossError(absl::StrCat("the log has rows of shards above the ", shards.value,
                                              " of this store: it is not the log that belongs to FORMAT"));
    }
    if (!at->status().ok()) return from_rocksdb("cannot read the log", at->status());
  }
  CHASQUI_ASSERT(loaded.images.size() == loaded.tails.size(), "every shard that was found has both");
  return loaded;
}

}  // namespace chasqui::storage
