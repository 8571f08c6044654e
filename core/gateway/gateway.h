// All sessions of a node: who is it, how fast, how much can it take, and what is it told.
//
// Invariants: (1) every request but an Ack is answered once, or its session ends; (2) a registered session is told
// every head of its user that it was not pushed, at the latest when it can take something again; (3) memory is bounded
// by the number of sessions, whatever they do: bytes out by push_budget_bytes_max and one answer for each unanswered
// request, kept heads by Session::missed_max.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "core/base/bounds.h"
#include "core/base/hash_index.h"
#include "core/gateway/session.h"
#include "core/io.h"
#include "proto/client.pb.h"

namespace chasqui::gateway {

// A frame that was let in: of a session that is logged in, or its Hello.
struct Request {
  SessionId session;
  std::uint64_t request_id = 0;
  UserId user;  // of a Hello: as claimed
  DeviceId device;
  MonoTime deadline;
  client::ClientFrame frame;
};

struct Refusal {
  client::Code code = client::UNKNOWN;
  std::string message;
  std::uint32_t retry_after_ms = 0;
  OutboxSeq next_outbox_seq;
  Seq known_seq{};
};

class Gateway {
 public:
  Gateway(const Limits& limits, ShardCount shards);

  // From the sockets. frame() appends what is to be worked on to `requests`, and answers the rest itself.
  void opened(Now now, const SessionOpened& input, Outputs& out);
  void frame(Now now, const SessionFrame& input, std::vector<Request>& requests, Outputs& out);
  void writable(Now now, const SessionWritable& input, Outputs& out);
  void closed(SessionId session);

  // The token was good: of two sessions of one device the one with the higher generation stays. False: it was not
  // this one (it has been told), or it is gone. Once more for the same session changes nothing.
  bool register_session(Now now, SessionId session, Outputs& out);
  // A registered session as the leader of its user's shard is to know it.
  struct OfShard {
    SessionId session;
    UserId user;
    DeviceId device;
    std::uint64_t generation = 0;
    Version version;
  };
  // The last step of the Hello, and answers to requests. To a session that is gone: nothing. What greet() gives is to
  // be registered once more: it was in a list that left before its Hello was answered.
  [[nodiscard]] std::optional<OfShard> greet(Now now, SessionId session, std::uint64_t request_id,
                                             client::ServerFrame& answer, Outputs& out);
  void answer(Now now, SessionId session, std::uint64_t request_id, client::ServerFrame& answer, Outputs& out);
  void refuse(Now now, SessionId session, std::uint64_t request_id, const Refusal& refusal, Outputs& out);
  void acked(Now now, SessionId session, std::uint64_t request_id, client::ServerFrame& answer, Outputs& out);
  void end(SessionId session, client::GoAway::Reason reason, std::string_view message, Outputs& out);

  // What a user's sessions are told unasked.
  void push(Now now, std::span<const UserId> users, const ConversationId& conversation, Seq seq, std::string_view event,
            Outputs& out);
  void push(Now now, UserId user, const ConversationId& conversation, Seq seq, std::string_view event, Outputs& out) {
    push(now, std::span(&user, 1), conversation, seq, event, out);
  }
  // `whole`: nothing below that version is still to come.
  void head_moved(Now now, UserId user, const ConversationId& conversation, const Session::Missed& what, bool whole,
                  Outputs& out);
  // What the sessions of that shard lacked has been told.
  void caught_up(ShardId shard);
  void receipt(Now now, UserId to, const client::Receipt& receipt, Outputs& out);
  void group_receipts(Now now, std::span<const UserId> to, const client::GroupReceipts& receipts, Outputs& out);
  // The user's reading is private from now on, or is not; the state after so many changes.
  void privacy_moved(UserId user, std::uint64_t changes, bool reads_private);
  [[nodiscard]] bool reads_private(SessionId session) const;
  // Presence and typing: for those of these sessions that can take it now.
  void ephemeral(Now now, const std::vector<SessionId>& sessions, const client::ServerFrame& frame, Outputs& out);
  // Whom that session watches from now on, ascending.
  void watches(SessionId session, std::vector<UserId> users);
  void watches_no_more(SessionId session, UserId user);
  [[nodiscard]] bool is_watched(SessionId session, UserId user);
  // The device is logged out: its sessions end.
  void device_gone(UserId user, DeviceId device, Outputs& out);
  // Another session of that device stands, at another node.
  void replaced(UserId user, SessionId session, Outputs& out);
  [[nodiscard]] bool belongs(SessionId session, UserId user) const;

