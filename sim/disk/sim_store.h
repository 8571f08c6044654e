// A store without its own durability: visible at once, and after a crash any version since the last flush.
//
// An ordered map with an undo journal. Invariants: (1) version v is the state after v batches, counted over the whole
// life of the disk; (2) flushed() <= v <= version() for each v that rewind() may be asked for; (3) a batch is there
// wholly or not at all.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/ids.h"
#include "core/store.h"

namespace chasqui::sim {

class SimStore : public Store {
 public:
  [[nodiscard]] std::optional<std::string> get(std::string_view key) const override;
  void write(const WriteBatch& batch) override;

  using Rows = absl::btree_map<std::string, std::string>;
  // What a Read output asks, from the state as it is now, or as it was.
  [[nodiscard]] RangeResult read(const RangeRead& range) const { return read(rows_, range); }
  [[nodiscard]] static RangeResult read(const Rows& rows, const RangeRead& range);
  [[nodiscard]] const Rows& all() const { return rows_; }

  // These are all the rows of the range from now on: at once and durable. No version that a crash may bring back has
  // other ones there, but for those written later.
  void ingest(const std::string& begin, const std::string& end, const std::vector<Row>& rows);

  [[nodiscard]] std::uint64_t version() const { return flushed_ + undo_.size(); }
  [[nodiscard]] std::uint64_t flushed() const { return flushed_; }
  // All up to `version` survives from now on.
  void flush(std::uint64_t version);
  // Back to that version: what a crash may do.
  void rewind(std::uint64_t version);
  // The disk is another one, with nothing on it; who watches goes on watching.
  void wipe();

  [[nodiscard]] std::size_t rows() const { return rows_.size(); }

  // From now on, while it is still empty: a digest of each shard's rows is kept, and told with its numbers
  // (state.Shard) whenever these are written. Equal rows give equal digests, whatever order they came in. Rows that a
  // replica keeps for itself do not count.
  using Watcher = std::function<void(ShardId shard, const std::string& numbers, std::uint64_t digest)>;
  void watch(Watcher watcher) { watcher_ = std::move(watcher); }

 private:
  using Undo = std::vector<Write>;  // what each key of a batch held before

  Rows rows_;
  std::deque<Undo> undo_;  // one for each batch since the flush
  std::uint64_t flushed_ = 0;
  Watcher watcher_;
  std::vector<std::uint64_t> digests_;  // by shard; the sum of its rows' hashes

  void count(const std::string& key, const std::string& value, bool there);
  void tell(const std::vector<Row>& rows) const;
};

}  // namespace chasqui::sim
