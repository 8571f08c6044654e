// The inside of core::Node: the rooms, and what passes between them. node*.cc alone compose rooms.
//
// node.cc: step() and time. node_shards.cc: proposing and applying. node_feed.cc: what shards owe each other.
// node_asks.cc: requests on their way to the leader of their shard, and back. node_requests.cc: what sessions ask, at
// that leader; node_groups.cc: of groups; node_receipts.cc: of marks, and how sessions hear of them. node_accounts.cc:
// what HTTP asks. node_sessions.cc: how sessions anywhere are told what happens. node_settings.cc: what a user sets for
// themselves. node_rates.cc: how much is said in a conversation. node_gates.cc: what a user says of others;
// node_first.cc: what waits for it. node_ephemeral.cc: presence
// and typing. node_expiry.cc: messages that disappear. node_peers.cc: frames to and from other nodes. node_streams.cc:
// whole states to and from them. node_hashes.cc: whether they hold the same. node_rows.cc: rows on their way to the
// store. Over 400 lines because it is the one place where a node is seen whole.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "core/base/hash_index.h"
#include "core/fanout/expiry.h"
#include "core/fanout/feed.h"
#include "core/fanout/marks.h"
#include "core/fanout/notify.h"
#include "core/fanout/receipts.h"
#include "core/gateway/gateway.h"
#include "core/gateway/registry.h"
#include "core/gateway/watchers.h"
#include "core/meta/placement.h"
#include "core/node.h"
#include "core/replica/batch.h"
#include "core/replica/replica.h"
#include "core/replica/snapshot_sink.h"
#include "core/replica/snapshot_source.h"
#include "core/router/asks.h"
#include "core/router/router.h"
#include "core/shard/apply.h"
#include "core/shard/group.h"

namespace chasqui {

// Who waits for an answer: an ask of that node.
struct Asker {
  NodeId node;
  std::uint64_t ask = 0;
};

// A session's request, at the leader of the shard it concerns.
struct ShardRequest {
  Asker asker;
  UserId user;
  DeviceId device;
  SessionId session;  // at the asker's node
  MonoTime deadline;
  client::ClientFrame frame;
};
using RequestPtr = std::shared_ptr<const ShardRequest>;

// Of a session's request, what goes to one shard: without its frame.
[[nodiscard]] inline std::shared_ptr<ShardRequest> part_of(const gateway::Request& in) {
  auto part = std::make_shared<ShardRequest>();
  part->user = in.user;
  part->device = in.device;
  part->session = in.session;
  part->deadline = in.deadline;
  return part;
}

// What became of an ask.
struct Moved {  // it is not led there (any more): to be asked again elsewhere
  NodeId leader;
  RaftTerm term;
  bool may_be_proposed = false;
};
struct SessionRegistered {};  // of a Hello; the frame follows
struct HandleOwner {
  UserId user;  // 0: nobody has it
};
struct Credential {
  std::string credential;  // empty: no such account
};
struct StanceTaken {};  // of a Notify of what a user has said of another
using Outcome = std::variant<client::ServerFrame, gateway::Refusal, Moved, SessionRegistered, HandleOwner, Credential,
                             shard::AccountCreated, peer::GateAnswers, StanceTaken>;

// Who waits for the outcome of a proposed command.
struct SendOrigin {
  Asker asker;
  ConversationId conversation;
  OutboxSeq outbox_seq;
  std::string content_fault;  // why its content may not be stored, in words; empty: it may
  UserId sender;
  bool is_first = false;  // it tells the header what was asked: see Gated
};
struct MarkOrigin {
  ConversationId conversation;
  UserId user;
  std::vector<fanout::AckOrigin> acks;
};
struct NotifyOrigin {
  log::Notify command;
  std::vector<fanout::BatchName> completes;
};
struct AccountOrigin {  // CreateAccount, AddDevice
  Asker asker;
};
struct DeviceOrigin {  // RenewDevice, Logout
  Asker asker;
};
using ParkOrigin = log::Park;
using UnparkOrigin = log::Unpark;
struct CursorOrigin {};
struct ExpireOrigin {};
struct SettingOrigin {  // Hide, SetPrivacy
  Asker asker;
  UserId user;
  std::string conversation;  // of a Hide
};
struct GateOrigin {  // SetGate
  Asker asker;
  UserId user;
  UserId other;
  MonoTime deadline;
};
struct StanceOrigin {  // a Notify that was asked for
  Asker asker;
};
struct NobodyOrigin {};  // nobody waits
using Origin = std::variant<SendOrigin, MarkOrigin, NotifyOrigin, AccountOrigin, DeviceOrigin, ParkOrigin, UnparkOrigin,
                            CursorOrigin, ExpireOrigin, SettingOrigin, GateOrigin, StanceOrigin, NobodyOrigin>;

class Node::Impl {
 public:
  Impl(const NodeConfig& config, Store& store, std::vector<ReplicaImage> log, const Seed& seed);
  void step(Now now, Input input, Outputs& out);
  [[nodiscard]] MonoTime next_deadline() const;
  [[nodiscard]] std::size_t shards_led() const;
  [[nodiscard]] bool reaches_majority() const { return 2 * reached() > config_.members.size(); }
  [[nodiscard]] bool ready() const { return started_ && replaying_.empty() && router_.all_led(); }
  [[nodiscard]] bool handed_over() const;
  [[nodiscard]] std::uint64_t memory_bytes() const;
  [[nodiscard]] NodeSizes sizes() const;
  [[nodiscard]] const std::vector<AppliedEntry>& applied() const { return applied_; }

