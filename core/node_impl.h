// The inside of core::Node: the rooms, and what passes between them. node*.cc alone compose rooms.
//
// node.cc: step() and time. node_shards.cc: proposing, applying, the feed. node_requests.cc: what sessions ask.
// node_accounts.cc: what HTTP asks.
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
#include "core/fanout/feed.h"
#include "core/fanout/marks.h"
#include "core/fanout/notify.h"
#include "core/gateway/gateway.h"
#include "core/node.h"
#include "core/replica/batch.h"
#include "core/replica/replica.h"
#include "core/replica/snapshot_sink.h"
#include "core/replica/snapshot_source.h"
#include "core/router/router.h"
#include "core/shard/apply.h"

namespace chasqui {

// Who waits for the outcome of a proposed command.
struct SendOrigin {
  SessionId session;
  std::uint64_t request_id = 0;
  ConversationId conversation;
  OutboxSeq outbox_seq;
  std::string content_fault;  // why its content may not be stored, in words; empty: it may
};
struct MarkOrigin {
  ConversationId conversation;
  std::vector<fanout::AckOrigin> acks;
};
struct NotifyOrigin {
  log::Notify command;
  std::vector<fanout::BatchName> completes;
};
struct CallOrigin {
  CallId call;
};
struct DeviceOrigin {  // RenewDevice, Logout
  SessionId session;
  std::uint64_t request_id = 0;
  bool renewed = false;
};
struct CursorOrigin {};
struct NobodyOrigin {};  // nobody waits
using Origin = std::variant<SendOrigin, MarkOrigin, NotifyOrigin, CallOrigin, DeviceOrigin, CursorOrigin, NobodyOrigin>;

class Node::Impl {
 public:
  Impl(const NodeConfig& config, Store& store, std::vector<ReplicaImage> log, const Seed& seed);
  void step(Now now, Input input, Outputs& out);
  [[nodiscard]] MonoTime next_deadline() const;
  [[nodiscard]] bool ready() const { return shards_led_ == shards_.size(); }
  [[nodiscard]] std::uint64_t memory_bytes() const;
  [[nodiscard]] NodeSizes sizes() const;

 private:
  struct InFlight {
    RaftIndex index;
    RaftTerm term;
    std::vector<Origin> origins;  // emptied once answered
    std::uint64_t bytes = 0;
    MonoTime until;  // then the outcome is said to be unknown
  };
  struct Shard {
    Shard(ShardId shard, replica::Replica r, shard::Machine m, ShardCount count, const Limits& limits)
        : id(shard),
          replica(std::move(r)),
          machine(std::move(m)),
          batch(limits),
          feed(shard, count, limits),
          notify(limits),
          marks(limits) {}
    ShardId id;
    replica::Replica replica;
    shard::Machine machine;
    replica::Batch<Origin> batch;
    std::deque<InFlight> in_flight;
    fanout::Feed feed;
    fanout::Notify notify;
    fanout::Marks marks;
    bool led = false;  // as far as we have acted on it
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

  // node_streams.cc: a shard's whole state, to other nodes and from them
  void stream_frame(Now now, NodeId from, peer::PeerFrame& frame, Outputs& out);
  void begin_install(Shard& shard, const replica::Install& install, Outputs& out);
  void move_streams(Now now, Outputs& out);  // in each step
  [[nodiscard]] bool may_install(const Shard& shard) const;
  [[nodiscard]] std::optional<Ingested> ingested_row(ShardId shard) const;
  [[nodiscard]] replica::Replica::Keep log_kept(const Shard& shard, std::uint64_t tails_bytes) const;
  [[nodiscard]] std::uint64_t tails_bytes() const;
  void bound_tails(Now now, std::uint64_t tails_bytes, Outputs& out);

