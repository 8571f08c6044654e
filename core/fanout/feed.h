// The sending side of the feed: what a shard owes to the users of other shards (and its own), until it is acknowledged.
//
// A row `F index` is written by the entry that causes it. The shard's leader sends its items in batches, one for each
// destination shard, and a batch is acknowledged by its own id once its effects are committed over there. The cursor is
// below the lowest row with something outstanding; rows at or below it are dropped by a command. A new leader, or one
// that fell behind, reads rows from the store and sends them again: duplicates merge.
//
// Invariants: (1) the cursor never passes a row that is not wholly acknowledged; (2) rows in memory are bounded by
// feed_outstanding_items_max: what is above waits in the store; (3) every row above the cursor is in memory, or will be
// read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "proto/peer.pb.h"
#include "proto/state.pb.h"

namespace chasqui::fanout {

struct FreshEvent {  // an event of the entry whose row it is: it goes along, for sessions that are online
  ConversationId conversation;
  Seq seq;
  std::string bytes;
};

class Feed {
 public:
  Feed(ShardId shard, ShardCount shards, const Limits& limits);

  // This node leads now, in this term: everything above `cursor` up to `last` must be sent; `read_next` says from
  // where.
  void lead(RaftTerm term, RaftIndex cursor, RaftIndex last);
  void follow();

  // A row was written by the entry at `index`, and these events with it.
  void add(RaftIndex index, const state::Feed& row, const std::vector<FreshEvent>& events);
  [[nodiscard]] bool has_batches(Now now) const { return !open_.empty() || next_deadline() <= now.mono; }
  // What is to be sent now. Also what was sent over resend_after ago without an answer.
  void take_batches(Now now, std::vector<peer::NotifyBatch>& batches);
  void acknowledged(const peer::NotifyAck& ack);
  // That shard has another leader, or can be reached again: what it has not acknowledged is sent at once.
  void resend_to(ShardId destination);

  // Rows of (read_above, read_up_to] are to be read from the store: call `reading` when that begins, `rows_read` with
  // what it found; `more`: there were more than it could take.
  [[nodiscard]] bool wants_rows() const { return leads_ && !reading_ && unread_from_ < unread_to_ && room(); }
  [[nodiscard]] RaftIndex read_above() const { return unread_from_; }
  [[nodiscard]] RaftIndex read_up_to() const { return unread_to_; }
  void reading() {
    reading_ = true;
    reading_to_ = unread_to_;
  }
  struct StoredRow {
    RaftIndex index;
    state::Feed feed;
  };
  void rows_read(const std::vector<StoredRow>& rows, bool more);

  // The cursor could be moved to here: > committed() if a command is worth proposing.
  [[nodiscard]] RaftIndex movable() const;
  [[nodiscard]] RaftIndex committed() const { return cursor_; }
  void cursor_moved(RaftIndex cursor);
  [[nodiscard]] std::uint64_t rows_done() const { return rows_done_; }  // acknowledged since the cursor last moved

  [[nodiscard]] MonoTime next_deadline() const;
  [[nodiscard]] std::uint64_t outstanding() const { return outstanding_; }

  static constexpr Duration resend_after = seconds(5);

 private:
  struct Batch {
    peer::NotifyBatch frame;
    std::vector<RaftIndex> rows;  // one for each item
    bool sent = false;
    MonoTime sent_at;
  };
  [[nodiscard]] bool room() const { return outstanding_ < limits_.feed_outstanding_items_max; }
  void add_item(RaftIndex index, const state::FeedItem& item, const std::string* event);
  Batch& batch_for(ShardId destination);

  ShardId shard_;
  ShardCount shards_;
  const Limits& limits_;
  bool leads_ = false;
  bool reading_ = false;
  RaftTerm term_;
  RaftIndex cursor_;
  RaftIndex last_;         // the highest row there is, sent or not
  RaftIndex unread_from_;  // rows in (unread_from_, unread_to_] are in the store only
  RaftIndex unread_to_;
  RaftIndex reading_to_;  // how far the read under way can see: rows written since are not in it
  absl::btree_map<RaftIndex, std::uint64_t> rows_;  // row -> items outstanding; none with 0
  absl::btree_map<ShardId, Batch> open_;            // being filled, by destination
  absl::btree_map<std::uint64_t, Batch> sent_;      // by batch id
  std::uint64_t last_batch_ = 0;
  std::uint64_t outstanding_ = 0;  // items in memory
  std::uint64_t rows_done_ = 0;
};

}  // namespace chasqui::fanout