 private:
  struct InFlight {
    RaftIndex index;
    RaftTerm term;
    std::vector<Origin> origins;  // emptied once answered
    std::uint64_t bytes = 0;
    MonoTime until;  // then the outcome is said to be unknown
  };
  // Sends of one user into one conversation, from the first about which other shards must be asked.
  struct Gated {
    using Key = std::pair<ConversationId, UserId>;
    struct Send {
      log::Command command;
      SendOrigin origin;
      MonoTime deadline;
    };
    std::deque<Send> sends;   // not yet proposed: of the first one it is being asked, if round > 0
    std::uint64_t round = 0;  // of questions
    std::size_t asked = 0;    // shards that have not answered
    bool is_charged = false;  // its sender's rate has been asked
    absl::btree_map<UserId, peer::GateAnswer> answers;
    std::optional<log::KnownGate> known;  // of the other member: what is proposed with it
    std::size_t in_flight = 0;            // and not yet applied
  };
  struct Shard {
    Shard(ShardId shard, replica::Replica r, shard::Machine m, ShardCount count, const Limits& limits)
        : id(shard),
          replica(std::move(r)),
          machine(std::move(m)),
          batch(limits),
          feed(shard, count, limits),
          notify(limits),
          marks(limits),
          receipts(limits) {}
    ShardId id;
    replica::Replica replica;
    shard::Machine machine;
    replica::Batch<Origin> batch;
    std::deque<InFlight> in_flight;
    fanout::Feed feed;
    fanout::Notify notify;
    fanout::Marks marks;
    fanout::GroupReceipts receipts;
    gateway::Registry registry;  // of a leader
    gateway::Watchers watchers;  // likewise
    fanout::Expiry expiry;
    NodeId home_leader;                // who should lead it
    MonoTime transfer_due;             // then, if that is another
    Duration balance_wait{};           // from when we lead it to then
    std::optional<MonoTime> given_at;  // when we last gave it to who should lead it
    NodeId handing_to;                 // the leadership is being handed over: nothing is proposed meanwhile
    MonoTime handing_until;
    struct {
      NodeId node;
      RaftTerm term;
    } announced;               // who says it leads in a later term, while we do not know yet that we do not
    bool led = false;          // as far as we have acted on it
    bool has_stopped = false;  // its replica, and that was noted
    // While it is in replaying_: the end of its log when it started, and what its leader said then to be committed.
    RaftIndex log_at_start;
    std::optional<RaftIndex> committed_at_start;
    // Reads that came while the lease did not hold: done when it does, or after a barrier.
    struct Unfresh {
      Asker asker;
      std::function<void(Now, Outputs&)> again;
    };
    std::deque<Unfresh> unfresh;
    MonoTime unfresh_due = MonoTime::never();
    absl::btree_map<Gated::Key, Gated> gated;  // see there
    std::size_t gated_waiting = 0;             // sends in them
    RaftIndex barrier;                         // under way for reads; 0: none
    std::size_t barrier_covers = 0;            // of `unfresh`, from the front: those asked before it was proposed
    bool is_fresh = false;                     // while `unfresh` is being done
    MonoTime check_due = MonoTime::never();    // as it stands in checks_
    std::uint64_t entries_unchecked = 0;
    RaftIndex disputed;                                      // where hashes differ; 0: nowhere
    absl::btree_map<NodeId, std::uint64_t> disputed_hashes;  // what was told of it
    bool differs = false;                                    // it stands against the others, and has stopped
    std::uint64_t appends_synced = 0;
    LogTime proposed_time;  // of the last entry proposed in this leadership
    MonoTime proposed_at;
    bool cursor_proposed = false;
    MonoTime cursor_due = MonoTime::never();
    MonoTime timer = MonoTime::never();  // as it stands in timers_
  };
  struct Call {
    Address address{};
    std::variant<CreateAccountCall, LoginCall, ProvisionCall> body;
    std::string handle;  // folded
    UserId user;
  };
  using Continuation = std::function<void(Now, ReadDone&, Outputs&)>;

