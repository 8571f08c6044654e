// A node of the production core on virtual hardware: its disks, its CPU, its clocks. The world drives it.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "core/base/hash_index.h"
#include "core/io.h"
#include "core/node.h"
#include "sim/disk/sim_log.h"
#include "sim/disk/sim_store.h"
#include "sim/event_queue.h"

namespace chasqui::sim {

constexpr std::int64_t wall_at_start_ms = 1'767'225'600'000;  // 2026-01-01
constexpr Time no_time = std::numeric_limits<Time>::max();

struct VirtualNode {
  std::uint32_t index = 0;

  // The disks outlive the process.
  SimStore store;
  SimLog log;

  // The process; none while it is down.
  std::unique_ptr<Node> node;
  std::uint64_t incarnation = 0;
  std::uint64_t last_session = 0;
  std::uint64_t last_call = 0;
  HashIndex<std::uint64_t, std::uint64_t> connection_of;  // session -> connection
  std::map<std::uint64_t, std::uint32_t> caller_of;       // call -> device

  // The event of each append that is not acknowledged yet; kept only while somebody wants to know causes.
  std::map<AppendId, std::uint64_t> append_causes;

  // Its CPU: one step at a time, inputs wait meanwhile.
  std::deque<Input> inbox;
  std::deque<std::uint64_t> inbox_causes;  // of each, the event during which it came
  Time free_at = 0;
  Time frozen_until = 0;
  bool run_pending = false;
  Time wake_at = no_time;        // the wake that counts
  Time measured_at = 0;          // I26
  std::uint64_t late_ticks = 0;  // in a row, each with the deadline still in the past: it spins

  // Its clocks.
  Time mono_offset = 0;
  std::int64_t wall_offset_ms = 0;
  std::int64_t drift_ppm = 0;  // how much faster they run than time does
  Time risen_at = 0;           // since when the monotonic one has counted
  Time wall_frozen_until = 0;
  std::int64_t wall_frozen_ms = 0;

  // Its disks' moods.
  Time stuck_until = 0;
  Time slow_until = 0;
  std::uint64_t slow_factor = 1;
  std::uint64_t flush_version = 0;  // of the flush under way
  std::vector<StoreFlushed::Shard> flush_applied;
  Time full_until = 0;              // its disk is nearly full: contents are refused
  Time behind_until = 0;            // its store falls behind
  Time no_room_until = 0;           // its log finds no room
  Pressure told;                    // what the process knows of these
  bool sync_finds_no_room = false;  // the sync under way
  bool sync_fails = false;          // the next sync to end fails, and the node is down for
  Time sync_fails_down = 0;

  // Its CPU's mood.
  Time cpu_slow_until = 0;
  std::uint64_t cpu_factor = 1;

  // Beyond the promise. `guard` is kept in the class beyond only.
  SimGuard guard;
  struct Image {  // of the disk, before it began to lie
    SimLog log;
    SimGuard guard;
    std::uint64_t version = 0;  // of the store
  };
  std::optional<Image> image;
  bool damaged = false;  // a record of its log is
  std::string lost;      // what it had acknowledged and its disk has no more
  bool refused = false;  // it has said DATA_LOSS, or its disk was emptied and the others refuse it
  bool wiped = false;

  // As a node of a cluster.
  struct Wrote {  // in the step under way
    ShardId shard;
    RaftIndex index;
    std::uint64_t digest = 0;
    bool whole = false;  // the state came as a whole: of entries below it nothing is known here
  };
  std::vector<Wrote> wrote;
  std::map<ShardId, RaftIndex> applied_up_to;
  std::set<ShardId> leads;

  // Reads and hashings under way, by token.
  struct PendingRead {
    Read asked;
    std::optional<ReadDone> done;  // none: it is read when it is served
  };
  std::map<std::uint64_t, PendingRead> reads;
  std::map<std::uint64_t, PasswordHashed> passwords;

  // Shards' states on their way to others and from them: rows as they were, rows that are staged, and what is under
  // way, by token.
  std::map<StreamId, SimStore::Rows> frozen;
  std::map<StreamId, std::vector<Row>> staged;
  std::map<std::uint64_t, std::variant<StreamRead, StreamWrite, StreamIngest>> stream_jobs;
  Time streams_free_at = 0;

  [[nodiscard]] bool up() const { return node != nullptr; }
  [[nodiscard]] Now now(Time at) const;
  // The first moment at which its monotonic clock shows `deadline`.
  [[nodiscard]] Time when(MonoTime deadline) const;
  // Why it must not start with this disk, as storage/node_store.cc would find; empty: it may.
  [[nodiscard]] std::string data_loss(std::uint32_t shards) const;
  // Raft index up to which the store's state is applied, for each shard that has any.
  [[nodiscard]] std::vector<StoreFlushed::Shard> applied(std::uint32_t shards) const;
  [[nodiscard]] ReadDone serve(const Read& read) const;
  // Whether a log that ends before the state's applied index is as it may be: the state came from another node just
  // now.
  [[nodiscard]] bool is_as_ingested(const StoreFlushed::Shard& shard) const;
  // The process is gone with all that was in memory. Of `survivors` and `version`: SimLog::crash, SimStore::rewind.
  void kill();
};

}  // namespace chasqui::sim
