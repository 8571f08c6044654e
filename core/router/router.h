// Where a request goes: the shard of what it concerns, and the node that leads that shard.
//
// Leaders are hints: a wrong one is answered by `not leader, try N`, never by a wrong result. Of two hints for one
// shard the one of the higher term stays.
#pragma once

#include <vector>

#include "core/base/check.h"
#include "core/base/ids.h"

namespace chasqui::router {

struct Route {
  ShardId shard;
  NodeId leader;      // 0: nobody known leads it just now
  bool here = false;  // this node does
};

class Router {
 public:
  Router(NodeId self, ShardCount shards) : self_(self), count_(shards), leaders_(shards.value) {}

  [[nodiscard]] Route of_user(UserId user) const { return of(shard_of(user, count_)); }
  [[nodiscard]] Route of_conversation(const ConversationId& c) const { return of(shard_of(c, count_)); }
  [[nodiscard]] Route of_handle(std::string_view handle) const { return of(shard_of_handle(handle, count_)); }
  [[nodiscard]] Route of(ShardId shard) const {
    CHASQUI_ASSERT(shard.value() < leaders_.size(), "shards are 0..S-1");
    const NodeId leader = leaders_[shard.value()].node;
    return {shard, leader, leader == self_};
  }

  // `node` 0: the leader of that term is gone.
  void leads(ShardId shard, NodeId node, RaftTerm term) {
    CHASQUI_ASSERT(shard.value() < leaders_.size(), "shards are 0..S-1");
    Leader& leader = leaders_[shard.value()];
    if (term < leader.term) return;
    if (leader.node) --known_;
    if (node) ++known_;
    leader = {node, term};
  }
  // Says nothing about terms: it may lead on, but cannot be asked.
  void lost(NodeId node) {
    for (Leader& leader : leaders_) {
      if (leader.node != node) continue;
      leader.node = NodeId();
      --known_;
    }
  }
  [[nodiscard]] RaftTerm term(ShardId shard) const { return leaders_[shard.value()].term; }
  [[nodiscard]] bool all_led() const { return known_ == leaders_.size(); }

 private:
  struct Leader {
    NodeId node;
    RaftTerm term;
  };
  NodeId self_;
  ShardCount count_;
  std::vector<Leader> leaders_;  // by shard
  std::size_t known_ = 0;        // shards with a leader
};

}  // namespace chasqui::router
