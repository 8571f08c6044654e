#include "core/replica/snapshot_source.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/replica/snapshot_chunk.h"
#include "proto/state.pb.h"

namespace chasqui::replica {
namespace {

void refuse(NodeId to, const peer::SnapshotPull& pull, peer::SnapshotRefusal::Reason reason, chasqui::Outputs& out) {
  peer::PeerFrame frame;
  auto* refusal = frame.mutable_snapshot_refusal();
  refusal->set_shard(pull.shard());
  refusal->set_stream(pull.stream());
  refusal->set_part(pull.part());
  refusal->set_reason(reason);
  out.push_back(PeerSend{to, frame.SerializeAsString()});
}

// Canary snapshot_no_outbox: what a conversation remembers of those who send.
void forget_answers(Row& row) {
  state::Header header;
  if (!header.ParseFromString(row.value)) return;
  for (state::DirectMember& member : *header.mutable_members()) member.clear_senders();
  row.value = header.SerializeAsString();
}

}  // namespace

void SnapshotSource::pull(Now now, NodeId from, const peer::SnapshotPull& pull, RaftIndex applied,
                          StreamId& last_stream, chasqui::Outputs& out) {
  const ShardId shard(pull.shard());
  auto found = streams_.find({from, shard});
  if (pull.done()) {
    if (found != streams_.end() && found->second.drawn == pull.stream()) close(found, NoteKind::SnapshotServed, out);
    return read_some(now, out);
  }
  if (found != streams_.end() && found->second.drawn != pull.stream()) {
    CHASQUI_MARK("stream_left_for_another");
    if (pull.part() != 0) return refuse(from, pull, peer::SnapshotRefusal::GONE, out);
    close(found, NoteKind::SnapshotLost, out);  // it has begun anew
    found = streams_.end();
  }
  if (found == streams_.end()) {
    if (pull.part() != 0) return refuse(from, pull, peer::SnapshotRefusal::GONE, out);
    // A state behind its own descriptor comes forward again by itself.
    if (streams_.size() >= limits_.streams_out_max || applied.value() < pull.index()) {
      return refuse(from, pull, peer::SnapshotRefusal::BUSY, out);
    }
    last_stream = last_stream.next();
    Stream stream;
    stream.local = last_stream;
    stream.drawn = pull.stream();
    stream.index = RaftIndex(pull.index());
    out.push_back(StreamOpen{stream.local});
    found = streams_.emplace(std::pair(from, shard), std::move(stream)).first;
  }
  Stream& stream = found->second;
  stream.pulled_at = now.mono;
  if (stream.reading) return;  // the same part again; any other is asked for when this one has come
  stream.part = pull.part();
  stream.after = pull.after();
  stream.wanted = true;
  read_some(now, out);
}

// Whoever has waited longest is next, when the bytes that were sent before have had their time.
void SnapshotSource::read_some(Now now, chasqui::Outputs& out) {
  while (!sent_any_ || free_at_ <= now.mono) {
    auto next = streams_.end();
    for (auto it = streams_.begin(); it != streams_.end(); ++it) {
      if (!it->second.wanted || it->second.reading) continue;
      if (next == streams_.end() || it->second.pulled_at < next->second.pulled_at) next = it;
    }
    if (next == streams_.end()) return;
    const ShardId shard = next->first.second;
    Stream& stream = next->second;
    stream.wanted = false;
    stream.reading = true;
    RangeRead range;
    range.begin = stream.after.empty() ? keys::shard_begin(shard) : stream.after + '\0';
    range.end = keys::shard_end(shard);
    range.rows_max = limits_.stream_part_bytes / 16;
    range.bytes_max = limits_.stream_part_bytes;
    out.push_back(StreamRead{stream.local, std::move(range)});
    // Counted now, as a full part: the next may be read meanwhile, but not more than the rate allows.
    const std::uint64_t rate = std::max<std::uint64_t>(limits_.stream_bytes_per_s, 1);
    const Duration takes{static_cast<std::int64_t>(limits_.stream_part_bytes * 1'000'000 / rate * 1'000)};
    free_at_ = (sent_any_ ? std::max(free_at_, now.mono) : now.mono) + takes;
    sent_any_ = true;
  }
}

void SnapshotSource::rows_read(Now now, StreamRowsRead& read, chasqui::Outputs& out) {
  const auto found = std::find_if(streams_.begin(), streams_.end(),
                                  [&](const auto& stream) { return stream.second.local == read.stream; });
  if (found == streams_.end() || !found->second.reading) return;
  auto& [where, stream] = *found;
  stream.reading = false;
  ++stream.parts;
  peer::PeerFrame frame;
  auto* chunk = frame.mutable_snapshot_chunk();
  chunk->set_shard(static_cast<std::uint32_t>(where.second.value()));
  chunk->set_stream(stream.drawn);
  chunk->set_part(stream.part);
  chunk->set_last(!read.result.more);
  chunk->set_upto(read.result.rows.empty() ? stream.after : read.result.rows.back().key);
  for (Row& row : read.result.rows) {
    const auto key = keys::parse(row.key);
    if (key && key->kind == keys::Kind::Ingested) continue;  // of this replica alone
    if (CHASQUI_CANARY("snapshot_no_outbox") && key && key->kind == keys::Kind::Header) forget_answers(row);
    if (CHASQUI_CANARY("snapshot_no_cursor") && key && key->kind == keys::Kind::Feed) continue;
    auto* added = chunk->add_rows();
    added->set_key(std::move(row.key));
    added->set_value(std::move(row.value));
  }
  chunk->set_crc(chunk_crc(*chunk));
  out.push_back(PeerSend{where.first, frame.SerializeAsString()});
  // Kept after the last part too, until the other side is done: it may be lost on the way, and asked for again.
  read_some(now, out);
}

void SnapshotSource::tick(Now now, chasqui::Outputs& out) {
  for (auto it = streams_.begin(); it != streams_.end();) {
    const bool idle =
        now.mono - it->second.pulled_at >= milliseconds(static_cast<std::int64_t>(limits_.stream_idle_ms));
    if (idle && !it->second.reading) CHASQUI_MARK("stream_idle");
    it = idle && !it->second.reading ? close(it, NoteKind::SnapshotLost, out) : std::next(it);
  }
  read_some(now, out);
}

MonoTime SnapshotSource::next_deadline() const {
  MonoTime next = MonoTime::never();
  for (const auto& [where, stream] : streams_) {
    if (stream.reading) continue;  // the answer comes
    next = earlier(next, stream.pulled_at + milliseconds(static_cast<std::int64_t>(limits_.stream_idle_ms)));
    if (stream.wanted) next = earlier(next, free_at_);
  }
  return next;
}

RaftIndex SnapshotSource::holds(ShardId shard) const {
  RaftIndex lowest;
  for (const auto& [where, stream] : streams_) {
    if (where.second == shard && (!lowest || stream.index < lowest)) lowest = stream.index;
  }
  return lowest;
}

void SnapshotSource::lose(ShardId shard, chasqui::Outputs& out) {
  for (auto it = streams_.begin(); it != streams_.end();) {
    if (it->first.second == shard) CHASQUI_MARK("stream_loses_its_log");
    it = it->first.second == shard ? close(it, NoteKind::SnapshotLost, out) : std::next(it);
  }
}

SnapshotSource::Streams::iterator SnapshotSource::close(Streams::iterator stream, NoteKind why, chasqui::Outputs& out) {
  out.push_back(StreamClose{stream->second.local});
  out.push_back(Note{why, stream->first.second, {}, stream->first.first.value(), stream->second.parts});
  return streams_.erase(stream);
}

}  // namespace chasqui::replica
