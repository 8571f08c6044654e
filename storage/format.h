// The file FORMAT: which version of the layout a store has, and whose it is. Text, so that a person can read it:
//
//   chasqui store
//   version 1
//   store 3f..     32 hex digits: random, one incarnation of this disk (R3 e)
//   cluster 00..   32 hex digits
//   shards 64
//   created_ms 1700000000000
//   crc32c 89abcdef        of all lines before
//
// The version is read before anything else is judged: a newer layout may differ in every other line.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/ids.h"

namespace chasqui::storage {

constexpr std::uint64_t format_version = 1;

struct Format {
  std::uint64_t version = format_version;
  std::string store;    // 16 bytes
  std::string cluster;  // 16 bytes
  ShardCount shards;
  std::int64_t created_ms = 0;
  friend bool operator==(const Format& a, const Format& b) {
    return a.version == b.version && a.store == b.store && a.cluster == b.cluster && a.shards.value == b.shards.value &&
           a.created_ms == b.created_ms;
  }
};

[[nodiscard]] std::string to_text(const Format& format);
// FailedPrecondition: made by a newer Chasqui. DataLoss: damaged.
[[nodiscard]] absl::StatusOr<Format> parse_format(const std::string& text, const std::string& path);

// NotFound: there is none, the directory holds no store yet.
[[nodiscard]] absl::StatusOr<Format> read_format(const std::string& directory);
absl::Status write_format(const std::string& directory, const Format& format);

// 16 bytes of the system's generator.
[[nodiscard]] std::string random_store_id();

}  // namespace chasqui::storage
