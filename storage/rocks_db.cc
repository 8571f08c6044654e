#include "storage/rocks_db.h"

#include <rocksdb/listener.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "storage/rocks_options.h"

namespace chasqui::storage {

// Lives as long as RocksDB does; its callbacks come from RocksDB's threads, some before DB::Open has returned.
class RocksDb::Listener : public rocksdb::EventListener {
 public:
  explicit Listener(RocksDb& owner) : owner_(owner) {}

  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo& info) override {
    if (info.cf_name != "state") return;
    const std::lock_guard lock(mutex_);
    if (on_state_flushed_) on_state_flushed_();
  }

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override {
    const absl::Status status =
        from_rocksdb(absl::StrCat("RocksDB failed beside the writes (reason ", static_cast<int>(reason), ")"), *error);
    if (absl::IsResourceExhausted(status) && reason == rocksdb::BackgroundErrorReason::kCompaction) {
      met_full_disk_.store(true);  // what it wanted to replace is still there, and it goes on when there is room
      return;
    }
    owner_.fail(status);
  }

  void set_on_state_flushed(std::function<void()> callback) {
    const std::lock_guard lock(mutex_);
    on_state_flushed_ = std::move(callback);
  }
  [[nodiscard]] bool met_full_disk() const { return met_full_disk_.load(); }

 private:
  RocksDb& owner_;
  std::mutex mutex_;
  std::function<void()> on_state_flushed_;
  std::atomic<bool> met_full_disk_{false};
};

RocksDb::RocksDb(const Options& options) : options_(options), listener_(std::make_shared<Listener>(*this)) {}

absl::StatusOr<std::unique_ptr<RocksDb>> RocksDb::open(const Options& options) {
  std::unique_ptr<RocksDb> rocks(new RocksDb(options));
  RocksOptions settings = rocks_options(options.sizing, options.block_cache_bytes, options.create);
  settings.db.listeners.push_back(rocks->listener_);
  if (options.env != nullptr) settings.db.env = options.env;
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions()},
      {"log", settings.log},
      {"state", settings.state}};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(settings.db, options.directory, families, &handles, &db);
  if (!opened.ok()) {
    // Its words for a database that is not there, whole or in part.
    if (opened.IsInvalidArgument() || opened.IsPathNotFound()) {
      return absl::DataLossError(absl::StrCat("the rows of the store in ", options.directory,
                                              " are gone, or some of them: ", opened.ToString(),
                                              ". Never start it again as it is: restore it, or use a new --data-dir"));
    }
    // Nothing was acknowledged yet, and the disk may be sound (no descriptors left, another tool has it open).
    if (opened.IsIOError() && !opened.IsNoSpace()) {
      return absl::UnavailableError(
          absl::StrCat("cannot open the store in ", options.directory, ": ", opened.ToString()));
    }
    return from_rocksdb(absl::StrCat("cannot open the store in ", options.directory), opened);
  }
  CHASQUI_ASSERT(handles.size() == families.size(), "one handle for each column family");
  rocks->db_.reset(db);
  rocks->default_ = handles[0];
  rocks->log_ = handles[1];
  rocks->state_ = handles[2];
  return rocks;
}

RocksDb::~RocksDb() {
  if (db_ == nullptr) return;
  listener_->set_on_state_flushed(nullptr);
  for (auto* handle : {default_, log_, state_}) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  db_->Close().PermitUncheckedError();
}

void RocksDb::set_on_state_flushed(std::function<void()> callback) {
  listener_->set_on_state_flushed(std::move(callback));
}

bool RocksDb::met_full_disk() const {
  return listener_->met_full_disk();
}

void RocksDb::fail(const absl::Status& status) const {
  CHASQUI_ASSERT(!status.ok(), "only a failure is one");
  // A second thread that fails waits here for the end.
  static std::mutex once;
  once.lock();
  if (!absl::IsResourceExhausted(status) && options_.on_failure) options_.on_failure(status);
  if (options_.fatal) options_.fatal(status);
  std::fprintf(stderr, "chasqui: %s\n", std::string(status.message()).c_str());
  std::_Exit(exit_code(status));
}

}  // namespace chasqui::storage
