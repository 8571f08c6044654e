#include "storage/log_rows.h"

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "storage/fields.h"

namespace chasqui::storage::log_rows {
namespace {

constexpr std::size_t crc_bytes = 4;

std::string tagged(ShardId shard, char tag) {
  std::string key = shard_prefix(shard);
  key.push_back(tag);
  return key;
}

// Of the key and what the row holds behind its own checksum.
std::uint32_t row_crc(std::string_view key, std::string_view fields) {
  return crc32c(fields, crc32c(key));
}

std::string with_crc(const std::string& key, const std::string& fields) {
  std::string value;
  value.reserve(crc_bytes + fields.size());
  put_number<crc_bytes>(value, row_crc(key, fields));
  return value += fields;
}

absl::Status damaged(ShardId shard, std::string_view what) {
  return absl::DataLossError(absl::StrCat("the log's ", absl::string_view(what.data(), what.size()), " of shard ",
                                          shard.value(), " is damaged: its checksum or its form is wrong"));
}

// False: the row is not as it was written.
bool check_crc(const std::string& key, std::string_view value, std::string_view& fields) {
  FieldReader reader(value);
  const std::uint64_t crc = reader.number<crc_bytes>();
  fields = reader.rest();
  return reader.ok() && crc == row_crc(key, fields);
}

}  // namespace

std::string shard_prefix(ShardId shard) {
  CHASQUI_ASSERT(shard.value() < 65'536, "a shard's prefix is two bytes");
  return {static_cast<char>(shard.value() >> 8), static_cast<char>(shard.value() & 0xff)};
}
std::string bounds_key(ShardId shard) {
  return tagged(shard, 'b');
}
std::string hard_state_key(ShardId shard) {
  return tagged(shard, 'h');
}
std::string snapshot_key(ShardId shard) {
  return tagged(shard, 's');
}

std::string entry_key(ShardId shard, RaftIndex index) {
  std::string key = tagged(shard, 'e');
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(index.value() >> shift & 0xff));
  return key;
}

bool is_entry_key(std::string_view key, ShardId shard, RaftIndex& index) {
  const std::string prefix = tagged(shard, 'e');
  if (key.size() != prefix.size() + 8 || key.substr(0, prefix.size()) != prefix) return false;
  std::uint64_t value = 0;
  for (const char c : key.substr(prefix.size())) value = value << 8 | static_cast<std::uint8_t>(c);
  index = RaftIndex(value);
  return true;
}

std::uint32_t put_entry(ShardId shard, RaftIndex index, const LogEntry& entry, std::uint32_t crc_before,
                        std::string& value) {
  const std::string_view payload = entry.payload ? std::string_view(*entry.payload) : std::string_view();
  CHASQUI_ASSERT(payload.size() <= UINT32_MAX, "a payload's length is four bytes");
  std::string fields;
  fields.reserve(17 + payload.size());
  put_number<4>(fields, crc_before);
  put_number<8>(fields, entry.term.value());
  put_number<1>(fields, static_cast<std::uint64_t>(entry.type));
  put_number<4>(fields, payload.size());
  fields.append(payload);
  const std::uint32_t crc = row_crc(entry_key(shard, index), fields);
  put_number<crc_bytes>(value, crc);
  value.append(fields);
  return crc;
}

absl::StatusOr<EntryRow> parse_entry(ShardId shard, RaftIndex index, std::string_view value) {
  std::string_view fields;
  EntryRow row;
  if (!check_crc(entry_key(shard, index), value, fields)) {
    return damaged(shard, "entry " + std::to_string(index.value()));
  }
  row.crc = static_cast<std::uint32_t>(FieldReader(value).number<crc_bytes>());
  FieldReader reader(fields);
  row.crc_before = static_cast<std::uint32_t>(reader.number<4>());
  row.entry.term = RaftTerm(reader.number<8>());
  const std::uint64_t type = reader.number<1>();
  const std::string_view payload = reader.bytes(reader.number<4>());
  if (!reader.done() || type < 1 || type > 3) return damaged(shard, "entry " + std::to_string(index.value()));
  row.entry.type = static_cast<EntryType>(type);
  row.entry.payload = std::make_shared<const std::string>(payload);
  return row;
}

std::string bounds_value(ShardId shard, RaftIndex first) {
  std::string fields;
  put_number<8>(fields, first.value());
  return with_crc(bounds_key(shard), fields);
}

absl::StatusOr<RaftIndex> parse_bounds(ShardId shard, std::string_view value) {
  std::string_view fields;
  if (!check_crc(bounds_key(shard), value, fields)) return damaged(shard, "bounds");
  FieldReader reader(fields);
  const RaftIndex first(reader.number<8>());
  if (!reader.done() || !first) return damaged(shard, "bounds");
  return first;
}

std::string hard_state_value(ShardId shard, const HardState& hard_state) {
  std::string fields;
  put_number<8>(fields, hard_state.term.value());
  put_number<8>(fields, hard_state.vote.value());
  return with_crc(hard_state_key(shard), fields);
}

absl::StatusOr<HardState> parse_hard_state(ShardId shard, std::string_view value) {
  std::string_view fields;
  if (!check_crc(hard_state_key(shard), value, fields)) return damaged(shard, "vote");
  FieldReader reader(fields);
  HardState hard_state;
  hard_state.term = RaftTerm(reader.number<8>());
  hard_state.vote = ReplicaId(reader.number<8>());
  if (!reader.done()) return damaged(shard, "vote");
  return hard_state;
}

std::string snapshot_value(ShardId shard, const Snapshot& snapshot) {
  std::string fields;
  put_number<8>(fields, snapshot.index.value());
  put_number<8>(fields, snapshot.term.value());
  put_number<8>(fields, snapshot.configuration_index.value());
  fields.append(snapshot.configuration);
  return with_crc(snapshot_key(shard), fields);
}

absl::StatusOr<Snapshot> parse_snapshot(ShardId shard, std::string_view value) {
  std::string_view fields;
  if (!check_crc(snapshot_key(shard), value, fields)) return damaged(shard, "snapshot descriptor");
  FieldReader reader(fields);
  Snapshot snapshot;
  snapshot.index = RaftIndex(reader.number<8>());
  snapshot.term = RaftTerm(reader.number<8>());
  snapshot.configuration_index = RaftIndex(reader.number<8>());
  if (!reader.ok()) return damaged(shard, "snapshot descriptor");
  snapshot.configuration = std::string(reader.rest());
  return snapshot;
}

}  // namespace chasqui::storage::log_rows
