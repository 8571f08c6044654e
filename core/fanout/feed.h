// The sending side of the feed: what a shard owes to the users of other shards (and its own), until it is acknowledged.
//
// A row `F index` is written by the entry that causes it. The shard's leader sends its items in batches, one for each
// destination shard, and a batch is acknowledged by its own id once its effects are committed over there. The cursor is
// below the lowest row with something outstanding; rows at or below it are dropped by a command. A new leader, or one
// that fell behind, reads rows from the store and sends them again: duplicates merge.
//
// A destination that acknowledges nothing for silent_after is silent: what it is owed goes into rows of its own
// (parking.h), and comes back from there when it answers (unparking.h). So no destination holds up another.
//
// Invariants: (1) the cursor never passes a row that is not wholly acknowledged or parked; (2) rows in memory are
// bounded by feed_outstanding_items_max: what is above waits in the store; (3) every row above the cursor is in memory,
// or will be read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/base/owed.h"
#include "core/fanout/parking.h"
#include "core/fanout/unparking.h"
#include "proto/log.pb.h"
#include "proto/peer.pb.h"
#include "proto/state.pb.h"

namespace chasqui::fanout {

struct FreshEvent {  // an event of the entry whose row it is: it goes along, for sessions that are online
  ConversationId conversation;
  Seq seq;
  std::string bytes;
  std::shared_ptr<const std::vector<UserId>> audience = nullptr;  // exactly those who are told; nullptr: as items say
  std::uint64_t messages = 0;                                     // of the conversation, up to it
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
  [[nodiscard]] bool has_batches(Now now) const { return !open_.empty() || batches_due() <= now.mono; }
  // What is to be sent now. Also what was sent over resend_after ago without an answer.
  void take_batches(Now now, std::vector<peer::NotifyBatch>& batches);
  // One of them did not leave: nobody is known to lead its destination. Its events are kept for then, within bounds.
  void not_sent(peer::NotifyBatch batch, Now now);
  void acknowledged(const peer::NotifyAck& ack, Now now);
  // That shard has another leader, or can be reached again: what it has not acknowledged is sent at once.
  void resend_to(ShardId destination, Now now);
  [[nodiscard]] bool owes(ShardId destination) const;
  [[nodiscard]] bool owes_nothing() const { return destinations_.empty() && unparking_.knows_none(); }

  // Commands of parking: what is due, and what became of it.
  bool take_park(Now now, log::Park& command) { return leads_ && parking_.take(now, command); }
  void park_applied(const log::Park& command);
  void park_refused(Now now) { parking_.give_back(now); }
  bool take_unpark(Now now, log::Unpark& command) { return leads_ && unparking_.take_unpark(now, command); }
  void unpark_applied() { unparking_.applied(); }
  void unpark_refused(Now now) { unparking_.give_back(now); }
  // Rows to be read from the store, one read after the other: say parked_reading() or parked_put_off().
  [[nodiscard]] std::optional<ParkedRead> wants_parked(Now now) const {
    return leads_ ? unparking_.wants_read(now) : std::nullopt;
  }
  void parked_reading(const ParkedRead& read) { unparking_.reading(read); }
  void parked_put_off(Now now) { unparking_.put_off(now); }
  void parked_read(const ParkedRead& read, const std::vector<ParkedRow>& rows, bool more);

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
    // For each item of a group (user 0): who of its members now was one at its head. Who has left since is owed that by
    // an item of his own.
    absl::btree_map<std::string, std::vector<UserId>> members = {};
  };
  void rows_read(const std::vector<StoredRow>& rows, bool more);

  // The cursor could be moved to here: > committed() if a command is worth proposing.
  [[nodiscard]] RaftIndex movable() const;
  [[nodiscard]] RaftIndex committed() const { return cursor_; }
  void cursor_moved(RaftIndex cursor);
  [[nodiscard]] std::uint64_t rows_done() const { return rows_done_; }  // acknowledged since the cursor last moved

  [[nodiscard]] MonoTime next_deadline() const;
  [[nodiscard]] std::uint64_t outstanding() const { return outstanding_; }
  [[nodiscard]] std::uint64_t memory_bytes() const {
    return outstanding_ * 300 + kept_event_bytes_ + unparking_.size() * 120;
  }

  static constexpr Duration resend_after = seconds(5);
  static constexpr Duration silent_after = seconds(5);

 private:
  struct Batch {
    peer::NotifyBatch frame;
    std::vector<RaftIndex> rows;    // one for each item
    std::uint64_t users = 0;        // told by all items
    MonoTime due;                   // to be sent (again): so it stands in due_, once it is closed
    bool counted = false;           // among its destination's
    bool left = false;              // it has been sent before
    std::uint64_t event_bytes = 0;  // kept, since it could not be sent
  };
  using Batches = absl::btree_map<std::uint64_t, Batch>;
  struct Destination {
    std::uint64_t batches = 0;  // not acknowledged
    MonoTime heard_at;          // or the first of those was sent
    bool silent = false;
  };
  [[nodiscard]] bool room() const { return outstanding_ < limits_.feed_outstanding_items_max; }
  void add_item(RaftIndex index, const state::FeedItem& item, const std::string* event);
  // An event of a group, or (nullptr) its head alone: one item for each shard that has some of these users.
  void add_group_item(RaftIndex index, const std::string& conversation, const IndexMarks& marks,
                      std::span<const UserId> users, const std::string* event);
  Batch& batch_for(ShardId destination);
  Batch& batch_with_room(ShardId destination);
  std::uint64_t close(ShardId destination);  // the open batch is full, or is to leave: it joins sent_
  void park(UserId user, const std::string& conversation, const Owed& owed, RaftIndex row);
  void send_at(std::uint64_t id, Batch& batch, MonoTime time);
  void forget(Batches::iterator batch);  // its items are acknowledged, or on their way into parked rows
  void settle(RaftIndex row, std::uint64_t items);
  void fall_silent(ShardId destination);
  [[nodiscard]] bool is_silent(ShardId destination) const;
  [[nodiscard]] MonoTime silent_at(ShardId id, const Destination& destination) const;
  [[nodiscard]] MonoTime batches_due() const;

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
  absl::btree_map<RaftIndex, std::uint64_t> rows_;           // row -> items outstanding; none with 0
  absl::btree_map<ShardId, Batch> open_;                     // being filled, by destination
  Batches sent_;                                             // by batch id
  absl::btree_set<std::pair<MonoTime, std::uint64_t>> due_;  // of sent_
  absl::btree_map<ShardId, Destination> destinations_;       // that have not acknowledged all, or are silent
  Parking parking_;
  Unparking unparking_;
  std::uint64_t last_batch_ = 0;
  std::uint64_t outstanding_ = 0;  // items in memory
  std::uint64_t kept_event_bytes_ = 0;
  std::uint64_t rows_done_ = 0;
};

}  // namespace chasqui::fanout
