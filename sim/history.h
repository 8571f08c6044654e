// The history of a run, as facts: what devices did and saw, and what was tapped at nodes. All that invariants read.
//
// D facts speak of devices only, so the same judges can read the history of real processes. T facts are taps at nodes.
// Over 400 lines because all facts stand here.
// A device is named by its number in the run, which outlives its device ids. Message texts are unique in a run, so a
// text names its message. Over 400 lines because every fact stands here once.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/node_sizes.h"
#include "proto/client.pb.h"
#include "sim/event_queue.h"
#include "sim/model/logged.h"

namespace chasqui::sim {

// ------------------------------------------------------------------------------------------------------------- D facts

struct DeviceJoined {  // it has an account; again when it gets another device id
  std::uint32_t device = 0;
  UserId user;
  DeviceId id;
};
struct MessageSent {  // the client took it into its outbox
  std::uint32_t device = 0;
  ConversationId conversation;
  OutboxSeq number;
  std::string text;
};
struct MessageForgotten {  // the phone crashed before its journal had it: it must never have left
  std::uint32_t device = 0;
  ConversationId conversation;
  std::string text;
};
struct AcceptedHeard {
  std::uint32_t device = 0;
  ConversationId conversation;
  OutboxSeq number;
  Seq seq;
  LogTime time;
};
struct RefusalHeard {  // final
  std::uint32_t device = 0;
  ConversationId conversation;
  OutboxSeq number;
  std::string reason;
};
struct EventSeen {  // the application got it
  std::uint32_t device = 0;
  ConversationId conversation;
  Seq seq;
  LogTime time;
  UserId sender;
  DeviceId sender_device;
  std::string text;
  bool digest_right = true;  // it is that of the payload
  bool erased = false;       // by a deletion or by its timer: there is no text, and no payload to judge a digest by
};
struct PhoneCrashed {  // its application starts anew, and knows as shown only what its journal had synced
  std::uint32_t device = 0;
  std::vector<std::pair<ConversationId, Seq>> shown;  // ascending
};
struct MarksHeard {
  std::uint32_t device = 0;
  ConversationId conversation;
  UserId user;  // whose marks
  Seq delivered;
  Seq read;
};
struct ReadByPerson {
  std::uint32_t device = 0;
  ConversationId conversation;
  Seq seq;
};
struct GateAsked {  // a person says something of another
  std::uint32_t device = 0;
  std::uint64_t request = 0;  // unique for the device
  UserId other;
  bool blocks = false;
};
struct GateHeard {  // that is answered, or (not `ok`) never will be: it may take effect or not
  std::uint32_t device = 0;
  std::uint64_t request = 0;
  bool ok = false;
  bool in_force = false;  // the conversation knows
};
// The device's state is another from now on: none (reinstalled), an old backup, a copy of another device's. Its
// application starts anew, and knows what that journal says. Until it has joined again it has no account.
struct JournalReplaced {
  std::uint32_t device = 0;
  std::vector<std::pair<ConversationId, Seq>> shown;  // ascending
  std::vector<MessageSent> waiting;                   // for a final answer, in the order of sending
};
struct DeviceGone {  // for good, with its journal: nothing more is to arrive there
  std::uint32_t device = 0;
};
struct Healed {      // no fault from now on, nothing new is sent
  Time backlog = 0;  // how long the rate limits alone make it take until all has arrived
};
struct Settled {};   // everything has arrived everywhere
struct NotSettled {  // not in time
  std::string missing;
};
struct HostileJoined {  // who means harm has an account; again when it gets another device id
  UserId user;
  DeviceId id;
};
struct HostileSent {  // such a user wrote, or wrote again, into a conversation of its own: it may appear there, or not
  UserId user;
  ConversationId conversation;
  std::string text;
};

struct RequestAsked {  // by a device, on the connection that it has
  std::uint32_t device = 0;
  std::uint64_t request = 0;
};
struct AnswerHeard {
  std::uint32_t device = 0;
  std::uint64_t request = 0;
};
struct ConnectionLost {  // nothing asked on it will be answered
  std::uint32_t device = 0;
};
struct ListSeen {  // once all has settled: what the device knows of, without what it has nothing of
  std::uint32_t device = 0;
  std::vector<std::pair<ConversationId, Seq>> heads;  // ascending
};
struct OperatorStep {  // what somebody did to a server: "killed", "started", or any other words
  std::uint32_t node = 0;
  std::string step;
};
struct NodeRefused {  // it said DATA_LOSS and did not start, or came with an empty disk: for good, since nobody
                      // restores it
  std::uint32_t node = 0;
  std::string why;
  std::vector<std::uint32_t> devices;  // that live at it
};

// ------------------------------------------------------------------------------------------------------------- T facts

struct SendKey {  // sending once, as the node knows it
  ConversationId conversation;
  UserId sender;
  DeviceId device;
  OutboxSeq number;
  friend auto operator<=>(const SendKey&, const SendKey&) = default;
};
struct AppendHandedOut {
  std::uint32_t node = 0;
  AppendId id;
  std::vector<SendKey> sends;  // in its entries
};
struct AppendDurable {  // all up to `id`
  std::uint32_t node = 0;
  AppendId id;
};
struct NodeCrashed {  // all up to `survived` is on its disk
  std::uint32_t node = 0;
  AppendId survived;
};
struct HistoryAsked {
  std::uint32_t node = 0;
  SessionId session;
  std::uint64_t request_id = 0;
  ConversationId conversation;
};
struct HistoryLeft {  // the answer
  std::uint32_t node = 0;
  SessionId session;
  std::uint64_t request_id = 0;
  Seq head;
};
struct AnswerLeft {  // to a Send; code: of the refusal, OK: accepted
  std::uint32_t node = 0;
  SendKey key;
  client::Code code{};
  Seq seq;
  LogTime time;          // 0: it does not say
  std::string why = {};  // of a refusal, in words
  bool asks_in = false;  // the Send would create a group, or join one by a link
};
struct EventTold {  // an event of a group, or that there is one, to a session of that user
  std::uint32_t node = 0;
  UserId user;
  ConversationId conversation;
  Seq seq;
};
struct MarksLeft {  // told unasked: how far `user` has the conversation
  std::uint32_t node = 0;
  SessionId session;
  ConversationId conversation;
  UserId user;
  Seq delivered;
  Seq read;
};
struct DeviceRevoked {  // the node answered a logout, or a renewal under another id: this device id is out
  std::uint32_t node = 0;
  UserId user;
  DeviceId id;
};
struct ToldDevice {  // the node greeted such a device, or told its session anything
  std::uint32_t node = 0;
  UserId user;
  DeviceId id;
  bool shows = true;  // something of its user's, and not only that a request failed
};
struct RequestTaken {  // by step; one that must be answered
  std::uint32_t node = 0;
  SessionId session;
  std::uint64_t request_id = 0;
};
struct RequestAnswered {
  std::uint32_t node = 0;
  SessionId session;
  std::uint64_t request_id = 0;
};
struct SessionOver {  // closed by either side
  std::uint32_t node = 0;
  SessionId session;
};
struct NodeHindered {  // it stands still, or its disk does, for so long from now on
  std::uint32_t node = 0;
  Time length = 0;
};
struct EntryCommitted {  // in the order of each shard's log
  std::uint32_t node = 0;
  LoggedEntry entry;
  std::int64_t wall_ms = 0;  // the true time when it was appended
};
struct AuditAsked {  // the node took a question: what has changed for `user`?
  std::uint32_t node = 0;
  std::uint64_t audit = 0;  // its number in the run
  UserId user;
};
struct AuditAnswered {  // to its last page
  std::uint32_t node = 0;
  std::uint64_t audit = 0;
  UserId user;
  Version since;
  std::vector<std::pair<ConversationId, Seq>> known;  // by now, with what was known at `since`; ascending
  bool at_end = false;                                // all had settled
};
struct ConnectTried {  // by the program of a device
  std::uint32_t device = 0;
  bool fresh = false;  // Hello was answered on its last connection, or the program began anew
};
struct TrafficCounted {  // frames of honest sessions in a stretch of time, at all nodes
  std::uint64_t devices = 0;
  Time length = 0;
  std::uint64_t frames_up = 0;
  std::uint64_t frames_down = 0;
};
struct IdleFrame {  // passed although all has arrived, and nobody has done anything for a while
  std::uint32_t node = 0;
  SessionId session;
  bool is_ping = false;  // or its answer
  std::string what;
};
struct NodeMeasured {  // what it holds now
  std::uint32_t node = 0;
  NodeSizes sizes;
  std::uint64_t memory_bytes = 0;
};
struct SessionQueued {  // more than its budget was handed out to a session and has not left
  std::uint32_t node = 0;
  SessionId session;
  std::uint64_t bytes = 0;
  std::uint64_t owed = 0;  // requests that were unanswered when the budget was passed
};
struct ContractBroken {  // an output that is not legal, input that was not survived
  std::uint32_t node = 0;
  std::string what;
};

// Between the nodes of a cluster.
struct PathChanged {  // from one process to another nothing passes from now on, or everything again
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  bool open = false;
};
struct PathSlowed {  // what passes there may take so long from now on
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  Time length = 0;
};
struct ShardSilenced {  // its replicas do not hear each other from now on, or do again
  ShardId shard;
  bool silent = false;
};
struct StateRotted {  // what this node's store says of the shard is another than it wrote; it does not run now
  std::uint32_t node = 0;
  ShardId shard;
};
struct ReplicaInstalls {  // it takes its state from another replica from now on, or not any more
  std::uint32_t node = 0;
  ShardId shard;
  bool on = false;
};
struct ReplicaStopped {  // it found that its state is not that of the others, and serves no more
  std::uint32_t node = 0;
  ShardId shard;
};
struct EntryLogged {  // handed out to be appended, in whatever role
  std::uint32_t node = 0;
  ShardId shard;
  RaftIndex index;
  RaftTerm term;
  RaftTerm before;  // of the entry before it; 0: not known
  std::uint64_t digest = 0;
};
struct EntryApplied {
  std::uint32_t node = 0;
  ShardId shard;
  RaftIndex index;
  RaftTerm term;             // 0: the entry is not known, the state came as a whole
  std::uint64_t digest = 0;  // of the entry
  std::uint64_t state = 0;   // digest of the shard's rows; 0: more was applied in the same write
  RaftTerm seen_term;        // of the replica: the entry was committed in no later one
  bool synced = true;        // it is on this node's disk
  std::uint32_t stored = 0;  // on so many disks of its replicas; looked at when it is applied for the first time
  std::uint32_t needed = 0;  // so many it must be; 0: not looked at
};
struct LeaderSpoke {  // a replica sends entries as the leader of its term; once for each term
  std::uint32_t node = 0;
  ShardId shard;
  RaftTerm term;
  RaftTerm durable_term;
  RaftIndex first;              // of its log; what is below is in its state
  std::vector<RaftTerm> terms;  // of its entries
};
struct VoteLeft {  // a vote is given, or asked for: then the candidate is the node's own replica
  std::uint32_t node = 0;
  ShardId shard;
  RaftTerm term;
  ReplicaId candidate;
  RaftTerm durable_term;
  ReplicaId durable_vote;
};
struct ResultLeft {  // a replica says that it has all up to there
  std::uint32_t node = 0;
  ShardId shard;
  RaftTerm term;
  RaftIndex last;
  RaftTerm durable_term;
  RaftIndex durable_last;
};
struct RejectionLeft {  // a replica refuses entries behind `rejected`, and says where its log ends
  std::uint32_t node = 0;
  ShardId shard;
  RaftTerm term;
  RaftIndex rejected;
  RaftIndex last;      // as it says
  RaftIndex log_last;  // as it is
};
struct LeadChanged {  // it serves the shard from now on, or does not any more
  std::uint32_t node = 0;
  ShardId shard;
  RaftTerm term;
  bool leads = false;
};

// Once all has settled: what of the erased payloads is still found among the rows of that node, of those shards in
// which it has applied what anybody has. Or in the journal of a device that has taken all there is for it.
struct DiskSearched {
  std::uint32_t node = 0;
  std::uint64_t erased = 0;  // so many were looked for
  std::vector<std::pair<ConversationId, Seq>> found;
  std::optional<std::uint32_t> device = std::nullopt;
};
struct HiddenListed {  // what a device hides from its person then
  std::uint32_t node = 0;
  std::uint32_t device = 0;
  UserId user;
  ConversationId conversation;
  Seq up_to;  // of the events that it has
  std::vector<std::uint64_t> ranges;
};

// What is unread, as a device says: on the way, and once all has settled.
struct CountsHeard {
  std::uint32_t node = 0;
  std::uint32_t device = 0;
  UserId user;
  ConversationId conversation;
  std::uint64_t unread = 0;
  std::uint64_t mentions = 0;
  bool at_end = false;
};

struct NodeStarted {  // it found its disk in order
  std::uint32_t node = 0;
  std::string lost;  // what it had acknowledged and is gone, as the world knows; empty: nothing
};

using Fact =
    std::variant<DeviceJoined, MessageSent, MessageForgotten, AcceptedHeard, RefusalHeard, EventSeen, PhoneCrashed,
                 MarksHeard, ReadByPerson, Healed, Settled, NotSettled, AppendHandedOut, AppendDurable, NodeCrashed,
                 AnswerLeft, RequestTaken, RequestAnswered, SessionOver, NodeHindered, ContractBroken, MarksLeft,
                 JournalReplaced, DeviceGone, RequestAsked, AnswerHeard, ConnectionLost, OperatorStep, HostileJoined,
                 HostileSent, DeviceRevoked, ToldDevice, HistoryAsked, HistoryLeft, ListSeen, EntryCommitted,
                 AuditAsked, AuditAnswered, NodeMeasured, SessionQueued, ConnectTried, TrafficCounted, IdleFrame,
                 NodeStarted, NodeRefused, PathChanged, PathSlowed, EntryLogged, EntryApplied, LeaderSpoke, VoteLeft,
                 ResultLeft, LeadChanged, RejectionLeft, EventTold, ShardSilenced, StateRotted, ReplicaStopped,
                 ReplicaInstalls, DiskSearched, HiddenListed, CountsHeard, GateAsked, GateHeard>;

// T facts are those of nodes, but for what operators do to them or are told by them.
template <class Known>
constexpr bool is_tap =
    (requires(Known fact) { fact.node; } && !std::is_same_v<Known, OperatorStep> &&
     !std::is_same_v<Known, NodeRefused>) ||
    std::is_same_v<Known, ConnectTried> || std::is_same_v<Known, TrafficCounted> ||
    std::is_same_v<Known, PathChanged> || std::is_same_v<Known, PathSlowed> || std::is_same_v<Known, ShardSilenced>;
[[nodiscard]] inline bool is_tapped(const Fact& fact) {
  return std::visit([]<class Known>(const Known&) { return is_tap<Known>; }, fact);
}

}  // namespace chasqui::sim
