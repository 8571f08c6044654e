// A store without its own durability: visible at once, and after a crash any version since the last flush.
//
// An ordered map with an undo journal. Invariants: (1) version v is the state after v batches, counted over the whole
// life of the disk; (2) flushed() <= v <= version() for each v that rewind() may be asked for; (3) a batch is there
// wholly or not at all.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
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

  [[nodiscard]] std::size_t rows() const { return rows_.size(); }

 private:
  using Undo = std::vector<Write>;  // what each key of a batch held before

  Rows rows_;
  std::deque<Undo> undo_;  // one for each batch since the flush
  std::uint64_t flushed_ = 0;
};

}  // namespace chasqui::sim