  // The whole list for a leader.
  [[nodiscard]] std::vector<OfShard> of_shard(ShardId shard);
  [[nodiscard]] const absl::btree_map<ShardId, absl::btree_set<SessionId>>& by_shard() const { return by_shard_; }
  // Registered sessions that have ended since this was last asked.
  struct Gone {
    ShardId shard;
    SessionId session;
  };
  [[nodiscard]] std::vector<Gone> take_gone() { return std::exchange(gone_, {}); }

  // `are_others`: other nodes are there to go to at once. Else each is told to wait, by `spread_draw` for another time.
  void drain(Now now, std::uint64_t spread_draw, bool are_others, Outputs& out);
  void tick(Now now, Outputs& out);
  [[nodiscard]] MonoTime next_deadline() const;

  [[nodiscard]] bool online(UserId user) const { return by_user_.contains(user); }
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
  [[nodiscard]] std::uint64_t memory_bytes() const;
  struct Sizes {
    std::uint64_t sessions = 0;
    std::uint64_t sockets_before_hello = 0;
    std::uint64_t missed_most = 0;      // of one session
    std::uint64_t unanswered_most = 0;  // likewise
    std::uint64_t rate_entries_most = 0;
  };
  [[nodiscard]] Sizes sizes() const;  // looks at every session

 private:
  Session* find(SessionId session);
  void one_frame(Now now, Session& session, client::ClientFrame& frame, std::vector<Request>& requests, Outputs& out);
  bool admit(Now now, Session& session, const client::ClientFrame& frame, Outputs& out);
  [[nodiscard]] std::uint32_t wait_of_next_hello(MonoTime now, Rate rate);
  void send(Now now, Session& session, std::string bytes, Outputs& out);
  void tell_missed(Now now, Session& session, Outputs& out);
  void recount_later(Now now, Session& session, const ConversationId& conversation, const Session::Missed& what);
  void recount_due(Now now, Outputs& out);
  bool miss(Session& session, const ConversationId& conversation, const Session::Missed& what, Outputs& out);
  void settle(Session& session, Outputs& out);  // one request less is unanswered
  void bad_frame(SessionId session, std::string_view message, Outputs& out);
  void forget(SessionId session);

  const Limits& limits_;
  const ShardCount shards_;
  HashIndex<SessionId, std::unique_ptr<Session>> sessions_;
  HashIndex<UserId, std::vector<SessionId>> by_user_;              // registered ones, by time of registration
  absl::btree_map<ShardId, absl::btree_set<SessionId>> by_shard_;  // the same
  std::vector<Gone> gone_;
  absl::btree_set<std::pair<MonoTime, SessionId>> not_logged_in_;  // by opening
  absl::btree_set<std::pair<MonoTime, SessionId>> behind_;         // by last progress
  absl::btree_set<std::pair<MonoTime, SessionId>> leaving_;        // when a drained session is closed
  absl::btree_set<std::pair<MonoTime, SessionId>> recounts_;       // when what is unread is told
  absl::btree_set<SessionId> all_;
  std::uint64_t missed_ = 0;  // heads kept for all sessions
  Bucket hellos_;
  MonoTime hello_turn_;  // when the last of the refused Hellos was told to come back
  BucketTable<Address> connections_;
  BucketTable<UserId> look_ups_;
  BucketTable<UserId> group_creations_;
  bool draining_ = false;
  bool leaving_is_told_ = false;  // to those in leaving_
};

}  // namespace chasqui::gateway
