#include "storage/node_store.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "storage/durable_file.h"
#include "storage/log_read.h"
#include "storage/sizing.h"
#include "storage/suspect.h"

namespace chasqui::storage {
namespace {

bool exists(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0;
}

// FORMAT is the first thing made in a new store: rows without it are the rest of one that was taken apart.
absl::StatusOr<Format> open_format(const NodeStore::Options& options) {
  auto format = read_format(options.directory);
  if (absl::IsNotFound(format.status())) {
    for (const char* rest : {"db", "TAIL.0", "TAIL.1"}) {
      if (!exists(absl::StrCat(options.directory, "/", rest))) continue;
      return absl::DataLossError(absl::StrCat(options.directory, " has ", rest,
                                              " and no FORMAT: it is a part of a "
                                              "store. Restore it, or use another "
                                              "--data-dir"));
    }
    Format made;
    made.store = random_store_id();
    made.cluster = options.cluster ? *options.cluster : random_store_id();
    made.shards = options.shards;
    made.created_ms = options.now_ms;
    if (auto status = write_format(options.directory, made); !status.ok()) return status;
    return made;
  }
  if (!format.ok()) return format.status();
  if (format->shards.value != options.shards.value) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the store in ", options.directory, " has ", format->shards.value, " shards, the configuration says ",
        options.shards.value, ": their number is fixed when a cluster is made; say ", format->shards.value));
  }
  if (options.cluster && *options.cluster != format->cluster) {
    return absl::FailedPreconditionError(
        absl::StrCat("the store in ", options.directory, " belongs to another cluster: use another --data-dir"));
  }
  return format;
}

// A WAL that was being written and is shorter than what was synced of it. One that is gone may have been flushed: the
// marks of the shards tell.
absl::Status check_wal(const std::string& directory, const TailMarks& marks) {
  if (marks.wal_bytes == 0) return absl::OkStatus();
  std::string number = absl::StrCat(marks.wal_number);
  if (number.size() < 6) number.insert(0, 6 - number.size(), '0');
  const std::string path = absl::StrCat(directory, "/", number, ".log");
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || static_cast<std::uint64_t>(info.st_size) >= marks.wal_bytes) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(path, " has ", info.st_size, " bytes, ", marks.wal_bytes,
                                          " of it were synced: it was cut. Never start it again as it is: restore it, "
                                          "or in a cluster use a new --data-dir"));
}

std::map<ShardId, TailMark> marks_of(const std::map<ShardId, LogTail>& tails) {
  std::map<ShardId, TailMark> marks;
  for (const auto& [shard, tail] : tails) marks[shard] = tail.tail_mark();
  return marks;
}

}  // namespace

absl::StatusOr<std::unique_ptr<NodeStore>> NodeStore::open(Options options) {
  CHASQUI_ASSERT(!options.cluster || options.cluster->size() == 16, "a cluster id has 16 bytes");
  CHASQUI_ASSERT(options.shards.value > 0, "a cluster has at least one shard");
  if (auto status = make_directory(options.directory); !status.ok()) return status;
  auto lock = DirectoryLock::take(options.directory);
  if (!lock.ok()) return lock.status();
  if (auto status = check_not_suspect(options.directory); !status.ok()) return status;
  auto disk = DiskSpace::open(options.directory, options.disk);
  if (!disk.ok()) return disk.status();
  const Sizing sizing = sizing_for((*disk)->disk_bytes());
  (*disk)->set_room_needed(sizing.room_needed_bytes());
  if (auto status = (*disk)->start(); !status.ok()) return status;
  auto format = open_format(options);
  if (!format.ok()) return format.status();
  std::unique_ptr<NodeStore> node(new NodeStore(*std::move(lock), *std::move(format)));
  node->disk_ = *std::move(disk);
  if (auto status = node->open_rows(options); !status.ok()) {
    if (absl::IsDataLoss(status) || absl::IsInternal(status)) mark_suspect(options.directory, status);
    return status;
  }
  return node;
}

absl::Status NodeStore::open_rows(const Options& options) {
  auto promised = TailGuard::read(options.directory);
  const bool is_new = absl::IsNotFound(promised.status());
  if (!promised.ok() && !is_new) return promised.status();
  const std::string db_directory = absl::StrCat(options.directory, "/db");
  if (!is_new) {
    if (auto status = check_wal(db_directory, *promised); !status.ok()) return status;
  }
  const Sizing sizing = sizing_for(disk_->disk_bytes());
  RocksDb::Options rocks_options;
  rocks_options.directory = db_directory;
  rocks_options.sizing = sizing;
  rocks_options.block_cache_bytes = options.block_cache_bytes;
  rocks_options.create = is_new;
  rocks_options.on_failure = [directory = options.directory](const absl::Status& status) {
    mark_suspect(directory, status);
  };
  rocks_options.fatal = options.fatal;
  rocks_options.env = options.env;
  if (auto status = make_directory(db_directory); !status.ok()) return status;
  // RocksDB gives its files no mode of their own: the directory closes them off.
  if (::chmod(db_directory.c_str(), 0700) != 0) return io_error("cannot close off", db_directory, errno);
  auto rocks = RocksDb::open(rocks_options);
  if (!rocks.ok()) return rocks.status();
  rocks_ = *std::move(rocks);
  store_ = std::make_unique<RocksStore>(*rocks_, format_.shards, sizing);

  auto staging = Staging::open(*rocks_, absl::StrCat(options.directory, "/staging"));
  if (!staging.ok()) return staging.status();
  staging_ = *std::move(staging);

  auto loaded = read_log(*rocks_, *store_, format_.shards);
  if (!loaded.ok()) return loaded.status();
  std::map<ShardId, TailMark> found = marks_of(loaded->tails);
  if (is_new && !found.empty()) {
    return absl::DataLossError(absl::StrCat("TAIL.0 and TAIL.1 are missing in ", options.directory,
                                            ": nothing says whether the log is whole. Never start it again as it is: "
                                            "restore it, or in a cluster use a new --data-dir"));
  }
  if (!is_new) {
    if (auto status = check_tail(*promised, found); !status.ok()) return status;
  }
  TailGuard guard(options.directory, promised.ok() ? *promised : TailMarks{});
  TailMarks now;
  now.shards = std::move(found);
  if (auto status = guard.write_both(std::move(now)); !status.ok()) return status;
  images_ = std::move(loaded->images);
  log_ = std::make_unique<Log>(*rocks_, *store_, disk_.get(), std::move(loaded->tails), std::move(guard));
  return absl::OkStatus();
}

NodeStore::~NodeStore() {
  // A drain closes the guard's gap; a crash leaves it, at most a second wide.
  if (log_ != nullptr) log_->close_gap().IgnoreError();
}

}  // namespace chasqui::storage
