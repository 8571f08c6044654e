// For tests: one shard's log on a disk that forgets, at a crash, what was not synced.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "core/log_image.h"

namespace chasqui::replica {

class TestDisk {
 public:
  void write(const LogAppend& append) { appends_.push_back(append); }
  void sync() { synced_ = appends_.size(); }
  void sync_to(std::size_t count) { synced_ = std::max(synced_, count); }
  // What was not synced is gone, or (a kind disk) all there.
  void crash(bool unsynced_survives) {
    if (!unsynced_survives) appends_.resize(synced_);
    synced_ = appends_.size();
  }
  // The first `survivors` of what was not synced are there, the rest is gone.
  void crash_keeping(std::size_t survivors) {
    appends_.resize(std::min(appends_.size(), synced_ + survivors));
    synced_ = appends_.size();
  }
  void drop_all_entries() {
    LogAppend append;
    append.reset = true;
    appends_.push_back(append);
    synced_ = appends_.size();
  }
  [[nodiscard]] const std::vector<LogAppend>& appends() const { return appends_; }
  [[nodiscard]] std::size_t given() const { return appends_.size(); }

  [[nodiscard]] ReplicaImage image(ShardId shard) const {
    ReplicaImage image;
    image.shard = shard;
    std::map<std::uint64_t, LogEntry> entries;
    for (const LogAppend& append : appends_) {
      if (append.reset) entries.clear();
      if (append.hard_state) image.hard_state = *append.hard_state;
      if (append.snapshot) image.snapshot = *append.snapshot;
      if (!append.entries.empty()) {
        entries.erase(entries.lower_bound(append.first_index.value()), entries.end());
        std::uint64_t index = append.first_index.value();
        for (const LogEntry& entry : append.entries) entries.emplace(index++, entry);
      }
      if (append.drop_below) entries.erase(entries.begin(), entries.lower_bound(append.drop_below.value()));
    }
    image.first_index = entries.empty() ? image.snapshot.index.next() : RaftIndex(entries.begin()->first);
    for (auto& [index, entry] : entries) image.entries.push_back(entry);
    return image;
  }

 private:
  std::vector<LogAppend> appends_;
  std::size_t synced_ = 0;
};

}  // namespace chasqui::replica
