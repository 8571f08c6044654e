// A cluster of several nodes in a perfect world: logs are synced and reads answered at once, and a frame arrives in the
// order in which it was sent, after link_ms. Nodes can be killed and restarted, links cut and mended. For tests of the
// whole core; everything worse is the simulator's business.
//
//   Nodes world(3);                               // runs until every shard has a leader
//   const Login ana = world.provision("ana");
//   const Client phone = world.connect(1, ana);   // a session at node 1
//   world.send_frame(phone, frame); world.run_for(milliseconds(50));
//   world.received(phone)                         // every ServerFrame so far
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "core/node.h"
#include "core/testing/login.h"
#include "core/testing/mem_store.h"
#include "proto/client.pb.h"

namespace chasqui::testing {

struct Client {
  std::size_t node = 0;  // from 1
  SessionId session;
  friend auto operator<=>(const Client&, const Client&) = default;
};

class Nodes {
 public:
  explicit Nodes(std::size_t count, ShardCount shards = {6}, const Limits& limits = Limits{});

  void run_for(Duration time);
  // Until every shard has a leader that all running nodes know. False: not within `most`.
  [[nodiscard]] bool run_until_ready(Duration most = seconds(10));

  Login provision(const std::string& handle, std::size_t at = 1);
  Client open(std::size_t node);
  Client connect(std::size_t node, const Login& login, Version synced = Version(), std::uint64_t generation = 1);
  void send_frame(const Client& client, client::ClientFrame frame);
  [[nodiscard]] const std::vector<client::ServerFrame>& received(const Client& client) { return received_[client]; }
  [[nodiscard]] std::vector<client::ServerFrame> received(const Client& client, client::ServerFrame::BodyCase kind);
  [[nodiscard]] bool closed(const Client& client) const { return closed_.contains(client); }

  void input(std::size_t node, Input input);
  void kill(std::size_t node, bool noticed = true);  // noticed: the others are told that its process is dead
  void restart(std::size_t node);
  void flush(std::size_t node);            // its state survives a crash from now on
  void cut(std::size_t a, std::size_t b);  // both ways; both are told
  void mend(std::size_t a, std::size_t b);
  void hold_syncs(std::size_t node, bool held);  // its disk stands still; all is synced when it goes on
  void mute(ShardId shard, bool is_mute);        // no Raft message of it arrives anywhere: it loses its leader

  [[nodiscard]] bool runs(std::size_t node) const { return machines_.at(node - 1).node != nullptr; }
  [[nodiscard]] Node& node(std::size_t node) { return *machines_.at(node - 1).node; }
  [[nodiscard]] MemStore& store(std::size_t node) { return machines_.at(node - 1).store; }
  [[nodiscard]] std::size_t count() const { return machines_.size(); }
  [[nodiscard]] Now now() const { return now_; }
  [[nodiscard]] std::size_t shards_led(std::size_t node) const { return machines_.at(node - 1).leads.size(); }
  // Which running node leads the shard; 0: none.
  [[nodiscard]] std::size_t leader_of(ShardId shard) const;
  [[nodiscard]] ShardCount shards() const { return config_.shards; }

  [[nodiscard]] std::size_t count_notes(std::size_t node, NoteKind kind) const {
    const auto found = notes_.find({node, kind});
    return found == notes_.end() ? 0 : found->second;
  }
  [[nodiscard]] const MemStore& store_of(std::size_t node) const { return machines_.at(node - 1).store; }

  Duration link_time = milliseconds(1);

 private:
  struct Machine {
    std::unique_ptr<Node> node;
    MemStore store;
    MemStore::Rows flushed;
    absl::btree_map<ShardId, ReplicaImage> log;
    std::deque<Input> inputs;
    bool holds_syncs = false;
    std::deque<LogAppend> unsynced;
    absl::btree_set<ShardId> leads;
    absl::btree_map<StreamId, MemStore::Rows> frozen;    // what is kept for others
    absl::btree_map<StreamId, std::vector<Row>> staged;  // and what came of theirs
    std::uint8_t incarnation = 0;
    std::uint64_t link_incarnation = 0;
  };
  struct Frame {
    NodeId from;
    NodeId to;
    std::string bytes;
    std::uint64_t incarnations = 0;  // of both ends when it left: it dies with either
  };

  Machine& at(std::size_t node) { return machines_.at(node - 1); }
  void start(std::size_t node);
  bool step_once();  // false: nothing is left to do now
  void step(std::size_t node, Input input);
  void carry_out(std::size_t node, Outputs& outputs);
  static void sync(Machine& machine);
  static void carry_out_stream(Machine& machine, Output& output);
  [[nodiscard]] std::string without_mute(std::string frame) const;
  [[nodiscard]] bool linked(std::size_t a, std::size_t b) const;
  [[nodiscard]] MonoTime next() const;
  [[nodiscard]] std::uint64_t incarnations(std::size_t a, std::size_t b) const;

  NodeConfig config_;
  std::deque<Machine> machines_;  // a store does not move
  std::deque<std::pair<MonoTime, Frame>> frames_;
  absl::btree_set<std::pair<std::size_t, std::size_t>> cuts_;
  absl::btree_set<ShardId> mute_;
  Now now_{MonoTime{1'000'000'000}, WallTime{1'700'000'000'000}};
  std::uint64_t last_session_ = 0;
  std::uint64_t last_call_ = 0;
  std::uint64_t breaks_ = 0;
  absl::btree_map<Client, std::vector<client::ServerFrame>> received_;
  absl::btree_set<Client> closed_;
  absl::btree_map<CallId, HttpAnswer> answers_;
  absl::btree_map<std::pair<std::size_t, NoteKind>, std::size_t> notes_;
};

}  // namespace chasqui::testing
