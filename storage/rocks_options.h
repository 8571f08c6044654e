// RocksDB's settings, each with its reason. Reviewed as a table: nothing about RocksDB is set elsewhere.
#pragma once

#include <rocksdb/options.h>

#include <cstdint>

#include "storage/sizing.h"

namespace chasqui::storage {

struct RocksOptions {
  rocksdb::DBOptions db;
  rocksdb::ColumnFamilyOptions log;
  rocksdb::ColumnFamilyOptions state;
};
[[nodiscard]] RocksOptions rocks_options(const Sizing& sizing, std::uint64_t block_cache_bytes, bool create);

}  // namespace chasqui::storage
