// What a device must do, as an I/O-free state machine: the command line, the load generator and the simulator run it.
//
// It numbers and keeps what is sent until it is accepted, resends under the same number for ever, takes each event once
// and in order, fills gaps, acks, syncs at every connection, and asks for marks. Its owner does the I/O:
//   - `persist`: appends these records to the device's journal, in order, and says persisted() once they are synced.
//     The first byte of a send leaves only then; an event counts as taken (and is acked) only then.
//   - `send`: one WebSocket message on the live connection.
//   - `connect`: open a connection, and say connected() or disconnected().
//   - `disconnect`: close it. disconnected() need not follow, and must not once the next `connect` was asked for.
//   - `happenings`: tell the application. Received comes exactly once for each event over the journal's whole life, in
//     order of seq in each conversation, and only for what is persisted; what was withheld from this user is passed
//     over. The one exception: what was persisted just before a crash, so that persisted() was never said, is among
//     not_shown() of the next life instead.
//
// The OutboxSeq that send() returns and that SendAccepted and SendRefused name counts 1, 2, 3, ... per conversation
// over the journal's life. It is the number on the wire (and in the Event) until the device is renewed (DeviceChanged);
// from then on the wire counts anew, and the application goes on with its own. SendAccepted may come once more after a
// crash.
//
// Deterministic: time and seed come in, nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/ids.h"
#include "core/base/index_marks.h"
#include "core/base/now.h"
#include "core/base/random.h"
#include "core/base/seq_ranges.h"
#include "proto/client.pb.h"

namespace chasqui::client {

struct Credentials {
  UserId user;
  DeviceId device;
  std::string secret;  // 32 bytes
  std::string handle;  // for display
};

struct Config {
  std::string program = "chasqui";          // told in Hello
  Duration retry_base = milliseconds(500);  // of reconnects: full jitter, doubled up to the cap
  Duration retry_cap = seconds(30);
  Duration ack_linger = milliseconds(20);         // that an ack waits for a frame to ride on
  Duration group_ack_linger = milliseconds(200);  // the same, of what a group's member has got and not read yet
  Duration request_timeout = seconds(10);         // without an answer: the connection is given up
  bool fetch_events = true;                       // false: only heads are followed (a load generator that just sends)
};

// ---------------------------------------------------------------------------------------- what the application hears

struct Connected {  // Hello was answered
  HistoryEpoch epoch;
};
struct Disconnected {};
struct Synced {};  // everything that the index knew at Hello has been taken; once for each connection
struct Received {  // an event, taken: of others, and of this user's own devices too
  ConversationId conversation;
  Event event;
};
struct SendAccepted {  // ✓
  ConversationId conversation;
  OutboxSeq outbox_seq;
  Seq seq;
  LogTime time;
};
struct SendRefused {  // finally: it is not stored, and not sent again
  ConversationId conversation;
  OutboxSeq outbox_seq;
  absl::Status status;
};
struct MarksMoved {  // ✓✓, read: of another member, or the user's own from another device
  ConversationId conversation;
  UserId user;
  Seq delivered;
  Seq read;
};
struct ReceiptsCounted {  // of a group of over 32 members: how many others have that message of this user's
  ReceiptCounts counts;   // with its conversation
};
struct UnreadMoved {  // what is unread there, on all of this user's devices
  ConversationId conversation;
  std::uint64_t unread = 0;    // messages of others
  std::uint64_t mentions = 0;  // of them, those that mention this user; at most 256
};
struct ReceiptsDone {  // answer to ask_receipts
  std::uint64_t request = 0;
  absl::Status status;
  ReceiptsOf receipts;
};
struct MarksDone {  // answer to ask_marks
  std::uint64_t request = 0;
  absl::Status status;
  MarksPage page;
};
struct LookupDone {  // answer to look_up
  std::uint64_t request = 0;
  absl::Status status;
  Profile profile;
};
struct HistoryDone {  // answer to history
  std::uint64_t request = 0;
  absl::Status status;
  HistoryPage page;
};
struct HiddenMoved {  // more of that conversation is hidden, by another device of this user
  ConversationId conversation;
};
struct HiddenSaid {  // the server has taken something that this device hides
  ConversationId conversation;
};
struct PresenceHeard {  // of a user who is watched
  Presence presence;
};
struct TypingHeard {  // a user who is watched writes there, or does no more; for bounds::typing_ms at most
  ConversationId conversation;
  UserId user;
  bool is_over = false;
};
struct PrivacyDone {  // answer to set_privacy
  std::uint64_t request = 0;
  absl::Status status;
  Audience presence{};
  Audience adds{};
  bool read_receipts = true;
};
struct GateMoved {  // the user's own gate in that conversation, or it is an invitation (any more)
  ConversationId conversation;
  Gate gate{};
  bool is_invitation = false;
};
struct GateDone {  // answer to set_gate
  std::uint64_t request = 0;
  absl::Status status;
  GateSet gate;
};
struct GroupDescribed {  // answer to describe_group
  std::uint64_t request = 0;
  absl::Status status;
  GroupDescription description;
};
struct JournalOutdated {};  // it may hold what was deleted, or whose time is over: put compacted() in its place soon
struct Ended {              // for good: the owner must not connect again (revoked, replaced, logged out)
  GoAway::Reason reason{};
  std::string message;
};
struct DeviceChanged {  // the device got a new id and secret: the owner keeps these credentials from now on
  Credentials credentials;
};
using Happening =
    std::variant<Connected, Disconnected, Synced, Received, SendAccepted, SendRefused, MarksMoved, ReceiptsCounted,
                 UnreadMoved, ReceiptsDone, MarksDone, LookupDone, HistoryDone, GroupDescribed, HiddenMoved, HiddenSaid,
                 PresenceHeard, TypingHeard, PrivacyDone, GateMoved, GateDone, JournalOutdated, Ended, DeviceChanged>;

struct Outputs {
  std::vector<std::string> persist;   // journal records (client.JournalRecord), in order, to be synced
  std::vector<std::string> send;      // serialized client.ClientMessage each
  std::vector<Happening> happenings;  // in order
  bool connect = false;               // open a connection now
  bool disconnect = false;            // close the one there is
};

class Client {
 public:
  // `journal`: every record ever persisted (or what compacted() returned, and those after it), oldest first. Records
  // that were handed out and never persisted may be missing at the end. InvalidArgument: it is not a journal.
  static absl::StatusOr<std::unique_ptr<Client>> open(Credentials credentials, const Config& config, const Seed& seed,
                                                      const std::vector<std::string>& journal);
  virtual ~Client() = default;

