// What was parked for shards that were silent, on its way back: read from the store, sent, and once it is acknowledged
// removed (command Unpark).
//
// Each destination is gone through in passes over its rows, a batch at a time: the next is read when the last one is
// removed. A row that was written since the pass began may lie behind it, so then there is another pass. A destination
// that does not answer is `away`: it is tried with one row each retry_after, or when somebody says that it is back.
//
// Invariants: (1) a destination with rows in the store is known here, or the scan that a leadership begins with has not
// come to it; (2) only what was acknowledged is asked to be removed; (3) rows in memory are bounded: batches of at most
// sending_max destinations, and one row of each that is away.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/base/owed.h"
#include "proto/log.pb.h"
#include "proto/peer.pb.h"

namespace chasqui::fanout {

struct ParkedRow {
  ShardId destination;
  UserId user;
  ConversationId conversation;
  Owed owed;
};

// Which rows are to be read: of `destination` above (user, conversation), or of the first destination at or above it.
struct ParkedRead {
  std::uint64_t destination = 0;
  bool is_scan = false;
  std::optional<std::pair<UserId, ConversationId>> above;
  std::uint64_t rows_max = 1;
};

class Unparking {
 public:
  explicit Unparking(const Limits& limits) : limits_(limits) {}

  void lead() { scan_from_ = 0; }  // the store may hold rows of any destination
  void clear();
  void written(ShardId destination);  // a row of it has been written
  void answers(ShardId destination);  // it is there
  void returns(ShardId destination);  // it has another leader, or can be reached again: what was sent is sent to that

  // What is to be read now: call reading() when that has begun, or put_off() if it cannot.
  [[nodiscard]] std::optional<ParkedRead> wants_read(Now now) const;
  void reading(const ParkedRead& read);
  void put_off(Now now);
  // False: the destination has no rows (any more), as far as it was asked for.
  bool rows_read(const ParkedRead& read, const std::vector<ParkedRow>& rows, bool more);

  // Batches to be sent now, numbered on from `last_batch`; only destination, number and items are set.
  void take_batches(Now now, std::uint64_t& last_batch, std::vector<peer::NotifyBatch>& batches);
  void not_sent(ShardId destination, std::uint64_t batch, Now now);  // nobody leads it
  [[nodiscard]] bool is_out(ShardId destination, std::uint64_t batch) const;
  void acknowledged(ShardId destination, std::uint64_t batch);

  // What was acknowledged, as one command; one is under way at a time. False: nothing.
  bool take_unpark(Now now, log::Unpark& command);
  void applied();
  void give_back(Now now);

  [[nodiscard]] bool knows(ShardId destination) const { return destinations_.contains(destination); }
  [[nodiscard]] bool knows_none() const { return destinations_.empty(); }
  [[nodiscard]] MonoTime batches_due() const;
  [[nodiscard]] MonoTime next_deadline() const;
  [[nodiscard]] std::uint64_t size() const;  // marks in memory

  static constexpr int command_marks_max = 1'024;
  static constexpr std::uint64_t sending_max = 64;
  static constexpr Duration retry_after = seconds(5);
  static constexpr Duration put_off_for = milliseconds(100);

 private:
  enum class Step : std::uint8_t { Resting, Reading, Ready, Sent, Told, Unparking };
  struct Destination {
    Step step = Step::Resting;
    bool dirty = true;  // rows may lie where this pass has been
    bool away = false;
    bool more = false;                                       // rows above those that were read
    bool has_place = false;                                  // among the sending_max
    MonoTime retry_at;                                       // if away
    std::optional<std::pair<UserId, ConversationId>> above;  // how far this pass has come
    std::vector<log::IndexMark> marks;                       // that were read
    std::uint64_t batch = 0;
    MonoTime sent_at;
  };
  using Destinations = absl::btree_map<ShardId, Destination>;
  void rest(Destination& destination);
  void go_away(Destination& destination, MonoTime retry_at);
  void finish(Destinations::iterator at);  // what was read of it has been told
  // When it may be read; never() while it need not be.
  [[nodiscard]] MonoTime read_due(const Destination& destination) const;

  const Limits& limits_;
  Destinations destinations_;
  std::optional<std::uint64_t> scan_from_;
  bool scanning_ = false;
  bool unparking_ = false;
  std::uint64_t places_ = 0;  // taken, of sending_max
  MonoTime read_at_;          // no read before: the pace of rows
  MonoTime unpark_at_;
};

}  // namespace chasqui::fanout