  // What is asked of a shard's leader.
  struct SessionAsk {
    std::shared_ptr<ShardRequest> request;
    std::uint64_t request_id = 0;
    std::uint64_t marks = 0;  // > 0: a part of that Marks or Watch request
  };
  struct CallAsk {
    CallId call;
    std::variant<HandleOwner, Credential, log::Command> wants;  // the first two: of `handle`, of `user`
    std::string handle;
    UserId user;
  };
  // What the leader of another shard, here, must know before it goes on.
  struct ShardAsk {
    std::variant<peer::GateQuery, log::Command> wants;
    std::function<void(Now, Outcome&, Outputs&)> then;
  };
  using AskBody = std::variant<SessionAsk, CallAsk, ShardAsk>;
  // A Marks request over several shards.
  struct MarksAsked {
    SessionId session;
    std::uint64_t request_id = 0;
    std::size_t parts = 0;
    client::MarksPage page;
    client::Presences presences;  // of a Watch, whose parts are put together likewise
    bool is_watch = false;
    std::optional<gateway::Refusal> refusal;
  };
  struct Unsynced {
    AppendId id;
    ShardId shard;
    MonoTime at;  // when it was handed out
  };
  // As a gateway: what the leader of a shard whose users have sessions here should know, and what it told.
  struct Told {
    NodeId leader;
    std::uint64_t round = 0;
    std::uint64_t number = 0;
    std::size_t catching_up = 0;   // lists of the round whose lacks the leader has not told yet
    bool was_catching_up = false;  // at the last renewal: a list that lasts from one to the next was lost
  };
  // The lacks of the sessions of one list, being looked up.
  struct CatchUp {
    NodeId node;
    std::uint64_t round = 0;
    std::size_t reads = 0;  // under way
  };
  using CatchUpPtr = std::shared_ptr<CatchUp>;
  // What leaves for one peer at the end of a step.
  struct PeerOut {
    peer::Leads leads;
    std::vector<peer::PeerFrame> first;  // before any ask
    peer::RaftFrame raft;
    peer::Asks asks;
    peer::Answers answers;
    absl::btree_map<ShardId, peer::Tells> tells;
    std::vector<peer::PeerFrame> others;
  };

  // node.cc
  void input(Now now, Tick&, Outputs& out);
  void input(Now now, SessionOpened& in, Outputs& out);
  void input(Now now, SessionFrame& in, Outputs& out);
  void input(Now now, SessionWritable& in, Outputs& out);
  void input(Now now, SessionClosed& in, Outputs& out);
  void input(Now now, HttpCall& in, Outputs& out);
  void input(Now now, PasswordHashed& in, Outputs& out);
  void input(Now now, CallAbandoned& in, Outputs& out);
  void input(Now now, PeerFrame& in, Outputs& out);
  void input(Now now, PeerReachable& in, Outputs& out);
  void input(Now now, PeerUnreachable& in, Outputs& out);
  void input(Now now, LogAppended& in, Outputs& out);
  void input(Now now, ReadDone& in, Outputs& out);
  void input(Now now, StoreFlushed& in, Outputs& out);
  void input(Now now, Pressure& in, Outputs& out);
  void input(Now now, Drain& in, Outputs& out);
  void input(Now now, StreamRowsRead& in, Outputs& out);  // node_streams.cc
  void input(Now now, StreamRowsWritten& in, Outputs& out);
  void input(Now now, StreamIngested& in, Outputs& out);
  void settle(Now now, Outputs& out);
  void set_timer(Shard& shard);
  void start(Now now, Outputs& out);
  [[nodiscard]] bool is_alone() const { return config_.members.size() <= 1; }

