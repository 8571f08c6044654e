// The simulator's store and the real one behind one interface, for the suites of this folder.
//
//   store(), read(range)   as store_conformance.h asks
//   ask(ranges)            what a Read output is: asked now, answered later, from the rows as they were (at least) now
//   flush()                all that was written until now survives a crash
//   ingest(b, e, rows, l)  these rows and those of `l` are all that the range has from now on, durable
//   crash(draw)            power goes and comes back; `draw` decides what had reached the disk
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "core/store.h"
#include "sim/disk/sim_store.h"
#include "tests/conformance/real_disk.h"

namespace chasqui::conformance {

using Answer = std::function<std::vector<RangeResult>()>;

struct SimMaker {
  sim::SimStore simulated;
  Store& store() { return simulated; }
  RangeResult read(const RangeRead& range) { return simulated.read(range); }
  // As sim::VirtualNode does: it is read at once and told later.
  Answer ask(const std::vector<RangeRead>& ranges) {
    std::vector<RangeResult> results;
    for (const RangeRead& range : ranges) results.push_back(simulated.read(range));
    return [results = std::move(results)] { return results; };
  }
  void flush() { simulated.flush(simulated.version()); }
  // As sim/world_streams.cc does.
  void ingest(const std::string& begin, const std::string& end, std::vector<Row> rows, const std::vector<Row>& local) {
    rows.insert(rows.end(), local.begin(), local.end());
    simulated.ingest(begin, end, rows);
  }
  void crash(std::uint64_t draw) {
    const std::uint64_t unsafe = simulated.version() - simulated.flushed();
    simulated.rewind(simulated.flushed() + draw % (unsafe + 1));
  }
};

struct RealMaker {
  RealDisk real;
  Store& store() { return real.node().store(); }
  RangeResult read(const RangeRead& range) { return real.node().store().read(*real.node().store().snapshot(), range); }
  // As runtime/read_pool.h does. It must be answered before the next crash.
  Answer ask(std::vector<RangeRead> ranges) {
    return [this, snapshot = real.node().store().snapshot(), ranges = std::move(ranges)] {
      std::vector<RangeResult> results;
      for (const RangeRead& range : ranges) results.push_back(real.node().store().read(*snapshot, range));
      return results;
    };
  }
  void flush() { real.node().store().flush_state(); }
  // As runtime/stream_files.cc does.
  void ingest(const std::string& begin, const std::string& end, const std::vector<Row>& rows,
              const std::vector<Row>& local) {
    stage(rows);
    ASSERT_TRUE(real.node().staging().ingest(StreamId(1), begin, end, local).ok());
  }
  void stage(const std::vector<Row>& rows) {
    const std::size_t half = rows.size() / 2;
    ASSERT_TRUE(real.node().staging().add(StreamId(1), std::span(rows).first(half)).ok());
    ASSERT_TRUE(real.node().staging().add(StreamId(1), std::span(rows).subspan(half)).ok());
  }
  void crash(std::uint64_t draw) {
    real.lose_power({static_cast<Unsynced>(draw % unsynced_kinds_recovered), draw / unsynced_kinds_recovered});
  }
};

}  // namespace chasqui::conformance