  // node_shards.cc
  Shard& shard_at(ShardId id) { return *shards_[id.value()]; }
  Shard& shard_of_user(UserId user) { return shard_at(router_.of_user(user).shard); }
  Shard& shard_of_conversation(const ConversationId& c) { return shard_at(router_.of_conversation(c).shard); }
  Shard& shard_for_handle(std::string_view handle) { return shard_at(router_.of_handle(handle).shard); }
  // nullopt: it waits. Else why not; certainly not proposed.
  std::optional<gateway::Refusal> enqueue(Shard& shard, const log::Command& command, Origin origin, Now now,
                                          MonoTime deadline, bool stores_content);
  void pump(Shard& shard, Now now, Outputs& out);
  void gather(Shard& shard, Now now);
  void propose(Shard& shard, Now now, Outputs& out);
  void take(Shard& shard, replica::Outputs& outputs, Outputs& out);
  void role(Shard& shard, Now now, Outputs& out);
  void apply_some(Now now, Outputs& out);
  void apply(Shard& shard, const replica::Committed& entry, Now now, Outputs& out);
  void consequences(Shard& shard, RaftIndex index, shard::Applied& applied, Now now, Outputs& out);
  void move_notifies(Now now, Outputs& out);
  void read_feed(Shard& shard, Outputs& out);
  LogTime entry_time(Shard& shard, Now now) const;
  // What becomes of a command: its reply, or a code if it was not applied here.
  void reply(Shard& shard, Origin& origin, const shard::Reply& reply, Now now, Outputs& out);
  void fail(Shard& shard, Origin& origin, const gateway::Refusal& refusal, Now now, Outputs& out);

  // node_requests.cc
  void request(Now now, gateway::Request& request, Outputs& out);
  void hello(Now now, const gateway::Request& request, Outputs& out);
  void send(Now now, const gateway::Request& request, Outputs& out);
  void ack(Now now, const gateway::Request& request, Outputs& out);
  void history(Now now, const gateway::Request& request, Outputs& out);
  void look_up(Now now, const gateway::Request& request, Outputs& out);
  void marks(Now now, const gateway::Request& request, Outputs& out);
  void renew_device(Now now, const gateway::Request& request, Outputs& out);
  void log_out(Now now, const gateway::Request& request, Outputs& out);
  // One page of a user's index; `greeting`: it is the answer to Hello.
  void sync(Now now, const gateway::Request& request, Version since, Version below, bool greeting, Outputs& out);
  void sync_entries(Now now, const gateway::Request& request, bool greeting, client::SyncPage page,
                    std::vector<ConversationId> conversations, bool first_page, Outputs& out);
  void refuse(Now now, const gateway::Request& request, client::Code code, std::string message, Outputs& out,
              std::uint32_t retry_after_ms = 0);
  // False: it cannot be served now, and the request has been refused.
  bool may_read(Now now, const gateway::Request& request, Shard& shard, Outputs& out);

  // node_accounts.cc
  void create_account(Now now, CallId id, Call& call, Outputs& out);
  void log_in(Now now, CallId id, Call& call, Outputs& out);
  void propose_account(Now now, CallId id, Call& call, std::string credential, Outputs& out);
  void propose_device(Now now, CallId id, Call& call, Outputs& out);
  void answer_call(CallId id, HttpAnswer answer, Outputs& out);
  void refuse_call(CallId id, client::Code code, std::string message, Outputs& out, std::uint32_t retry_after_ms = 0);
  UserId draw_user(std::string_view handle);

  // False: too many reads are under way, and `then` is not kept.
  bool read(std::vector<RangeRead> ranges, Continuation then, Outputs& out);

  NodeConfig config_;
  Store& store_;
  Random random_;
  gateway::Gateway gateway_;
  router::Router router_;
  std::vector<std::unique_ptr<Shard>> shards_;  // by shard id
  std::size_t shards_led_ = 0;
  bool started_ = false;
  Pressure pressure_;

  absl::btree_set<ShardId> touched_;  // to be pumped in this step
  absl::btree_set<ShardId> feeding_;  // whose feed has batches to send in this step
  absl::btree_set<std::pair<MonoTime, ShardId>> timers_;
  std::deque<std::pair<ShardId, replica::Committed>> committed_;  // waiting to be applied, in order
  MonoTime now_;                                                  // of the last step

  AppendId last_append_;
  std::deque<std::pair<AppendId, ShardId>> appends_;  // handed out and not yet synced
  std::uint64_t bytes_in_flight_ = 0;                 // proposed and not yet applied, all shards

  StreamId last_stream_;
  ReadId last_read_;
  HashIndex<ReadId, Continuation> reads_;
  HashIndex<CallId, Call> calls_;
  gateway::BucketTable<Address> registrations_;
  gateway::BucketTable<Address> logins_;
  gateway::BucketTable<std::string> login_failures_;  // by handle and address
  replica::SnapshotSource source_;
  replica::SnapshotSink sink_;
};

}  // namespace chasqui
