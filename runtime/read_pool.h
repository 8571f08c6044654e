// Reads beside the reactor: a thousand people who come back must not stop heartbeats.
//
// Each job is read from one snapshot of the store, on a thread of its own, in the order of asking.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/io.h"
#include "runtime/worker.h"
#include "storage/rocks_store.h"

namespace chasqui {

class ReadPool {
 public:
  // `store` outlives it. `done` is called on its thread.
  ReadPool(const storage::RocksStore& store, std::size_t waiting_max, std::function<void(ReadDone)> done)
      : store_(store), done_(std::move(done)), worker_(1, waiting_max) {}

  // The core bounds how many are outstanding (reads_outstanding_max). False: more wait than that.
  [[nodiscard]] bool submit(std::shared_ptr<const storage::ReadSnapshot> snapshot, Read read) {
    return worker_.submit([this, snapshot = std::move(snapshot), read = std::move(read)] {
      ReadDone done{read.read, {}};
      done.results.reserve(read.ranges.size());
      for (const RangeRead& range : read.ranges) {
        done.results.push_back(store_.read(*snapshot, range));
      }
      done_(std::move(done));
    });
  }
  void stop() { worker_.stop(); }

 private:
  const storage::RocksStore& store_;
  std::function<void(ReadDone)> done_;
  Worker worker_;
};

}  // namespace chasqui