  // node_streams.cc: a shard's whole state, to other nodes and from them
  void stream_frame(Now now, NodeId from, peer::PeerFrame& frame, Outputs& out);
  void begin_install(Shard& shard, const replica::Install& install, Outputs& out);
  void move_streams(Now now, Outputs& out);  // in each step
  [[nodiscard]] bool may_install(const Shard& shard) const;
  [[nodiscard]] std::optional<Ingested> ingested_row(ShardId shard) const;
  [[nodiscard]] replica::Replica::Keep log_kept(const Shard& shard, std::uint64_t tails_bytes) const;
  [[nodiscard]] std::uint64_t tails_bytes() const;
  void bound_tails(Now now, std::uint64_t tails_bytes, Outputs& out);

  // node_hashes.cc: do the replicas of a shard hold the same state? (rule R4)
  void hash_applied(Shard& shard, const shard::Applied& applied, Now now, Outputs& out);
  void propose_checks(Now now);  // in each step
  void tell_hash(Shard& shard, RaftIndex index, std::uint64_t hash, Outputs& out);
  void hash_told(NodeId from, const peer::ShardHash& told, Outputs& out);
  void judge_hashes(Shard& shard, Outputs& out);

  // node_shards.cc
  Shard* held(ShardId id) { return shards_[id.value()].get(); }  // nullptr: no replica of it is here
  Shard& shard_at(ShardId id) { return *shards_[id.value()]; }
  // nullptr: it is not led here.
  Shard* led(ShardId id) {
    Shard* shard = held(id);
    return shard != nullptr && shard->led ? shard : nullptr;
  }
  [[nodiscard]] Moved moved(ShardId shard, bool may_be_proposed = false) const;
  // nullopt: it waits. Else why not; certainly not proposed.
  std::optional<Outcome> enqueue(Shard& shard, const log::Command& command, Origin origin, Now now, MonoTime deadline,
                                 bool stores_content);
  void pump(Shard& shard, Now now, Outputs& out);
  [[nodiscard]] bool may_propose(const Shard& shard) const;
  void gather(Shard& shard, Now now);
  void propose(Shard& shard, Now now, Outputs& out);
  void take(Shard& shard, replica::Outputs& outputs, Outputs& out);
  void role(Shard& shard, Now now, Outputs& out);
  void apply_some(Now now, Outputs& out);
  void see_replayed(const Shard& shard);
  void apply(Shard& shard, const replica::Committed& entry, Now now, Outputs& out);
  void consequences(Shard& shard, RaftIndex index, shard::Applied& applied, Now now, Outputs& out);
  LogTime entry_time(Shard& shard, Now now) const;
  // What becomes of a command: its reply, or why it was not applied here.
  void reply(Shard& shard, Origin& origin, const shard::Reply& reply, Now now, Outputs& out);
  void fail(Shard& shard, Origin& origin, Outcome outcome, Now now, Outputs& out);

  // node_feed.cc
  void move_notifies(Now now, Outputs& out);
  void take(Now now, NodeId from, peer::Notifies& notifies, Outputs& out);
  void take_peer_notify(Now now, NodeId from, const peer::NotifyBatch& batch, Outputs& out);
  void take_notify(Shard& destination, const peer::NotifyBatch& batch, NodeId from, Now now, Outputs& out);
  void acknowledge(const fanout::BatchName& name);
  void take_acknowledgement(const peer::NotifyAck& ack);
  void read_feed(Shard& shard, Outputs& out);
  void read_feed_members(Shard& shard, std::vector<fanout::Feed::StoredRow> rows, bool more, Outputs& out);
  void gather_parked(Shard& shard, Now now);
  void read_parked(Shard& shard, Now now, Outputs& out);