  // The transport.
  virtual void start(Now now, Outputs& out) = 0;  // connect, and stay connected until stop()
  virtual void stop(Now now, Outputs& out) = 0;
  virtual void connected(Now now, Outputs& out) = 0;
  virtual void disconnected(Now now, Outputs& out) = 0;
  virtual void received(Now now, std::string_view server_message, Outputs& out) = 0;
  // So many records, of all handed out by this object, are on disk.
  virtual void persisted(Now now, std::uint64_t count, Outputs& out) = 0;
  virtual void tick(Now now, Outputs& out) = 0;
  [[nodiscard]] virtual MonoTime next_deadline() const = 0;

  // The application. send: InvalidArgument: too large, or not UTF-8. ResourceExhausted: outbox_messages_max are
  // waiting. On an error nothing is kept.
  virtual absl::StatusOr<OutboxSeq> send(Now now, const ConversationId& conversation, std::string text,
                                         Outputs& out) = 0;
  // Likewise, about an earlier event there. Without a text: a deletion, or a reaction that is taken back.
  virtual absl::StatusOr<OutboxSeq> send_about(Now now, const ConversationId& conversation, const About& about,
                                               std::string text, Outputs& out) = 0;
  // Likewise, whatever it is: a place, a poll, a vote, a forwarded message. Its nonce is drawn here.
  virtual absl::StatusOr<OutboxSeq> send_payload(Now now, const ConversationId& conversation, Payload payload,
                                                 Outputs& out) = 0;
  // Not shown to this user any more, on any device: "delete for me". OutOfRange: not all of it is here yet.
  // ResourceExhausted: too many separate stretches.
  virtual absl::Status hide(Now now, const ConversationId& conversation, Seq first, Seq last, Outputs& out) = 0;
  // Whom to tell of: PresenceHeard and TypingHeard; none: nobody any more.
  virtual void watch(Now now, std::vector<UserId> users, Outputs& out) = 0;
  // The person writes there, or has stopped: said at most each bounds::typing_again_ms, to those who watch.
  virtual void type(Now now, const ConversationId& conversation, bool is_over, Outputs& out) = 0;
  // What is nullopt stays as it is. Answered by PrivacyDone.
  virtual std::uint64_t set_privacy(Now now, std::optional<Audience> presence, std::optional<Audience> adds,
                                    std::optional<bool> read_receipts, Outputs& out) = 0;
  // Accept, block, or neither. Answered by GateDone.
  virtual std::uint64_t set_gate(Now now, UserId user, Gate gate, Outputs& out) = 0;
  // Who has that event, and who has read it since when? Answered by ReceiptsDone.
  virtual std::uint64_t ask_receipts(Now now, const ConversationId& conversation, Seq seq, Outputs& out) = 0;
  // How far its members are, as far as one may know. Answered by MarksDone.
  virtual std::uint64_t ask_marks(Now now, const ConversationId& conversation, Outputs& out) = 0;
  // Likewise, a change of a group, be it its creation under an id that draw_group() has made.
  virtual absl::StatusOr<OutboxSeq> send_change(Now now, const ConversationId& conversation, const GroupChange& change,
                                                Outputs& out) = 0;
  virtual ConversationId draw_group() = 0;
  virtual std::uint64_t describe_group(Now now, const ConversationId& conversation, Outputs& out) = 0;
  virtual void mark_read(Now now, const ConversationId& conversation, Seq seq, Outputs& out) = 0;
  // The application has shown everything up to seq: these events need not be kept in the journal any more.
  virtual void mark_shown(Now now, const ConversationId& conversation, Seq seq, Outputs& out) = 0;
  virtual std::uint64_t look_up(Now now, std::string handle, Outputs& out) = 0;
  virtual std::uint64_t look_up(Now now, UserId user, Outputs& out) = 0;
  virtual std::uint64_t history(Now now, const ConversationId& conversation, Seq after, std::uint32_t limit,
                                bool newest, Outputs& out) = 0;
  virtual void log_out(Now now, Outputs& out) = 0;

