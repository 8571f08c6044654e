#include "storage/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace chasqui::storage {
namespace {

rocksdb::ColumnFamilyOptions family(const Sizing& sizing, const rocksdb::BlockBasedTableOptions& table) {
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.level0_file_num_compaction_trigger = sizing.level_0_compact_files;
  options.level0_slowdown_writes_trigger = sizing.level_0_slow_files;
  options.level0_stop_writes_trigger = sizing.level_0_stop_files;
  options.target_file_size_base = sizing.table_file_bytes;
  options.max_bytes_for_level_base = sizing.level_1_bytes;
  options.max_compaction_bytes = sizing.compaction_bytes_max;
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = rocksdb::kLZ4Compression;
  options.paranoid_file_checks = true;  // a table just written is read again before the WAL that covers it goes
  options.force_consistency_checks = true;
  return options;
}

}  // namespace

RocksOptions rocks_options(const Sizing& sizing, std::uint64_t block_cache_bytes, bool create) {
  RocksOptions all;
  rocksdb::DBOptions& db = all.db;
  db.env = rocksdb::Env::Default();
  db.create_if_missing = create;
  db.create_missing_column_families = create;

  // R3: the default recovery drops synced records behind a damaged one and says OK. This mode refuses to open, and
  // takes only a torn tail, which was never acknowledged.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.track_and_verify_wals_in_manifest = true;
  db.paranoid_checks = true;
  db.manual_wal_flush = false;  // every write reaches the kernel before it returns; Log::write syncs
  db.recycle_log_file_num = 0;  // a recycled WAL's old content would hide a torn tail
  db.max_total_wal_size = sizing.wal_bytes_max;
  // R1: a failed write or sync is never tried again.
  db.max_bgerror_resume_count = 0;

  db.max_background_jobs = 2;
  db.max_subcompactions = 1;  // so that one compaction's room is all that is needed (sizing.h)
  db.max_open_files = 512;
  db.bytes_per_sync = 1 << 20;  // dirty pages trickle out, instead of in front of the log's next sync
  db.max_manifest_file_size = 1 << 20;
  db.manifest_preallocation_size = 64 << 10;
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.max_log_file_size = 1 << 20;
  db.keep_log_file_num = 4;
  db.stats_dump_period_sec = 0;  // an idle node burns no CPU
  db.stats_persist_period_sec = 0;
  db.delete_obsolete_files_period_micros = 60ULL * 1000 * 1000;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(block_cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;  // so that the cache's bound is the bound
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table.verify_compression = true;

  all.state = family(sizing, table);
  all.state.write_buffer_size = sizing.state_buffer_bytes;
  all.state.max_write_buffer_number = sizing.state_buffers_max;

  table.filter_policy.reset();  // the log is read by range, at start, and never by key
  all.log = family(sizing, table);
  all.log.write_buffer_size = sizing.log_buffer_bytes;
  all.log.max_write_buffer_number = sizing.log_buffers_max;
  return all;
}

}  // namespace chasqui::storage