  // node_asks.cc
  void ask(Now now, ShardId shard, MonoTime deadline, AskBody body, Outputs& out);
  void dispatch(Now now, std::uint64_t id, Outputs& out);  // to the shard's leader, or it waits
  void flush_waiting(Now now, ShardId shard, Outputs& out);
  void expire_asks(Now now, Outputs& out);
  void take_ask(Now now, NodeId from, const peer::Ask& ask, Outputs& out);  // of another node
  void serve(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  void serve_handle(Now now, Shard& shard, const Asker& asker, const std::string& handle, Outputs& out);
  void serve_account(Now now, Shard& shard, const Asker& asker, UserId user, Outputs& out);
  void serve_command(Now now, Shard& shard, const Asker& asker, const log::Command& command, MonoTime deadline,
                     Outputs& out);
  void respond(Now now, const Asker& asker, Outcome outcome, Outputs& out);
  void take_answer(Now now, NodeId from, const peer::Answer& answer, Outputs& out);
  void outcome(Now now, std::uint64_t id, Outcome outcome, Outputs& out);  // of an ask of ours
  void session_outcome(Now now, std::uint64_t id, SessionAsk& ask, Outcome& outcome, Outputs& out);
  void marks_outcome(Now now, const SessionAsk& ask, Outcome& outcome, Outputs& out);

  // node_requests.cc
  void request(Now now, gateway::Request& request, Outputs& out);
  void refuse_here(Now now, const gateway::Request& request, client::Code code, std::string message, Outputs& out);
  void hello(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  void hello_checked(Now now, Shard& shard, const RequestPtr& request, const state::Device& row, Outputs& out);
  void send(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  // In node_rates.cc. The number that this device is to take next there: a lower one is a retry.
  [[nodiscard]] static OutboxSeq next_number(Shard& shard, const ConversationId& conversation, UserId user,
                                             DeviceId device);
  // False: the conversation has had too many, and that was answered.
  bool takes_turn(Now now, Shard& shard, const ConversationId& conversation, const ShardRequest& request, Outputs& out);
  void ack(Now now, Shard& shard, const ShardRequest& request, std::uint64_t request_id);
  void history(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  void look_up(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  // node_groups.cc: history and state of a group, for members
  void group_history(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  void group_events(Now now, const Shard& shard, const RequestPtr& request, const state::Header& header,
                    const std::vector<shard::SeqRange>& seen, bool is_member, Outputs& out);
  void describe_group(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  void renew_device(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  void log_out(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  // One page of a user's index; `greeting`: it is the answer to Hello.
  void sync(Now now, Shard& shard, const RequestPtr& request, Version since, Version below, bool greeting,
            Outputs& out);
  // `hello`: it is the answer to Hello, which holds so much already.
  void sync_entries(Now now, Shard& shard, const RequestPtr& request, std::optional<client::HelloAnswer> hello,
                    client::SyncPage page, std::vector<ConversationId> conversations, bool first_page, Outputs& out);
  void refuse(Now now, const Asker& asker, client::Code code, std::string message, Outputs& out,
              std::uint32_t retry_after_ms = 0);
  // What a shard's reads are answered from must be fresh (rule R5): false if it is not now. Then `again` is called when
  // it is, or the asker is sent elsewhere.
  template <class Again>
  bool fresh(Now now, Shard& shard, const Asker& asker, Again again, Outputs& out) {
    if (shard.led && (shard.is_fresh || lease_holds(now, shard))) return true;
    wait_until_fresh(now, shard, asker, std::move(again), out);
    return false;
  }
  [[nodiscard]] bool lease_holds(Now now, const Shard& shard) const;
  void wait_until_fresh(Now now, Shard& shard, const Asker& asker, std::function<void(Now, Outputs&)> again,
                        Outputs& out);
  void serve_unfresh(Now now, Shard& shard, Outputs& out);

  // node_sessions.cc
  void tell_push(Now now, Shard& shard, const peer::NotifyItem& item, Outputs& out);
  void tell_group_push(Now now, Shard& shard, const peer::NotifyItem& item, Outputs& out);
  void tell_head(Now now, Shard& shard, const shard::IndexMoved& moved, Outputs& out);
  void tell_acked(Now now, UserId user, const fanout::AckOrigin& ack, client::ServerFrame& frame, Outputs& out);
  void tell_device_gone(Now now, Shard& shard, UserId user, DeviceId device, Outputs& out);
  void tell_replaced(Now now, Shard& shard, const std::vector<gateway::Registered>& replaced, Outputs& out);
  peer::Tell& new_tell(Shard& shard, NodeId to, UserId user);
  void register_all(Now now, ShardId shard, Outputs& out);  // our sessions of that shard, with its leader
  void register_again(Now now, const gateway::Gateway::OfShard& session, Outputs& out);  // one, in the same round
  void leave_list(Now now, const peer::Registration& list, Outputs& out);
  void catch_up(Now now, Shard& shard, const CatchUpPtr& list, std::vector<peer::RegisteredSession> sessions,
                Outputs& out);
  void caught_up(Now now, Shard& shard, const CatchUpPtr& list, const std::vector<peer::RegisteredSession>& sessions,
                 ReadDone& done, Outputs& out);
  void all_told(Shard& shard, const CatchUpPtr& list);
  void list_done(ShardId shard, std::uint64_t round);
  [[nodiscard]] bool is_whole(ShardId shard) const;
  struct Lacking {
    UserId user;
    ConversationId conversation;
  };
  void tell_lacking(Now now, Shard& shard, const CatchUpPtr& list, std::vector<Lacking> lacking, Outputs& out);
  void tell_gone_sessions();
  void tell_gone(ShardId shard, SessionId session);
  void take(Now now, NodeId from, const peer::Tells& tells, Outputs& out);
  void take(Now now, NodeId from, const peer::Registration& registration, Outputs& out);
  void take(Now now, NodeId from, const peer::Renewal& renewal);

  // node_receipts.cc: delivered and read, as the other members are told of them
  void ask_marks(Now now, const gateway::Request& request, Outputs& out);
  void marks(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  void receipts_of(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  void marks_moved(Now now, Shard& shard, const shard::MarksMoved& moved, Outputs& out);
  void tell_receipt(Now now, UserId to, const client::Receipt& receipt, Outputs& out);
  void tell_receipt_here(Now now, Shard& shard, UserId to, const client::Receipt& receipt, Outputs& out);
  void tell_due_receipts(Now now, Shard& shard, Outputs& out);
  void tell_group_receipts(Now now, const fanout::GroupReceipts::Due& due, const ReadDone& done, Outputs& out);
  void tell_group(Now now, const std::vector<UserId>& users, const client::GroupReceipts& receipts, Outputs& out);
  void tell_group_here(Now now, Shard& shard, const std::vector<UserId>& users, const client::GroupReceipts& receipts,
                       Outputs& out);
  void take(Now now, const peer::ReceiptItem& item, Outputs& out);
  void tell_privacy(Shard& shard, NodeId node, const shard::PrivacyMoved& moved);

  // node_gates.cc: who has blocked whom, and what waits for it to be known
  void serve_gates(Now now, Shard& shard, const Asker& asker, const peer::GateQuery& query, Outputs& out);
  void set_gate(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  void gate_set(Now now, const GateOrigin& origin, const shard::GateNow& gate, Outputs& out);
  [[nodiscard]] bool is_stance(const log::Command& command, ShardId shard, NodeId from) const;
  [[nodiscard]] static bool needs_gates(Shard& shard, const log::Send& send);
  void send_gated(Now now, Shard& shard, log::Command command, SendOrigin origin, MonoTime deadline, Outputs& out);
  bool propose_send(Now now, Shard& shard, const log::Command& command, SendOrigin origin, MonoTime deadline,
                    Outputs& out);
  static Gated::Send take_gated(Shard& shard, Gated& gated);
  void next_gated(Now now, Shard& shard, const Gated::Key& key, Outputs& out);
  void propose_first(Now now, Shard& shard, const Gated::Key& key, const log::KnownGate& known, Outputs& out);
  static void first_applied(Shard& shard, const Gated::Key& key);
  void ask_gates(Now now, Shard& shard, const Gated::Key& key, Outputs& out);
  void charge(Now now, Shard& shard, const Gated::Key& key, peer::GateQuery query, Outputs& out);
  void ask_users(Now now, Shard& shard, const Gated::Key& key, const std::vector<UserId>& users, Outputs& out);
  void ask_shard(Now now, Shard& shard, const Gated::Key& key, ShardId of, peer::GateQuery query, Outputs& out);
  void gates_answered(Now now, Shard& shard, const Gated::Key& key, std::uint64_t round,
                      const std::vector<UserId>& users, Outcome& what, Outputs& out);
  void direct_answered(Now now, Shard& shard, const Gated::Key& key, Outputs& out);
  void group_answered(Now now, Shard& shard, const Gated::Key& key, Outputs& out);
  void fail_gated(Now now, Shard& shard, const Gated::Key& key, const Outcome& what, Outputs& out);
  void drop_gated(Now now, Shard& shard, Outputs& out);

  // node_settings.cc
  void hide(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  void ask_hidden(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  void set_privacy(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  [[nodiscard]] static client::ServerFrame setting_answer(Shard& shard, const SettingOrigin& origin,
                                                          const shard::Reply& reply);

  // node_ephemeral.cc
  void ask_watch(Now now, const gateway::Request& request, Outputs& out);
  void ask_watched(Now now, const gateway::Request& request, const std::vector<UserId>& blocked, Outputs& out);
  void watch(Now now, Shard& shard, const RequestPtr& request, Outputs& out);
  void take_typing(Now now, const gateway::Request& request, Outputs& out);
  void tell_typing(Now now, Shard& shard, UserId user, const client::Typing& typing, Outputs& out);
  void tell_presence(Now now, Shard& shard, Outputs& out);
  void tell_group_typing(Now now, Shard& shard, UserId user, const peer::TypingInGroup& typing, Outputs& out);
  void tell_typing_to(Now now, const std::vector<gateway::Watcher>& watchers, const ConversationId& conversation,
                      UserId user, bool is_over, Outputs& out);
  void tell_watchers(Now now, const std::vector<gateway::Watcher>& watchers, const client::ServerFrame& frame,
                     Outputs& out);
  void take(Now now, const peer::EphemeralBatch& batch, Outputs& out);

  // node_expiry.cc
  void gather_expired(Shard& shard, Now now);
  void read_expired(Shard& shard, Now now, Outputs& out);
  [[nodiscard]] MonoTime expiry_deadline(Shard& shard) const;

  // node_peers.cc
  void take(Now now, NodeId from, const peer::RaftFrame& frame, Outputs& out);
  void take(Now now, NodeId from, const peer::Leads& leads, Outputs& out);
  void leader_known(Now now, ShardId shard, Outputs& out);
  void resend_to_new_leaders(Now now);
  void announce(ShardId shard);
  void beat(Now now, Outputs& out);  // each second, with peers
  void balance(Now now, Outputs& out);
  void hand_over(Now now, Shard& shard, Outputs& out);
  [[nodiscard]] NodeId better_leader(Now now, const Shard& shard) const;
  void tell_clock(Now now);
  void judge_clock();
  void judge_disk(Now now, Outputs& out);
  [[nodiscard]] MonoTime append_overdue() const;  // when the oldest one has waited for too long
  [[nodiscard]] MonoTime disk_due() const;        // when that is to be looked at, unless a beat does so anyway
  [[nodiscard]] std::size_t reached() const { return reachable_.size() + 1; }
  [[nodiscard]] bool is_unfit() const {
    return draining_ || !clock_agrees_ || now_ < disk_slow_until_ || pressure_.disk == Pressure::Disk::NoWrites;
  }
  PeerOut& to_peer(NodeId node) { return peers_out_[node]; }
  void flush_peers(Now now, Outputs& out);

  // node_accounts.cc
  void ask_handle(Now now, CallId id, const Call& call, Outputs& out);
  void call_outcome(Now now, const CallAsk& ask, Outcome& outcome, Outputs& out);
  void handle_found(Now now, CallId id, Call& call, UserId owner, Outputs& out);
  void propose_account(Now now, CallId id, Call& call, std::string credential, Outputs& out);
  void propose_device(Now now, CallId id, Call& call, Outputs& out);
  void answer_call(CallId id, HttpAnswer answer, Outputs& out);
  void refuse_call(CallId id, client::Code code, std::string message, Outputs& out, std::uint32_t retry_after_ms = 0);
  UserId draw_user(std::string_view handle);

  // node_rows.cc
  void rows_changed(Shard& shard, std::uint64_t unwritten_before, Now now);
  void write_rows_due(Now now);
  void write_rows_of(Shard& shard);
  void take_rows(Shard& shard, WriteBatch& batch);
  // False: too many reads are under way, and `then` is not kept.
  bool read(std::vector<RangeRead> ranges, Continuation then, Outputs& out);

  NodeConfig config_;
  Store& store_;
  Random random_;
  gateway::Gateway gateway_;
  router::Router router_;
  std::vector<std::unique_ptr<Shard>> shards_;  // by shard id; nullptr: no replica of it is here
  std::size_t shards_held_ = 0;                 // of them
  bool started_ = false;
  bool draining_ = false;
  Pressure pressure_;

  absl::btree_set<ShardId> replaying_;  // that have not yet applied what was committed when this node started
  MonoTime applied_at_;                 // when something was applied last,
  std::size_t applied_then_ = 0;        // and how many commands at that moment
  absl::btree_set<ShardId> touched_;    // to be pumped in this step
  absl::btree_set<ShardId> led_anew_;   // by a leader who became known in this step
  absl::btree_set<ShardId> feeding_;    // whose feed has batches to send in this step
  absl::btree_set<std::pair<MonoTime, ShardId>> timers_;
  std::deque<std::pair<ShardId, replica::Committed>> committed_;  // waiting to be applied, in order
  MonoTime now_;                                                  // of the last step
  WallTime wall_;                                                 // likewise

  absl::btree_set<ShardId> ahead_;  // of the store: rows of theirs are to be written
  MonoTime write_due_;              // if there are any
  std::uint64_t unwritten_bytes_ = 0;
  std::vector<AppliedEntry> applied_;  // in the last step

  AppendId last_append_;
  std::deque<Unsynced> appends_;       // in order
  MonoTime watched_since_;             // since when steps have come as they should
  MonoTime disk_slow_until_;           // it kept an append waiting for too long not long ago
  std::uint64_t bytes_in_flight_ = 0;  // proposed and not yet applied, all shards

  StreamId last_stream_;
  ReadId last_read_;
  HashIndex<ReadId, Continuation> reads_;
  HashIndex<CallId, Call> calls_;
  gateway::BucketTable<Address> registrations_;
  gateway::BucketTable<Address> logins_;
  gateway::BucketTable<std::string> login_failures_;      // by handle and address
  gateway::BucketTable<UserId> first_messages_;           // to strangers, by users of shards led here
  gateway::BucketTable<ConversationId> sends_;            // into conversations of shards led here
  gateway::BucketTable<UserId> adds_;                     // people added to groups, likewise
  absl::btree_set<std::pair<MonoTime, ShardId>> checks_;  // when a leader proposes a CheckHash
  replica::SnapshotSource source_;
  replica::SnapshotSink sink_;

  router::Asks<AskBody> asks_;
  HashIndex<std::uint64_t, MarksAsked> marks_asked_;
  std::uint64_t last_marks_asked_ = 0;
  std::uint64_t last_gate_round_ = 0;

  absl::btree_map<NodeId, PeerOut> peers_out_;
  absl::btree_map<NodeId, MonoTime> reachable_;  // since when
  HashIndex<ShardId, Told> told_;                // shards of which sessions are or were here
  std::uint64_t last_round_ = 0;
  MonoTime beat_due_ = MonoTime::never();
  std::uint64_t beats_ = 0;
  MonoTime peer_lost_at_;                                 // the last one
  absl::btree_map<NodeId, std::size_t> reaches_;          // how many nodes a peer reaches, as last heard
  absl::btree_map<NodeId, std::int64_t> clock_ahead_ms_;  // of a peer's wall clock before ours, as last heard
  absl::btree_set<NodeId> unfit_;                         // peers that must not be given a leadership
  bool clock_agrees_ = true;                              // with the median of the peers' (rule R7)
};

}  // namespace chasqui
