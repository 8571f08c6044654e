// A node's side of the streams that others pull: which snapshots of the store it keeps, how fast it reads them.
//
// A stream is (node, shard); it is answered part by part from one snapshot, which is closed when the other side is
// done, when nothing was pulled for stream_idle_ms, or when the shard loses it (the log kept back for it grew too
// large). A part may be pulled again: whoever lost a link goes on at the last key it got.
// Bounded: streams_out_max streams, one read of each under way, stream_bytes_per_s over all.
#pragma once

#include <cstdint>

#include "absl/container/btree_map.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/io.h"
#include "proto/peer.pb.h"

namespace chasqui::replica {

class SnapshotSource {
 public:
  explicit SnapshotSource(const Limits& limits) : limits_(limits) {}  // outlive it

  // `applied`: what the shard's state here has applied. `last_stream` counts the node's streams.
  void pull(Now now, NodeId from, const peer::SnapshotPull& pull, RaftIndex applied, StreamId& last_stream,
            chasqui::Outputs& out);
  void rows_read(Now now, StreamRowsRead& read, chasqui::Outputs& out);
  void tick(Now now, chasqui::Outputs& out);
  [[nodiscard]] MonoTime next_deadline() const;

  // The lowest index above which the shard's log is wanted by who pulls; 0: by nobody.
  [[nodiscard]] RaftIndex holds(ShardId shard) const;
  void lose(ShardId shard, chasqui::Outputs& out);
  [[nodiscard]] bool empty() const { return streams_.empty(); }

 private:
  struct Stream {
    StreamId local;
    std::uint64_t drawn = 0;  // by who pulls
    RaftIndex index;
    std::uint32_t part = 0;
    std::string after;
    bool wanted = false;   // a part is asked for, and waits for its turn
    bool reading = false;  // and is being read
    std::uint64_t parts = 0;
    MonoTime pulled_at;
  };
  using Streams = absl::btree_map<std::pair<NodeId, ShardId>, Stream>;

  void read_some(Now now, chasqui::Outputs& out);
  Streams::iterator close(Streams::iterator stream, NoteKind why, chasqui::Outputs& out);

  const Limits& limits_;
  Streams streams_;
  MonoTime free_at_;  // when what was sent before has had its time
  bool sent_any_ = false;
};

}  // namespace chasqui::replica
