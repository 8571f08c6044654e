// A node with a perfect world around it: a log that is synced when told to, reads answered at once, a clock that moves
// only when moved. For tests of the whole core; faults are the simulator's business.
//
//   Cluster world;                          // runs until all shards are led
//   const Login ana = world.provision("ana");
//   const SessionId phone = world.connect(ana);
//   world.send_frame(phone, frame); world.run();
//   world.received(phone)                   // every ServerFrame so far
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/node.h"
#include "core/testing/login.h"
#include "core/testing/mem_store.h"
#include "proto/client.pb.h"

namespace chasqui::testing {

class Cluster {
 public:
  explicit Cluster(ShardCount shards = {4}, const Limits& limits = Limits{});

  // Feeds one input and carries out what comes of it, as far as it goes at once.
  void input(Input input);
  // Until nothing is left to do now; run_for moves the clock from deadline to deadline.
  void run();
  void run_for(Duration time);

  Login provision(const std::string& handle);  // an account without a password
  HttpAnswer call(decltype(HttpCall::body) body, PasswordHashed::Result result = PasswordHashed::Result::Done);
  SessionId open();  // a socket, no Hello yet
  SessionId connect(const Login& login, Version synced = Version(), std::uint64_t generation = 1);
  void send_frame(SessionId session, client::ClientFrame frame);
  void send_bytes(SessionId session, std::string bytes);

  [[nodiscard]] const std::vector<client::ServerFrame>& received(SessionId session) { return received_[session]; }
  [[nodiscard]] bool closed(SessionId session) const { return closed_.contains(session); }
  [[nodiscard]] const std::vector<Note>& notes() const { return notes_; }
  [[nodiscard]] bool reads(SessionId session) const { return !paused_.contains(session) || !paused_.at(session); }

  // Syncs of the log, reads and drains of sessions happen at once unless held.
  bool hold_syncs = false;
  bool hold_reads = false;
  bool hold_writes = false;
  void release_writes(SessionId session);
  void release_syncs();  // what was held is synced, and nothing is held any more
  // The reads held so far are answered with what they found when they were asked; others are held on.
  std::size_t release_reads();

  // kill -9: what was synced is there, what was not is gone; the store is as it was when last flushed.
  void flush();
  void crash_and_restart();
  void crash();      // the same, but the new node has not made a step yet
  bool step_once();  // false: nothing is left to do now

  [[nodiscard]] Now now() const { return now_; }
  [[nodiscard]] Node& node() { return *node_; }
  [[nodiscard]] MemStore& store() { return store_; }
  [[nodiscard]] std::vector<ReplicaImage> log_image() const;

 private:
  void carry_out(Outputs& outputs);
  void sync_log();

  NodeConfig config_;
  MemStore store_;
  MemStore::Rows flushed_;
  absl::btree_map<ShardId, ReplicaImage> log_;  // synced
  std::deque<LogAppend> unsynced_;
  std::deque<Input> inputs_;
  std::vector<ReadDone> held_reads_;
  Now now_{MonoTime{1'000'000'000}, WallTime{1'700'000'000'000}};
  std::unique_ptr<Node> node_;
  std::uint8_t incarnation_ = 0;
  std::uint64_t last_session_ = 0;
  std::uint64_t last_call_ = 0;
  absl::btree_map<SessionId, std::vector<client::ServerFrame>> received_;
  absl::btree_map<SessionId, std::uint64_t> unwritten_;
  absl::btree_map<SessionId, bool> paused_;
  absl::btree_map<SessionId, bool> closed_;
  absl::btree_map<CallId, HttpAnswer> answers_;
  std::vector<Note> notes_;
  PasswordHashed::Result password_result_ = PasswordHashed::Result::Done;
};

}  // namespace chasqui::testing
