// The simulator's log and the real one behind one interface, for the suites of this folder.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sim/disk/sim_log.h"
#include "tests/conformance/real_disk.h"

namespace chasqui::conformance {

// append(): it waits. sync(): all that waits is acknowledged. crash(): power goes while what waits is being written.
struct SimLogMaker {
  sim::SimLog log;
  void append(const LogAppend& append) { EXPECT_EQ(log.append(append), ""); }
  void sync() {
    log.begin_sync();
    (void)log.end_sync();
  }
  void crash(std::uint64_t draw) { (void)log.crash(draw % (log.pending() + 1)); }
  [[nodiscard]] std::vector<ReplicaImage> image() const { return log.image(); }
  void apply(std::uint64_t, std::uint64_t, std::uint64_t) {}
};

struct RealLogMaker {
  RealDisk real;
  std::vector<LogAppend> waiting;
  void append(const LogAppend& append) { waiting.push_back(append); }
  void sync() {
    EXPECT_TRUE(real.node().log().write(waiting).ok());
    waiting.clear();
  }
  void crash(std::uint64_t draw) {
    const Cut cut{static_cast<Unsynced>(draw % unsynced_kinds_recovered), draw / unsynced_kinds_recovered};
    if (waiting.empty()) {
      real.lose_power(cut);
    } else {
      real.lose_power_in_sync(cut, std::exchange(waiting, {}));
    }
    ASSERT_TRUE(real.opened().ok()) << real.opened();
  }
  // As it was found at the last start.
  [[nodiscard]] std::vector<ReplicaImage> image() const { return real.log_found(); }
  // The state has applied so far and is flushed: the log may be dropped up to there.
  void apply(std::uint64_t shard, std::uint64_t index, std::uint64_t term) {
    real.node().store().write(storage::testing::applied(shard, index, term));
    real.node().store().flush_state();
  }
};

inline std::string bytes_of(const LogEntry& e) {
  return e.payload ? *e.payload : std::string();
}
}  // namespace chasqui::conformance
