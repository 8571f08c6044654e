#include "core/replica/snapshot_sink.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/replica/ingested_row.h"
#include "core/replica/snapshot_chunk.h"
#include "proto/state.pb.h"

namespace chasqui::replica {
namespace {

void send(NodeId to, const peer::SnapshotPull& pull, chasqui::Outputs& out) {
  peer::PeerFrame frame;
  *frame.mutable_snapshot_pull() = pull;
  out.push_back(PeerSend{to, frame.SerializeAsString()});
}

}  // namespace

void SnapshotSink::install(Now now, ShardId shard, NodeId from, Snapshot descriptor, Random& random,
                           StreamId& last_stream, chasqui::Outputs& out) {
  CHASQUI_ASSERT(!streams_.contains(shard), "a replica installs one snapshot at a time");
  Stream stream;
  stream.from = from;
  stream.descriptor = std::move(descriptor);
  stream.due = stream.moved_at = now.mono;
  out.push_back(Note{NoteKind::SnapshotWanted, shard, {}, from.value(), stream.descriptor.index.value()});
  streams_.emplace(shard, std::move(stream));
  begin_some(now, random, last_stream, out);
}

void SnapshotSink::begin_some(Now now, Random& random, StreamId& last_stream, chasqui::Outputs& out) {
  std::uint64_t running = 0;
  for (const auto& [shard, stream] : streams_) {
    running += stream.state != State::Waiting && stream.state != State::GivenUp ? 1 : 0;
  }
  for (auto& [shard, stream] : streams_) {
    if (running >= limits_.streams_in_max) return;
    if (stream.state != State::Waiting || stream.due > now.mono) continue;
    ++running;
    last_stream = last_stream.next();
    stream.local = last_stream;
    stream.drawn = random.next_64();
    stream.part = 0;
    stream.after.clear();
    stream.applied = RaftIndex();
    pull(now, shard, stream, out);
  }
}

void SnapshotSink::pull(Now now, ShardId shard, Stream& stream, chasqui::Outputs& out) {
  stream.state = State::Pulling;
  stream.due = now.mono + ms(limits_.stream_answer_ms);
  peer::SnapshotPull asked;
  asked.set_shard(static_cast<std::uint32_t>(shard.value()));
  asked.set_stream(stream.drawn);
  asked.set_index(stream.descriptor.index.value());
  asked.set_part(stream.part);
  asked.set_after(stream.after);
  send(stream.from, asked, out);
}

SnapshotSink::Stream* SnapshotSink::waited_for(NodeId from, ShardId shard, std::uint64_t drawn, std::uint32_t part) {
  const auto found = streams_.find(shard);
  if (found == streams_.end()) return nullptr;
  Stream& stream = found->second;
  const bool is_it = stream.state == State::Pulling && stream.from == from && stream.drawn == drawn;
  return is_it && stream.part == part ? &stream : nullptr;
}

bool SnapshotSink::is_sound(ShardId shard, const Stream& stream, const peer::SnapshotChunk& chunk, RaftIndex& applied) {
  if (chunk_crc(chunk) != chunk.crc()) return false;
  std::string_view before = stream.after;
  for (const auto& row : chunk.rows()) {
    const auto key = keys::parse(row.key());
    if (!key || key->shard != shard || key->kind == keys::Kind::Ingested || row.key() <= before) return false;
    before = row.key();
    if (key->kind != keys::Kind::Numbers) continue;
    state::Shard numbers;
    if (!numbers.ParseFromString(row.value())) return false;
    applied = RaftIndex(numbers.applied_index());
  }
  if (chunk.upto() < before || chunk.upto() >= keys::shard_end(shard)) return false;
  if (!chunk.last()) return chunk.upto() > stream.after;
  return applied >= stream.descriptor.index;
}

void SnapshotSink::chunk(Now now, NodeId from, peer::SnapshotChunk& chunk, Random& random, StreamId& last_stream,
                         chasqui::Outputs& out) {
  const ShardId shard(chunk.shard());
  Stream* stream = waited_for(from, shard, chunk.stream(), chunk.part());
  if (stream == nullptr) return;
  RaftIndex applied = stream->applied;
  if (!is_sound(shard, *stream, chunk, applied)) {
    CHASQUI_MARK("chunk_unsound");
    begin_anew(now, *stream, ms(limits_.stream_answer_ms), out);
    return begin_some(now, random, last_stream, out);
  }
  stream->applied = applied;
  stream->upto = std::move(*chunk.mutable_upto());
  stream->last = chunk.last();
  stream->state = State::Writing;
  stream->moved_at = now.mono;
  StreamWrite write{stream->local, {}};
  write.rows.reserve(static_cast<std::size_t>(chunk.rows_size()));
  for (auto& row : *chunk.mutable_rows()) {
    write.rows.push_back({std::move(*row.mutable_key()), std::move(*row.mutable_value())});
  }
  out.push_back(std::move(write));
}

void SnapshotSink::refused(Now now, NodeId from, const peer::SnapshotRefusal& refusal, Random& random,
                           StreamId& last_stream, chasqui::Outputs& out) {
  Stream* stream = waited_for(from, ShardId(refusal.shard()), refusal.stream(), refusal.part());
  if (stream == nullptr) return;
  const bool busy = refusal.reason() == peer::SnapshotRefusal::BUSY;
  CHASQUI_MARK("stream_refused");
  // Not all at the same moment, if many wait for one.
  begin_anew(now, *stream, busy ? milliseconds(200 + static_cast<std::int64_t>(random.next_64() % 300)) : Duration{},
             out);
  begin_some(now, random, last_stream, out);
}

void SnapshotSink::begin_anew(Now now, Stream& stream, Duration after, chasqui::Outputs& out) {
  out.push_back(StreamClose{stream.local});
  stream.state = State::Waiting;
  stream.due = now.mono + after;
}

void SnapshotSink::reachable(Now now, NodeId node, Random& random, StreamId& last_stream, chasqui::Outputs& out) {
  for (auto& [shard, stream] : streams_) {
    if (stream.from != node) continue;
    stream.unreachable = false;
    if (stream.state == State::Pulling) stream.due = now.mono;
  }
  tick(now, random, last_stream, out);
}

void SnapshotSink::unreachable(Now now, NodeId node, bool is_dead, chasqui::Outputs& out) {
  for (auto& [shard, stream] : streams_) {
    if (stream.from != node) continue;
    stream.unreachable = true;
    stream.moved_at = now.mono;  // patience begins now
    if (is_dead && waits(stream)) give_up(shard, stream, out);
  }
}

MonoTime SnapshotSink::patience(const Stream& stream) const {
  return stream.moved_at + (stream.unreachable ? ms(2 * limits_.stream_answer_ms) : ms(limits_.stream_idle_ms));
}

void SnapshotSink::rows_written(Now now, const StreamRowsWritten& written, chasqui::Outputs& out) {
  for (auto& [shard, stream] : streams_) {
    if (stream.local != written.stream || stream.state != State::Writing) continue;
    stream.moved_at = now.mono;
    stream.after = std::move(stream.upto);
    ++stream.part;
    if (stream.last) {
      CHASQUI_MARK("state_staged");
      stream.state = State::Staged;
    } else {
      CHASQUI_MARK("stream_goes_on");
      pull(now, shard, stream, out);
    }
    return;
  }
}

void SnapshotSink::give_up(ShardId shard, Stream& stream, chasqui::Outputs& out) {
  CHASQUI_MARK("stream_given_up");
  if (stream.state == State::Pulling) out.push_back(StreamClose{stream.local});
  stream.state = State::GivenUp;
  out.push_back(Note{NoteKind::SnapshotGivenUp, shard, {}, stream.from.value(), 0});
}

void SnapshotSink::vote_wanted(Now now, ShardId shard, NodeId candidate, chasqui::Outputs& out) {
  const auto it = streams_.find(shard);
  if (it == streams_.end() || it->second.from == candidate) return;
  Stream& stream = it->second;
  if (!waits(stream)) return;
  if (stream.moved_at + ms(limits_.election_timeout_ms) > now.mono) return;
  CHASQUI_MARK("stream_left_for_vote");
  give_up(shard, stream, out);
}

void SnapshotSink::give_up_pulling(chasqui::Outputs& out) {
  for (auto& [shard, stream] : streams_) {
    if (waits(stream)) give_up(shard, stream, out);
  }
}

void SnapshotSink::tick(Now now, Random& random, StreamId& last_stream, chasqui::Outputs& out) {
  for (auto& [shard, stream] : streams_) {
    if (waits(stream) && patience(stream) <= now.mono) {
      give_up(shard, stream, out);
    } else if (stream.state == State::Pulling && stream.due <= now.mono) {
      CHASQUI_MARK("part_asked_again");
      pull(now, shard, stream, out);
    }
  }
  begin_some(now, random, last_stream, out);
}

MonoTime SnapshotSink::next_deadline() const {
  MonoTime next = MonoTime::never();
  std::uint64_t running = 0;
  for (const auto& [shard, stream] : streams_) {
    running += stream.state != State::Waiting && stream.state != State::GivenUp ? 1 : 0;
  }
  for (const auto& [shard, stream] : streams_) {
    if (!waits(stream)) continue;
    next = earlier(next, patience(stream));
    if (stream.state == State::Pulling || running < limits_.streams_in_max) next = earlier(next, stream.due);
  }
  return next;
}

std::vector<ShardId> SnapshotSink::staged() const {
  std::vector<ShardId> shards;
  for (const auto& [shard, stream] : streams_) {
    if (stream.state == State::Staged) shards.push_back(shard);
  }
  return shards;
}

std::vector<ShardId> SnapshotSink::given_up() const {
  std::vector<ShardId> shards;
  for (const auto& [shard, stream] : streams_) {
    if (stream.state == State::GivenUp) shards.push_back(shard);
  }
  return shards;
}

void SnapshotSink::ingest(ShardId shard, chasqui::Outputs& out) {
  Stream& stream = streams_.at(shard);
  CHASQUI_ASSERT(stream.state == State::Staged, "only a whole state is ingested");
  stream.state = State::Ingesting;
  const std::string begin = keys::shard_begin(shard);
  const std::string end = keys::shard_end(shard);
  const Row own{keys::ingested(shard), ingested_row({stream.descriptor, stream.applied})};
  if (CHASQUI_CANARY("ingest_in_two")) {  // conversations and the feed first
    const std::string middle = keys::numbers(shard);
    stream.ingests = 3;
    out.push_back(StreamIngest{stream.local, begin, middle, {}});
    out.push_back(StreamIngest{stream.local, middle, end, {}});
    out.push_back(StreamIngest{stream.local, own.key, own.key + '\0', {own}});
    return;
  }
  out.push_back(StreamIngest{stream.local, begin, end, {own}});
}

void SnapshotSink::drop(ShardId shard) {
  const auto found = streams_.find(shard);
  CHASQUI_ASSERT(found != streams_.end() && found->second.state == State::GivenUp, "it was given up");
  streams_.erase(found);
}

std::optional<SnapshotSink::Done> SnapshotSink::ingested(const StreamIngested& answer, chasqui::Outputs& out) {
  for (auto it = streams_.begin(); it != streams_.end(); ++it) {
    auto& [shard, stream] = *it;
    if (stream.local != answer.stream || stream.state != State::Ingesting) continue;
    CHASQUI_MARK("state_ingested");
    if (--stream.ingests > 0) return std::nullopt;
    out.push_back(StreamClose{stream.local});
    peer::SnapshotPull done;
    done.set_shard(static_cast<std::uint32_t>(shard.value()));
    done.set_stream(stream.drawn);
    done.set_done(true);
    send(stream.from, done, out);
    out.push_back(Note{NoteKind::SnapshotTaken, shard, {}, stream.descriptor.index.value(), stream.part});
    Done result{shard, {stream.descriptor, stream.applied}};
    streams_.erase(it);
    return result;
  }
  return std::nullopt;
}

}  // namespace chasqui::replica
