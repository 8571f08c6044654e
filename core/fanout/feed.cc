#include "core/fanout/feed.h"

#include "core/base/check.h"
#include "core/base/points.h"

namespace chasqui::fanout {

Feed::Feed(ShardId shard, ShardCount shards, const Limits& limits) : shard_(shard), shards_(shards), limits_(limits) {}

void Feed::lead(RaftTerm term, RaftIndex cursor, RaftIndex last) {
  follow();
  leads_ = true;
  term_ = term;
  cursor_ = cursor;
  last_ = last;
  unread_from_ = cursor;
  unread_to_ = last;
}

void Feed::follow() {
  leads_ = false;
  reading_ = false;
  rows_.clear();
  open_.clear();
  sent_.clear();
  outstanding_ = 0;
  rows_done_ = 0;
  unread_from_ = unread_to_ = RaftIndex();
}

void Feed::add(RaftIndex index, const state::Feed& row, const std::vector<FreshEvent>& events) {
  if (!leads_) return;
  CHASQUI_ASSERT(index > last_, "rows come in the order of their entries");
  last_ = index;
  // Once one row waits in the store, all later ones do: they are read in order.
  if (unread_from_ < unread_to_ || reading_ || !room()) {
    CHASQUI_MARK("feed_full");
    if (unread_from_ >= unread_to_ && !reading_) unread_from_ = RaftIndex(index.value() - 1);
    unread_to_ = index;
    return;
  }
  for (const state::FeedItem& item : row.items()) {
    const auto conversation = ConversationId::parse(item.conversation());
    if (!conversation) continue;
    // A row tells the last head of the entry; earlier events of the same conversation ride before it.
    const std::string* last_event = nullptr;
    for (const FreshEvent& event : events) {
      if (item.head() == 0 || event.conversation != *conversation) continue;
      if (event.seq.value() == item.head()) {
        last_event = &event.bytes;
        continue;
      }
      state::FeedItem earlier = item;
      earlier.set_head(event.seq.value());
      add_item(index, earlier, &event.bytes);
    }
    add_item(index, item, last_event);
  }
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

void Feed::add_item(RaftIndex index, const state::FeedItem& item, const std::string* event) {
  Batch* batch = &batch_for(shard_of(UserId(item.user()), shards_));
  if (static_cast<std::uint64_t>(batch->frame.items_size()) >= limits_.feed_batch_items_max) {
    const ShardId destination(batch->frame.to_shard());
    Batch full = std::move(*batch);
    open_.erase(destination);
    sent_.emplace(full.frame.batch(), std::move(full));
    batch = &batch_for(destination);
  }
  peer::NotifyItem& notify = *batch->frame.add_items();
  notify.set_user(item.user());
  notify.set_conversation(item.conversation());
  notify.set_head(item.head());
  notify.set_read(item.read());
  if (event != nullptr) notify.set_event(*event);
  batch->rows.push_back(index);
  ++rows_[index];
  ++outstanding_;
}

void Feed::take_batches(Now now, std::vector<peer::NotifyBatch>& batches) {
  for (auto& [id, batch] : sent_) {
    if (batch.sent && batch.sent_at + resend_after > now.mono) continue;
    if (batch.sent) CHASQUI_MARK("batch_resent");
    batches.push_back(batch.frame);
    // The events were for the first time only: whoever missed them is told the head.
    for (peer::NotifyItem& item : *batch.frame.mutable_items()) item.clear_event();
    batch.sent = true;
    batch.sent_at = now.mono;
  }
  for (auto& [destination, batch] : open_) {
    batches.push_back(batch.frame);
    for (peer::NotifyItem& item : *batch.frame.mutable_items()) item.clear_event();
    batch.sent = true;
    batch.sent_at = now.mono;
    const std::uint64_t id = batch.frame.batch();
    sent_.emplace(id, std::move(batch));
  }
  open_.clear();
}

void Feed::acknowledged(const peer::NotifyAck& ack) {
  if (!leads_ || ack.from_term() != term_.value()) return;
  for (const std::uint64_t named : ack.batches()) {
    // By position: the oldest one that went to that shard, whichever was meant.
    std::uint64_t id = named;
    for (const auto& [older, batch] : sent_) {
      if (!CHASQUI_CANARY("ack_position") || batch.frame.to_shard() != ack.to_shard()) continue;
      id = older;
      break;
    }
    const auto it = sent_.find(id);
    if (it == sent_.end() || it->second.frame.to_shard() != ack.to_shard()) continue;
    for (const RaftIndex index : it->second.rows) {
      const auto row = rows_.find(index);
      CHASQUI_ASSERT(row != rows_.end() && row->second > 0, "an outstanding item belongs to an outstanding row");
      --outstanding_;
      if (--row->second == 0) {
        rows_.erase(row);
        ++rows_done_;
      }
    }
    sent_.erase(it);
  }
}

void Feed::resend_to(ShardId destination) {
  for (auto& [id, batch] : sent_) {
    if (batch.frame.to_shard() == destination.value()) batch.sent = false;
  }
}

void Feed::rows_read(const std::vector<StoredRow>& rows, bool more) {
  if (!leads_) return;
  reading_ = false;
  for (const StoredRow& row : rows) {
    if (row.index <= unread_from_ || row.index > unread_to_) continue;
    for (const state::FeedItem& item : row.feed.items()) add_item(row.index, item, nullptr);
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

MonoTime Feed::next_deadline() const {
  if (!leads_ || sent_.empty()) return MonoTime::never();
  // Batches are few: what is not acknowledged within a linger is the exception.
  MonoTime next = MonoTime::never();
  for (const auto& [id, batch] : sent_) next = earlier(next, batch.sent ? batch.sent_at + resend_after : MonoTime{});
  return next;
}

}  // namespace chasqui::fanout
