// The outbox: messages that this device has sent and no server has yet accepted.
//
// Invariants: (1) a message leaves only on `accepted`, on a final refusal, or when it is found in the history; (2) it
// is resent under the same number for ever, in order within a conversation; (3) message and number are in the device's
// journal before the first byte is sent; (4) at most 64 numbers of a conversation are unanswered.
//
// A message has two numbers. The ticket is what the application knows: 1, 2, 3, ... per conversation over the journal's
// life. The number (outbox_seq on the wire) is the same, until the device is renewed or the server says that a refused
// message took none: then what is unanswered gets new numbers, journaled first.
//
// Going back: an answer "not now" to one message stops its conversation (its lane) until all others in flight there are
// answered; then everything unanswered is sent again from the lowest, so nothing later overtakes.
//
// Proven: the numbers of what waits may have been used for something else, by this device before it was restored from a
// backup, or by another program on a copy of its state. The lowest of them would be refused, and the one behind it
// could be taken: out of order. So at each connection the messages of a lane go one by one until one is accepted that
// was not there before: its number was the next, so nobody has used those after it, and who uses them later must
// connect first, which ends our session.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/status/statusor.h"
#include "core/base/digest.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/base/random.h"
#include "core/client/journal.h"
#include "core/client/timers.h"
#include "proto/client.pb.h"

namespace chasqui::client {

struct Outgoing {
  ConversationId conversation;
  OutboxSeq ticket;
  OutboxSeq number;
  std::string payload;
  // Of a group: known_seq of the Send, if the inbox does not know of more; nullopt: it need not say any.
  std::optional<Seq> known;
};

// What an error means for a message.
enum class SendVerdict : std::uint8_t {
  Again,    // it stays, and is sent again by itself
  Refused,  // it is gone
  Renew,    // our numbers are not ours: the device must be renewed, until then nothing is sent
};

class Outbox {
 public:
  static constexpr std::uint64_t in_flight_max = 256;  // messages, all conversations
  static constexpr std::uint64_t in_flight_bytes_max =
      4 * 1024 * 1024;  // likewise: what a server reads in a few seconds

  Outbox(Journal& journal, Random& random, Duration retry_base, Duration retry_cap)
      : journal_(journal), random_(random), retry_base_(retry_base), retry_cap_(retry_cap) {}

  // Keeps a serialized Payload; `after` is the last seq known there. Returns its ticket. ResourceExhausted:
  // bounds::outbox_messages_max are waiting; then nothing is kept.
  absl::StatusOr<OutboxSeq> send(const ConversationId& conversation, std::string payload, Seq after);

  // The next message that may leave now, which is then in flight. nullopt: none, until something is told or
  // next_deadline() comes.
  [[nodiscard]] std::optional<Outgoing> next(MonoTime now);
  [[nodiscard]] MonoTime next_deadline() const { return paused_ ? MonoTime::never() : retries_.next(); }

  // The number under which it is in flight; 0: it is not.
  [[nodiscard]] OutboxSeq in_flight_number(const ConversationId& conversation, OutboxSeq ticket) const;
  // `again`: it was stored before this attempt came.
  void on_accepted(const ConversationId& conversation, OutboxSeq ticket, Seq seq, bool again);
  [[nodiscard]] SendVerdict on_error(const ConversationId& conversation, OutboxSeq ticket, const Error& error,
                                     MonoTime now);
  void on_persisted();
  void on_connection_lost();

  // Renewal (renewal.h). Paused: nothing leaves.
  void pause(bool on) { paused_ = on; }
  void on_device_changed();
  void on_history_restored();  // what was known of places is void: search from the start
  [[nodiscard]] std::optional<ConversationId> next_unnumbered() const;
  [[nodiscard]] Seq search_after(const ConversationId& conversation) const;
  // The unanswered message with this digest is at `seq`: it is answered. Its ticket; nullopt: none has it.
  [[nodiscard]] std::optional<OutboxSeq> found(const ConversationId& conversation, std::string_view digest, Seq seq);
  void number_from_1(const ConversationId& conversation);

  // Journal. A record that contradicts those before gives InvalidArgument.
  absl::Status replay(const ConversationId& conversation, const JournalSent& record);
  void replay(const ConversationId& conversation, const JournalAnswered& record);
  void replay(const ConversationId& conversation, const JournalRenumbered& record);
  void replay(const ConversationId& conversation, const JournalOutbox& record);
  void compact(std::vector<JournalRecord>& out) const;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] bool has_in_flight() const { return in_flight_ > 0; }
  [[nodiscard]] std::vector<ConversationId> conversations() const;

 private:
  struct Entry {
    OutboxSeq ticket;
    OutboxSeq number;  // 0: not given yet
    std::string payload;
    Digest digest{};
    Seq after;
    std::uint64_t record = 0;  // the journal record that must be safe before it leaves
    bool in_flight = false;
  };
  struct Lane {
    std::deque<Entry> entries;  // unanswered, ascending; those in flight are at the front unless going back
    OutboxSeq last_ticket;
    OutboxSeq next_number{1};
    OutboxSeq renumber_from;  // once nothing is in flight; 0: no need
    std::uint64_t in_flight = 0;
    std::uint64_t window;             // that many may be in flight: 1 after "too fast", then growing
    std::uint64_t refused_below = 0;  // so many numbers right below the lowest unanswered were refused
    bool going_back = false;
    bool proven = false;  // see the head
    Seq known;            // as an error named it
    std::uint32_t attempts = 0;
    MonoTime retry_at{};
    Lane();
  };

  Entry* find(const ConversationId& conversation, OutboxSeq ticket);
  [[nodiscard]] Entry* sendable(Lane& lane, MonoTime now);
  void land(Lane& lane, Entry& entry);
  std::uint64_t record_sent(const ConversationId& conversation, const Entry& entry);
  void drop(const ConversationId& conversation, Lane& lane, OutboxSeq ticket, Seq seq);
  void back_off(const ConversationId& conversation, Lane& lane, const Error& error, MonoTime now);
  SendVerdict out_of_range(const ConversationId& conversation, Lane& lane, const Entry& entry, const Error& error,
                           MonoTime now);
  void settle(const ConversationId& conversation, Lane& lane);
  void renumber(const ConversationId& conversation, Lane& lane, OutboxSeq from);

  Journal& journal_;
  Random& random_;
  Duration retry_base_;
  Duration retry_cap_;
  absl::btree_map<ConversationId, Lane> lanes_;
  absl::btree_set<ConversationId> ready_;       // may have something to send
  absl::btree_set<ConversationId> unnumbered_;  // of a device that is no more
  Timers<ConversationId> retries_;
  std::deque<std::pair<std::uint64_t, ConversationId>> unsafe_;  // record, and whose turn it is once that is safe
  ConversationId last_;                                          // served last: the next one in order is next
  std::uint64_t size_ = 0;
  std::uint64_t in_flight_ = 0;
  std::uint64_t in_flight_bytes_ = 0;
  bool paused_ = false;
};

// Codes after which the same request may be tried again.
[[nodiscard]] bool is_retryable(Code code);

}  // namespace chasqui::client
