// A shard's state machine: committed entries in, rows and answers out.
//
// Pure but for reads of the store. apply() is total: every byte string is a legal entry, one that does not decode is a
// recorded no-op, and each command, from anyone, in any state, gets an answer. It reads no clock and draws nothing: two
// replicas fed the same entries hold the same rows, byte for byte. Commands of one entry see each other's effects.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/base/index_marks.h"
#include "core/base/now.h"
#include "core/store.h"
#include "proto/client.pb.h"
#include "proto/log.pb.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

// ------------------------------------------------------------------- what a command answers to whoever proposed it

struct AccountCreated {  // also the answer of AddDevice and RenewDevice
  UserId user;
  DeviceId device;
};
struct Accepted {
  Seq seq;
  LogTime time;
  bool again = false;  // by an earlier command
};
struct Marked {  // the user's marks as they stand now
  Seq delivered;
  Seq read;
};
struct Refused {
  client::Code code{};
  std::string message;
  OutboxSeq next;   // of a Send: the number that is taken next; 0: not said
  Seq known_seq{};  // of a Send: it must say this one; 0: not said
};
struct HiddenNow {  // what the user has hidden in that conversation
  std::uint64_t hides = 0;
  std::vector<std::uint64_t> ranges;
};
struct PrivacyNow {
  client::Audience presence{};
  client::Audience adds{};
  bool reads_private = false;
};
struct GateNow {  // what the user says of the other
  std::uint32_t stance = 0;
  Version version;      // as of which that is so
  client::Gate gate{};  // which makes it
};
struct Done {};  // nothing to tell, no effect is an effect
using Reply = std::variant<Done, AccountCreated, Accepted, Marked, Refused, HiddenNow, PrivacyNow, GateNow>;

// ------------------------------------------------------ what the leader must do because of it (followers drop these)

using Audience = std::shared_ptr<const std::vector<UserId>>;  // ascending
struct EventStored {                                          // push it to whoever is online; the feed row says who
  ConversationId conversation;
  Seq seq;
  std::string event;            // a client.Event, as all who are told may see it; empty: they do not see it alike
  Audience audience;            // of a group: whose interval holds it; if withheld: its sender; nullptr: both members
  std::int64_t expires_ms = 0;  // by log time; 0: never
  std::uint64_t messages = 0;   // of the conversation, up to this event
};
struct FeedOwed {  // row `F index` was written
  RaftIndex index;
  state::Feed feed;
};
struct MarksMoved {  // tell the user's own sessions, and those of the other members
  ConversationId conversation;
  UserId user;
  Seq delivered;
  Seq read;       // as the user's own devices know it
  Seq read_told;  // as others may
  // Where the marks stood that others may know of.
  Seq delivered_before = {};
  Seq read_told_before = {};
  bool is_private = false;  // of a direct conversation: not the other member
};
struct IndexMoved {  // an entry of a user's index here has changed: tell the user's sessions what they lack
  UserId user;
  ConversationId conversation;
  IndexMarks marks;
  bool beside_events = false;  // more has changed than what comes with events: what is read, what is unread
  Version version;
  std::uint64_t hides = 0;  // how often something was hidden there
  client::Gate gate{};
  bool is_invitation = false;
  bool gate_is_news = false;  // the gate or the invitation is, not the head alone
};
struct GateMoved {  // a user has said something of another: presence and typing flow otherwise from now on
  UserId user;
  UserId other;
  std::uint32_t stance = 0;
};
struct PrivacyMoved {  // sessions of that user hear and tell of reading as this says
  UserId user;
  std::uint64_t changes = 0;
  bool reads_private = false;
};
struct DeviceGone {  // its sessions end at once
  UserId user;
  DeviceId device;
};
using Consequence = std::variant<EventStored, FeedOwed, MarksMoved, IndexMoved, GateMoved, DeviceGone, PrivacyMoved>;

// A CheckHash that does not fit: this replica's state is not what the leader's was at that index.
struct HashDiffers {
  RaftIndex index;
  std::uint64_t hash = 0;  // ours
};

struct Applied {
  std::vector<Reply> replies;             // one for each command of the entry, in its order; none if malformed
  std::vector<Consequence> consequences;  // in the order of the commands
  bool malformed = false;
  std::optional<HashDiffers> differs;
  bool changes = false;  // it holds more than a CheckHash: there is something new to be compared
};

class Overlay;

class Machine {
 public:
  // `store` outlives the machine and holds its rows; the numbers are read from it.
  Machine(ShardId shard, ShardCount shards, const Store& store);

  ~Machine();
  Machine(Machine&&) noexcept;
  Machine& operator=(Machine&&) = delete;

  // The entry at applied_index() + 1. Barriers and configuration changes come with empty bytes and `is_command` false.
  // What it changes is in memory: the store lags behind until write_out().
  [[nodiscard]] Applied apply(RaftIndex index, RaftTerm term, bool is_command, std::string_view entry);

  // Appends what the store lacks, the shard's numbers among it: applied index, log time, rolling hash. The caller
  // writes the batch at once, as a whole. Of the rows in memory at most `kept_bytes_max` stay.
  void write_out(WriteBatch& batch, std::uint64_t kept_bytes_max);
  [[nodiscard]] bool is_ahead() const { return is_ahead_; }                            // of the store
  [[nodiscard]] bool is_ahead_in(std::string_view begin, std::string_view end) const;  // in rows of [begin, end)
  [[nodiscard]] std::uint64_t unwritten_bytes() const;
  [[nodiscard]] std::uint64_t memory_bytes() const;

  // The store's rows of this shard were put in place of the ones that it had: what was not written is forgotten.
  void reload();

  // Of a direct conversation; nullptr: there is none. Good until the next call.
  [[nodiscard]] const state::Header* header(const ConversationId& conversation);
  // nullptr: there is no such group. Likewise.
  [[nodiscard]] const state::Group* group(const ConversationId& conversation);
  // Of a group, likewise.
  [[nodiscard]] const state::SenderRow* sender(const ConversationId& conversation, UserId user, DeviceId device);

  [[nodiscard]] RaftIndex applied_index() const { return RaftIndex(numbers_.applied_index()); }
  [[nodiscard]] LogTime log_time() const { return {numbers_.log_time_ms()}; }
  [[nodiscard]] HistoryEpoch history_epoch() const { return HistoryEpoch(numbers_.history_epoch()); }
  [[nodiscard]] const state::Shard& numbers() const { return numbers_; }
  // What the rolling hash was when `index` had been applied; of the last few only, and none from before a start.
  [[nodiscard]] std::optional<std::uint64_t> hash_at(RaftIndex index) const;

 private:
  void check_hashes(const log::Entry& entry, Applied& applied) const;

  ShardId shard_;
  ShardCount shards_;
  const Store& store_;
  std::unique_ptr<Overlay> overlay_;  // of the store
  bool is_ahead_ = false;
  state::Shard numbers_;
  std::deque<std::uint64_t> hashes_;  // of applied_index() and the ones before it, the last one last
};

}  // namespace chasqui::shard
