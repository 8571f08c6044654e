// The log as it is found at start: everything is read, and everything is checked before anybody uses it (R2 to R4).
//
// Refused with DataLoss, never repaired: a row with a wrong checksum; a gap; an entry whose predecessor is not the one
// it was written behind; a log that ends before the state that it made, begins after it, or holds another term there.
#pragma once

#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "core/log_image.h"
#include "storage/log.h"
#include "storage/rocks_store.h"

namespace chasqui::storage {

struct LoadedLog {
  std::vector<ReplicaImage> images;  // by shard, ascending; those that have ever lived in this store
  std::map<ShardId, LogTail> tails;
};

// Shards at or above `shards` are damage too.
[[nodiscard]] absl::StatusOr<LoadedLog> read_log(const RocksDb& rocks, const RocksStore& store, ShardCount shards);

}  // namespace chasqui::storage
