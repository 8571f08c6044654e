// The rows of the column family `log`, as bytes. Keys: shard (2 bytes), tag, and for entries the index (8), big-endian:
//
//   b         bounds: the first index kept. Every shard in the log has it
//   e index   entry
//   h         hard state: term and vote
//   s         snapshot descriptor
//
// Values (numbers little-endian, so that a fixed header is read without thought):
//   entry     crc32c (4), crc32c of the entry before (4), term (8), type (1), payload's length (4), payload
//   the rest  crc32c (4), then the fields
// Every checksum covers the row's key too: a row under another's key does not pass. Of the first entry kept, what it
// says of the entry before is not checked, since that one may be dropped; after a reset it is 0.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/log_image.h"

namespace chasqui::storage::log_rows {

[[nodiscard]] std::string bounds_key(ShardId shard);
[[nodiscard]] std::string entry_key(ShardId shard, RaftIndex index);
[[nodiscard]] std::string hard_state_key(ShardId shard);
[[nodiscard]] std::string snapshot_key(ShardId shard);
[[nodiscard]] std::string shard_prefix(ShardId shard);  // at or below all keys of the shard
// The index, if `key` is that of an entry of this shard.
[[nodiscard]] bool is_entry_key(std::string_view key, ShardId shard, RaftIndex& index);

struct EntryRow {
  LogEntry entry;
  std::uint32_t crc = 0;
  std::uint32_t crc_before = 0;
};

// Appends the row's value to `value`; returns its checksum.
std::uint32_t put_entry(ShardId shard, RaftIndex index, const LogEntry& entry, std::uint32_t crc_before,
                        std::string& value);
[[nodiscard]] std::string bounds_value(ShardId shard, RaftIndex first);
[[nodiscard]] std::string hard_state_value(ShardId shard, const HardState& hard_state);
[[nodiscard]] std::string snapshot_value(ShardId shard, const Snapshot& snapshot);

// All: DataLoss if the row is not one that the functions above have made for this key.
[[nodiscard]] absl::StatusOr<EntryRow> parse_entry(ShardId shard, RaftIndex index, std::string_view value);
[[nodiscard]] absl::StatusOr<RaftIndex> parse_bounds(ShardId shard, std::string_view value);
[[nodiscard]] absl::StatusOr<HardState> parse_hard_state(ShardId shard, std::string_view value);
[[nodiscard]] absl::StatusOr<Snapshot> parse_snapshot(ShardId shard, std::string_view value);

}  // namespace chasqui::storage::log_rows
