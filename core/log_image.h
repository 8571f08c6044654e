// The log as values: what is appended to it, and what it holds when a node starts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ids.h"

namespace chasqui {

enum class EntryType : std::uint8_t { Command = 1, Barrier = 2, Change = 3 };

struct LogEntry {
  RaftTerm term;
  EntryType type = EntryType::Command;
  // A log.Entry for Command, nothing for Barrier, a peer.Configuration for Change. Shared, never changed: the log's
  // tail in memory, the append under way and the message to a peer hold the same bytes.
  std::shared_ptr<const std::string> payload;
};

struct HardState {
  RaftTerm term;
  ReplicaId vote;  // 0: none
  friend bool operator==(const HardState&, const HardState&) = default;
};

struct Snapshot {   // a descriptor: the state itself is the store
  RaftIndex index;  // 0: none
  RaftTerm term;
  std::string configuration;  // a serialized peer.Configuration
  RaftIndex configuration_index;
};

// What a shard's state says of itself (row `L ingested`) since it was replaced by another replica's: the descriptor it
// was offered with, and how far it was applied, which may be further. The log is made to fit by the next write: a crash
// before it leaves a log that ends before the state begins.
struct Ingested {
  Snapshot descriptor;
  RaftIndex applied;
};

// One shard's part of the log, as read at start. The log holds at least all that was acknowledged; what was never
// acknowledged may be absent or there.
struct ReplicaImage {
  ShardId shard;
  HardState hard_state;
  Snapshot snapshot;
  RaftIndex first_index{1};       // of entries.front(), or of the next entry if there are none
  std::vector<LogEntry> entries;  // without a gap
};

// Changes to one shard's log, atomic, applied in this order: reset, hard_state, snapshot, entries, drop_below.
struct LogAppend {
  AppendId id;  // counts up by one over all shards of the node
  ShardId shard;
  bool reset = false;  // drop all entries first (a snapshot was installed)
  std::optional<HardState> hard_state;
  std::optional<Snapshot> snapshot;
  RaftIndex first_index;          // of `entries`; everything at or above it that was there before is dropped
  std::vector<LogEntry> entries;  // empty: nothing is dropped
  RaftIndex drop_below;           // entries with a lower index are not needed any more; 0: says nothing
};

}  // namespace chasqui
