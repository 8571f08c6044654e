// The whole server as one deterministic, I/O-free state machine (ARCHITECTURE.md section 5).
//
// Driven, never calling out but to its Store: the owner feeds inputs in, carries outputs out, and feeds a Tick when
// next_deadline() has come. The same store contents, log image, seed and sequence of (now, input) give the same
// outputs, byte for byte. Total: every input is legal at any time. No step does over a millisecond of work.
//
//   Node node(config, store, log_image, seed);
//   Outputs outputs;
//   node.step(now, Tick{}, outputs);          // the first step starts the shards
//   ... carry out `outputs`, wait for something or for node.next_deadline(), step again
#pragma once

#include <memory>
#include <vector>

#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/member.h"
#include "core/base/now.h"
#include "core/base/random.h"
#include "core/io.h"
#include "core/node_sizes.h"
#include "core/store.h"

namespace chasqui {

struct NodeConfig {
  NodeId node{1};
  // All nodes of the cluster, fixed when it is created, `node` among them; empty: it stands alone. The same everywhere.
  std::vector<Member> members;
  ShardCount shards;
  std::string cluster = std::string(16, '\0');  // 16 bytes
  std::string version = "chasqui";              // told to clients
  Limits limits;
};

struct AppliedEntry {
  ShardId shard;
  RaftIndex index;
};

class Node {
 public:
  // `log` holds a ReplicaImage for each shard that has ever lived in this store. A store without any is a new cluster
  // of one node: its shards are bootstrapped by the first step.
  Node(const NodeConfig& config, Store& store, std::vector<ReplicaImage> log, const Seed& seed);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void step(Now now, Input input, Outputs& out);

  // When step(Tick) is due next; may be early, never late. never(): only an input can bring work.
  [[nodiscard]] MonoTime next_deadline() const;

  // Every shard is led by a leader that has committed an entry of its own term, so that reads and writes are served,
  // and what was committed when this node started is applied: the next leader to die need not wait for it.
  [[nodiscard]] bool ready() const;
  // With itself it has links to more than half of the cluster's nodes: else nothing that it is asked for can be done.
  [[nodiscard]] bool reaches_majority() const;
  [[nodiscard]] std::size_t shards_led() const;
  // After Drain: nothing is led here any more that somebody else could lead.
  [[nodiscard]] bool handed_over() const;
  // Bytes that all sessions, queues and tails hold, roughly: for metrics and I26.
  [[nodiscard]] std::uint64_t memory_bytes() const;
  // Looks at every session and shard: not for each step.
  [[nodiscard]] NodeSizes sizes() const;
  // What was applied in the last step, in this order; the store may not have it yet.
  [[nodiscard]] const std::vector<AppliedEntry>& applied() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chasqui
