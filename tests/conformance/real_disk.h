// A node's real store and log on a disk that can lose its power: what the simulator's disks are held to.
#pragma once

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/node_store.h"
#include "storage/testing.h"
#include "tests/conformance/crash_disk.h"

namespace chasqui::conformance {

class RealDisk {
 public:
  RealDisk() { open(); }
  RealDisk(const RealDisk&) = delete;
  RealDisk& operator=(const RealDisk&) = delete;

  [[nodiscard]] storage::NodeStore& node() { return *node_; }
  [[nodiscard]] CrashDisk& disk() { return *disk_; }
  // The log as it was found at the last start.
  [[nodiscard]] const std::vector<ReplicaImage>& log_found() const { return log_found_; }
  [[nodiscard]] const absl::Status& opened() const { return opened_; }

  // Power goes, and comes back. opened() says whether the node would start.
  void lose_power(const Cut& cut) {
    disk_->copy_after(cut, directory(), next_directory());
    start_anew();
  }
  // Power goes while `appends` are being synced: they are written, and were not acknowledged.
  void lose_power_in_sync(const Cut& cut, std::span<const LogAppend> appends) {
    bool came = false;
    disk_->at_next_wal_sync([&] {
      came = true;
      disk_->copy_after(cut, directory(), next_directory());
    });
    EXPECT_TRUE(node_->log().write(appends).ok());
    EXPECT_TRUE(came) << "a group was written without a sync";
    start_anew();
  }

 private:
  // In memory where there is room: what is safe is CrashDisk's to say, and the few files beside RocksDB sync in
  // earnest.
  static std::string parent() {
    std::error_code error;
    const auto memory = std::filesystem::space("/dev/shm", error);
    if (!error && memory.available > (std::uintmax_t{300} << 20)) return "/dev/shm";
    return std::filesystem::temp_directory_path().string();
  }
  [[nodiscard]] std::string directory() const { return root_ / std::to_string(life_); }
  [[nodiscard]] std::string next_directory() const { return root_ / std::to_string(life_ + 1); }

  void start_anew() {
    node_.reset();
    std::filesystem::remove_all(directory());
    ++life_;
    open();
  }
  void open() {
    node_.reset();
    disk_ = std::make_shared<CrashDisk>();
    env_ = rocksdb::NewCompositeEnv(disk_);
    storage::NodeStore::Options options = storage::testing::small_options(directory());
    options.env = env_.get();
    auto node = storage::NodeStore::open(std::move(options));
    opened_ = node.status();
    if (!node.ok()) return;
    node_ = *std::move(node);
    log_found_ = node_->take_log();
  }

  storage::testing::TempDir root_{parent()};
  std::uint64_t life_ = 0;
  std::shared_ptr<CrashDisk> disk_;
  std::unique_ptr<rocksdb::Env> env_;  // outlives the store
  std::unique_ptr<storage::NodeStore> node_;
  std::vector<ReplicaImage> log_found_;
  absl::Status opened_;
};

}  // namespace chasqui::conformance
