// A node's side of the streams that it pulls: each brings one shard's state from another node, to be put in the place
// of the one here.
//
//   waiting -> pulling -> staging -> pulling -> ... -> staged -> ingesting -> gone
//
// A part that does not come is asked for again, from the last key got; if the source has let go of its snapshot, all
// begins anew. What stands still for stream_idle_ms (two stream_answer_ms if the link is down) is given up: the replica
// goes on from its log, and is offered a snapshot again, by whoever leads then. Only ingesting cannot be given up: what
// the disk makes of it is not known. Bounded: streams_in_max at once, one part of each under way.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/base/random.h"
#include "core/io.h"
#include "proto/peer.pb.h"

namespace chasqui::replica {

class SnapshotSink {
 public:
  explicit SnapshotSink(const Limits& limits) : limits_(limits) {}  // outlive it

  void install(Now now, ShardId shard, NodeId from, Snapshot descriptor, Random& random, StreamId& last_stream,
               chasqui::Outputs& out);
  void chunk(Now now, NodeId from, peer::SnapshotChunk& chunk, Random& random, StreamId& last_stream,
             chasqui::Outputs& out);
  void refused(Now now, NodeId from, const peer::SnapshotRefusal& refusal, Random& random, StreamId& last_stream,
               chasqui::Outputs& out);
  void reachable(Now now, NodeId node, Random& random, StreamId& last_stream, chasqui::Outputs& out);
  // Its process is dead, and its snapshot with it; or only its link is down: soon another may have to lead, with our
  // vote.
  void unreachable(Now now, NodeId node, bool is_dead, chasqui::Outputs& out);
  void rows_written(Now now, const StreamRowsWritten& written, chasqui::Outputs& out);
  void tick(Now now, Random& random, StreamId& last_stream, chasqui::Outputs& out);
  [[nodiscard]] MonoTime next_deadline() const;

  // Shards whose state is staged whole, and shards that are given up: the owner ingests or drops each when its replica
  // and its own queues allow it, and is asked again until then.
  [[nodiscard]] std::vector<ShardId> staged() const;
  [[nodiscard]] std::vector<ShardId> given_up() const;
  void ingest(ShardId shard, chasqui::Outputs& out);
  // Somebody wants to lead the shard, and its leader is silent: a stream of another node that stands still as well is
  // given up. (The source itself may ask, having lost its majority: its stream may be all that is missing for one.)
  void vote_wanted(Now now, ShardId shard, NodeId candidate, chasqui::Outputs& out);
  void give_up_pulling(chasqui::Outputs& out);  // the disk is nearly full
  void drop(ShardId shard);

  struct Done {
    ShardId shard;
    Ingested ingested;
  };
  // The state is in its place. nullopt: of no stream of ours.
  [[nodiscard]] std::optional<Done> ingested(const StreamIngested& answer, chasqui::Outputs& out);
  [[nodiscard]] bool empty() const { return streams_.empty(); }
  [[nodiscard]] std::size_t size() const { return streams_.size(); }

 private:
  enum class State : std::uint8_t { Waiting, Pulling, Writing, Staged, Ingesting, GivenUp };
  struct Stream {
    State state = State::Waiting;
    NodeId from;
    Snapshot descriptor;
    StreamId local;
    std::uint64_t drawn = 0;
    std::uint32_t part = 0;  // wanted, or being written
    std::string after;
    std::string upto;  // of the part being written
    bool last = false;
    RaftIndex applied;  // as its numbers say; 0: not seen yet
    MonoTime due;       // Waiting: to begin; Pulling: to ask again
    MonoTime moved_at;
    bool unreachable = false;
    std::uint32_t ingests = 1;  // to be answered
  };
  using Streams = absl::btree_map<ShardId, Stream>;

  // Its source has still to give something: such a stream may be given up.
  [[nodiscard]] static bool waits(const Stream& stream) {
    return stream.state == State::Waiting || stream.state == State::Pulling;
  }
  void begin_some(Now now, Random& random, StreamId& last_stream, chasqui::Outputs& out);
  void begin_anew(Now now, Stream& stream, Duration after, chasqui::Outputs& out);
  void pull(Now now, ShardId shard, Stream& stream, chasqui::Outputs& out);
  static void give_up(ShardId shard, Stream& stream, chasqui::Outputs& out);
  // False: it is not what was asked for, or no shard's state looks like that.
  [[nodiscard]] static bool is_sound(ShardId shard, const Stream& stream, const peer::SnapshotChunk& chunk,
                                     RaftIndex& applied);
  Stream* waited_for(NodeId from, ShardId shard, std::uint64_t drawn, std::uint32_t part);
  [[nodiscard]] MonoTime patience(const Stream& stream) const;
  [[nodiscard]] Duration ms(std::uint64_t value) const { return milliseconds(static_cast<std::int64_t>(value)); }

  const Limits& limits_;
  Streams streams_;
};

}  // namespace chasqui::replica
