#include "core/fanout/feed.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/points.h"

namespace chasqui::fanout {

Feed::Feed(ShardId shard, ShardCount shards, const Limits& limits)
    : shard_(shard), shards_(shards), limits_(limits), unparking_(limits) {}

void Feed::lead(RaftTerm term, RaftIndex cursor, RaftIndex last) {
  follow();
  leads_ = true;
  term_ = term;
  cursor_ = cursor;
  last_ = last;
  unread_from_ = cursor;
  unread_to_ = last;
  unparking_.lead();
}

void Feed::follow() {
  leads_ = false;
  reading_ = false;
  rows_.clear();
  open_.clear();
  sent_.clear();
  due_.clear();
  destinations_.clear();
  parking_.clear();
  unparking_.clear();
  kept_event_bytes_ = 0;
  outstanding_ = 0;
  rows_done_ = 0;
  unread_from_ = unread_to_ = RaftIndex();
}

Feed::Batch& Feed::batch_for(ShardId destination) {
  Batch& batch = open_[destination];
  if (batch.frame.batch() == 0) {
    batch.frame.set_from_shard(static_cast<std::uint32_t>(shard_.value()));
    batch.frame.set_to_shard(static_cast<std::uint32_t>(destination.value()));
    batch.frame.set_from_term(term_.value());
    batch.frame.set_batch(++last_batch_);
  }
  return batch;
}

Feed::Batch& Feed::batch_with_room(ShardId destination) {
  Batch& batch = batch_for(destination);
  if (batch.users < limits_.feed_batch_items_max) return batch;
  const std::uint64_t full = close(destination);
  send_at(full, sent_[full], MonoTime{});
  return batch_for(destination);
}

std::uint64_t Feed::close(ShardId destination) {
  const auto it = open_.find(destination);
  const std::uint64_t id = it->second.frame.batch();
  sent_.emplace(id, std::move(it->second));
  open_.erase(it);
  return id;
}

// ------------------------------------------------------------------------------------------------------ batches out

void Feed::send_at(std::uint64_t id, Batch& batch, MonoTime time) {
  due_.erase({batch.due, id});
  batch.due = time;
  due_.insert({time, id});
}

void Feed::take_batches(Now now, std::vector<peer::NotifyBatch>& batches) {
  std::vector<ShardId> silent;
  for (const auto& [id, destination] : destinations_) {
    if (silent_at(id, destination) <= now.mono) silent.push_back(id);
  }
  for (const ShardId destination : silent) fall_silent(destination);
  while (!open_.empty()) {
    const std::uint64_t id = close(open_.begin()->first);
    send_at(id, sent_[id], MonoTime{});
  }
  while (!due_.empty() && due_.begin()->first <= now.mono) {
    const std::uint64_t id = due_.begin()->second;
    Batch& batch = sent_[id];
    if (!batch.counted) {
      Destination& destination = destinations_[ShardId(batch.frame.to_shard())];
      if (destination.batches++ == 0) destination.heard_at = now.mono;
      batch.counted = true;
    }
    if (batch.left) CHASQUI_MARK("batch_resent");
    batches.push_back(batch.frame);
    // The events were for the first time only: whoever missed them is told the head.
    for (peer::NotifyItem& item : *batch.frame.mutable_items()) item.clear_event();
    kept_event_bytes_ -= std::exchange(batch.event_bytes, 0);
    batch.left = true;
    send_at(id, batch, now.mono + resend_after);
  }
  const std::size_t parked = batches.size();
  unparking_.take_batches(now, last_batch_, batches);
  for (std::size_t i = parked; i < batches.size(); ++i) {
    CHASQUI_MARK("parked_sent");
    batches[i].set_from_shard(static_cast<std::uint32_t>(shard_.value()));
    batches[i].set_from_term(term_.value());
  }
}

void Feed::not_sent(peer::NotifyBatch frame, Now now) {
  unparking_.not_sent(ShardId(frame.to_shard()), frame.batch(), now);
  const auto it = sent_.find(frame.batch());
  if (it == sent_.end()) return;
  std::uint64_t bytes = 0;
  for (const peer::NotifyItem& item : frame.items()) bytes += item.event().size();
  if (bytes == 0 || kept_event_bytes_ + bytes > limits_.feed_kept_event_bytes_max) return;
  CHASQUI_MARK("events_kept");
  it->second.frame = std::move(frame);
  it->second.event_bytes = bytes;
  it->second.left = false;
  kept_event_bytes_ += bytes;
}

void Feed::resend_to(ShardId id, Now now) {
  unparking_.returns(id);
  const auto destination = destinations_.find(id);
  if (destination == destinations_.end()) return;
  destination->second.silent = false;
  destination->second.heard_at = now.mono;
  for (auto& [batch_id, batch] : sent_) {
    if (batch.frame.to_shard() == id.value()) send_at(batch_id, batch, MonoTime{});
  }
}

// --------------------------------------------------------------------------------------------------------- answers

void Feed::acknowledged(const peer::NotifyAck& ack, Now now) {
  if (!leads_ || ack.from_term() != term_.value()) return;
  const ShardId from(ack.to_shard());
  unparking_.answers(from);
  if (const auto it = destinations_.find(from); it != destinations_.end()) {
    it->second.silent = false;
    it->second.heard_at = now.mono;
  }
  for (const std::uint64_t named : ack.batches()) {
    // By position: the oldest one that went to that shard, whichever was meant.
    std::uint64_t id = named;
    if (CHASQUI_CANARY("ack_position")) {
      const auto oldest = std::find_if(
          sent_.begin(), sent_.end(), [&](const auto& sent) { return sent.second.frame.to_shard() == ack.to_shard(); });
      if (oldest != sent_.end()) id = oldest->first;
    }
    unparking_.acknowledged(from, id);
    const auto it = sent_.find(id);
    if (it == sent_.end() || it->second.frame.to_shard() != ack.to_shard()) continue;
    const Batch& done = it->second;
    for (std::size_t i = 0; i < done.rows.size(); ++i) {
      const auto told = static_cast<std::uint64_t>(done.frame.items(static_cast<int>(i)).users_size());
      settle(done.rows[i], std::max<std::uint64_t>(1, told));
    }
    forget(it);
  }
  if (const auto it = destinations_.find(from); it != destinations_.end() && it->second.batches == 0) {
    destinations_.erase(it);
  }
}

void Feed::forget(Batches::iterator it) {
  Batch& batch = it->second;
  if (batch.counted) --destinations_[ShardId(batch.frame.to_shard())].batches;
  kept_event_bytes_ -= batch.event_bytes;
  due_.erase({batch.due, it->first});
  sent_.erase(it);
}

void Feed::settle(RaftIndex index, std::uint64_t items) {
  const auto row = rows_.find(index);
  CHASQUI_ASSERT(row != rows_.end() && row->second >= items, "an outstanding item belongs to an outstanding row");
  outstanding_ -= items;
  row->second -= items;
  if (row->second > 0) return;
  rows_.erase(row);
  ++rows_done_;
}

// --------------------------------------------------------------------------------------------------------- parking

bool Feed::is_silent(ShardId destination) const {
  const auto it = destinations_.find(destination);
  return it != destinations_.end() && it->second.silent;
}

// Our own shard cannot be silent alone: what would park its marks is in the log that its marks wait for.
MonoTime Feed::silent_at(ShardId id, const Destination& destination) const {
  if (destination.silent || destination.batches == 0 || id == shard_) return MonoTime::never();
  if (CHASQUI_CANARY("dead_shard_jams")) return MonoTime::never();
  return destination.heard_at + silent_after;
}

void Feed::fall_silent(ShardId id) {
  CHASQUI_MARK("destination_silent");
  destinations_[id].silent = true;
  if (open_.contains(id)) (void)close(id);
  for (auto it = sent_.begin(); it != sent_.end();) {
    const auto batch = it++;
    if (batch->second.frame.to_shard() != id.value()) continue;
    for (int i = 0; i < batch->second.frame.items_size(); ++i) {
      const peer::NotifyItem& item = batch->second.frame.items(i);
      const RaftIndex row = batch->second.rows[static_cast<std::size_t>(i)];
      if (item.users().empty()) park(UserId(item.user()), item.conversation(), Owed::of(item), row);
      for (const std::uint64_t user : item.users()) park(UserId(user), item.conversation(), Owed::of(item), row);
    }
    const std::uint64_t next = it == sent_.end() ? 0 : it->first;
    forget(batch);
    it = next == 0 ? sent_.end() : sent_.find(next);
  }
}

void Feed::park(UserId user, const std::string& conversation, const Owed& owed, RaftIndex row) {
  const auto id = ConversationId::parse(conversation);
  if (!id) return settle(row, 1);  // nobody would take it
  parking_.add(user, *id, owed, row);
}

void Feed::park_applied(const log::Park& command) {
  for (const RaftIndex row : parking_.applied()) settle(row, 1);
  for (const log::IndexMark& mark : command.marks()) {
    const auto conversation = ConversationId::parse(mark.conversation());
    if (conversation) unparking_.written(Owed::of(mark).destination(UserId(mark.user()), *conversation, shards_));
  }
}

void Feed::parked_read(const ParkedRead& read, const std::vector<ParkedRow>& rows, bool more) {
  if (!leads_ || unparking_.rows_read(read, rows, more)) return;
  // Nothing is owed to it any more, so it has nothing to answer to.
  if (is_silent(ShardId(read.destination))) destinations_.erase(ShardId(read.destination));
}

bool Feed::owes(ShardId destination) const {
  return destinations_.contains(destination) || unparking_.knows(destination);
}

void Feed::rows_read(const std::vector<StoredRow>& rows, bool more) {
  if (!leads_) return;
  reading_ = false;
  for (const StoredRow& row : rows) {
    if (row.index <= unread_from_ || row.index > unread_to_) continue;
    for (const state::FeedItem& item : row.feed.items()) {
      if (item.user() != 0) {
        add_item(row.index, item, nullptr);
        continue;
      }
      const auto members = row.members.find(item.conversation());
      if (members == row.members.end()) continue;
      add_group_item(row.index, item.conversation(), index_marks_of(item), members->second, nullptr);
    }
    unread_from_ = row.index;
  }
  // Not all of what is unread now: what was added meanwhile was not there yet for this read to find.
  if (!more) unread_from_ = std::max(unread_from_, reading_to_);
}

RaftIndex Feed::movable() const {
  if (!leads_) return cursor_;
  if (CHASQUI_CANARY("cursor_early")) return std::max(cursor_, last_);
  if (!rows_.empty()) return std::max(cursor_, RaftIndex(rows_.begin()->first.value() - 1));
  if (unread_from_ < unread_to_ || reading_) return std::max(cursor_, unread_from_);
  return std::max(cursor_, last_);
}

void Feed::cursor_moved(RaftIndex cursor) {
  cursor_ = std::max(cursor_, cursor);
  rows_done_ = 0;
}

MonoTime Feed::batches_due() const {
  if (!leads_) return MonoTime::never();
  MonoTime due = due_.empty() ? MonoTime::never() : due_.begin()->first;
  for (const auto& [id, destination] : destinations_) due = earlier(due, silent_at(id, destination));
  return earlier(due, unparking_.batches_due());
}

MonoTime Feed::next_deadline() const {
  if (!leads_) return MonoTime::never();
  return earlier(batches_due(), earlier(parking_.next_deadline(), unparking_.next_deadline()));
}

}  // namespace chasqui::fanout
