// What the log had synced, told from outside of it (R3 b).
//
// A WAL cut at a record's border, or deleted, opens without a word in every mode of RocksDB. So the log thread writes,
// at most once a second and after a sync, how far every shard's log had come, to one of two files beside the store, in
// turn. At open the log must have come at least as far. The second file is for the case that the first is torn.
//
// What a mark says is a lower bound for ever: where the log is about to go back (a new leader truncates), the mark is
// lowered in both files before.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/log_image.h"

namespace chasqui::storage {

struct TailMark {
  RaftTerm last_term;  // of the last entry, or of the snapshot if there is none
  RaftIndex last_index;
  HardState hard_state;
  RaftIndex snapshot_index;
  friend bool operator==(const TailMark&, const TailMark&) = default;
};

struct TailMarks {
  std::uint64_t generation = 0;  // the higher of two files is the newer
  std::uint64_t wal_number = 0;  // that was being written; 0: says nothing
  std::uint64_t wal_bytes = 0;   // of it, synced
  std::map<ShardId, TailMark> shards;
  friend bool operator==(const TailMarks&, const TailMarks&) = default;
};

[[nodiscard]] std::string to_bytes(const TailMarks& marks);
// DataLoss: torn, damaged.
[[nodiscard]] absl::StatusOr<TailMarks> parse_tail_marks(std::string_view bytes);

// DataLoss, with the shard and what is missing, if `found` is behind `promised`.
absl::Status check_tail(const TailMarks& promised, const std::map<ShardId, TailMark>& found);

class TailGuard {
 public:
  // What the newer sound file says. NotFound: neither file is there. DataLoss: there, but none is sound.
  static absl::StatusOr<TailMarks> read(const std::string& directory);

  // `last`: what read() gave, or nothing of a new store.
  TailGuard(std::string directory, TailMarks last) : directory_(std::move(directory)), last_(std::move(last)) {}

  // Writes both files anew, by temporary file and rename: at open, and before a mark is lowered.
  absl::Status write_both(TailMarks marks);
  // Writes the older file in place and syncs it: one sync. `marks` have not gone back since the write before.
  absl::Status write(TailMarks marks);
  [[nodiscard]] const TailMarks& last() const { return last_; }

 private:
  std::string directory_;
  TailMarks last_;
};

}  // namespace chasqui::storage