  // What the journal says.
  [[nodiscard]] virtual bool is_connected() const = 0;  // Hello was answered
  // Since when each answer of this connection was UNAVAILABLE or ABORTED; never(): it serves. Its node may be cut off
  // from the rest of its cluster.
  [[nodiscard]] virtual MonoTime unserved_since() const = 0;
  [[nodiscard]] virtual Seq taken(const ConversationId& conversation) const = 0;  // all of 1..taken is taken
  [[nodiscard]] virtual std::vector<Received> not_shown() const = 0;              // by conversation, then seq
  [[nodiscard]] virtual bool is_hidden(const ConversationId& conversation, Seq seq) const = 0;
  // And the server knows it, so that other devices will.
  [[nodiscard]] virtual bool is_hidden_everywhere(const ConversationId& conversation, Seq seq) const = 0;
  [[nodiscard]] virtual Gate gate(const ConversationId& conversation) const = 0;  // the user's own
  [[nodiscard]] virtual bool is_invitation(const ConversationId& conversation) const = 0;
  [[nodiscard]] virtual std::vector<ConversationId> gated() const = 0;  // not OPEN, or invitations
  [[nodiscard]] virtual SeqRanges hidden(const ConversationId& conversation) const = 0;
  [[nodiscard]] virtual Counts unread(const ConversationId& conversation) const = 0;
  // The server has all that this device has said of delivered and read.
  [[nodiscard]] virtual bool marks_are_confirmed() const = 0;
  [[nodiscard]] virtual std::uint64_t unsent() const = 0;                       // sends without a final answer
  [[nodiscard]] virtual std::vector<ConversationId> conversations() const = 0;  // known, by id
  [[nodiscard]] virtual std::vector<std::string> compacted() const = 0;         // a shorter journal of the same meaning
  // To be said whenever compacted() has taken the journal's place.
  virtual void journal_replaced() = 0;
};

}  // namespace chasqui::client
