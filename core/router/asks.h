// Requests on their way to the leaders of their shards, and back.
//
// An ask is kept until it is answered or its deadline comes. It is at one node, or waits until a leader is known. Asks
// of one shard leave in the order in which they came: while one waits, all later ones do (a device's sends into one
// conversation arrive in order). What was at a node that is lost, or leads no longer, is asked again elsewhere: every
// command is idempotent, so the only thing that changes is what may be said when time is up.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "core/base/check.h"
#include "core/base/hash_index.h"
#include "core/base/ids.h"
#include "core/base/now.h"

namespace chasqui::router {

template <class Body>
class Asks {
 public:
  struct Ask {
    ShardId shard;
    NodeId at;                     // 0: waits for a leader
    bool may_be_proposed = false;  // by an earlier attempt
    MonoTime deadline;
    Body body;
  };

  // `first`: a random number, so that answers to another life's asks name none of ours.
  explicit Asks(std::uint64_t first) : last_(first) {}

  std::uint64_t add(ShardId shard, MonoTime deadline, Body body) {
    const std::uint64_t id = ++last_;
    asks_.insert(id, Ask{shard, NodeId(), false, deadline, std::move(body)});
    by_shard_.insert({shard, id});
    deadlines_.insert({deadline, id});
    return id;
  }
  [[nodiscard]] Ask* find(std::uint64_t id) { return asks_.find(id); }
  void erase(std::uint64_t id) {
    const Ask* ask = asks_.find(id);
    if (ask == nullptr) return;
    waiting_.erase({ask->shard, id});
    by_shard_.erase({ask->shard, id});
    deadlines_.erase({ask->deadline, id});
    asks_.erase(id);
  }

  void wait(std::uint64_t id) {
    Ask* ask = asks_.find(id);
    CHASQUI_ASSERT(ask != nullptr, "only an ask that is kept can wait");
    ask->at = NodeId();
    waiting_.insert({ask->shard, id});
  }
  void sent(std::uint64_t id, NodeId to) {
    Ask* ask = asks_.find(id);
    CHASQUI_ASSERT(ask != nullptr, "only an ask that is kept can be sent");
    waiting_.erase({ask->shard, id});
    ask->at = to;
  }
  [[nodiscard]] bool any_waits(ShardId shard) const {
    const auto it = waiting_.lower_bound({shard, 0});
    return it != waiting_.end() && it->first == shard;
  }
  // In the order in which they came: the next one behind that (0: the first); 0: none. What is asked while those that
  // wait are sent goes behind them, and so is found before the end.
  [[nodiscard]] std::uint64_t next_waiting(ShardId shard, std::uint64_t behind) const {
    const auto it = waiting_.lower_bound({shard, behind + 1});
    return it != waiting_.end() && it->first == shard ? it->second : 0;
  }
  // The node is lost: what was there may have been proposed, and waits.
  void lost(NodeId node) {
    for (const auto& [shard, id] : by_shard_) {
      Ask& ask = *asks_.find(id);
      if (ask.at != node) continue;
      ask.may_be_proposed = true;
      wait(id);
    }
  }
  // The shard is led by another: what is still elsewhere will not be answered there, and waits.
  void moved(ShardId shard, NodeId leader) {
    for (auto it = by_shard_.lower_bound({shard, 0}); it != by_shard_.end() && it->first == shard; ++it) {
      Ask& ask = *asks_.find(it->second);
      if (!ask.at || ask.at == leader) continue;
      ask.may_be_proposed = true;
      wait(it->second);
    }
  }
  // The next one whose time is up; 0: none.
  [[nodiscard]] std::uint64_t expired(Now now) const {
    return !deadlines_.empty() && deadlines_.begin()->first <= now.mono ? deadlines_.begin()->second : 0;
  }
  [[nodiscard]] MonoTime next_deadline() const {
    return deadlines_.empty() ? MonoTime::never() : deadlines_.begin()->first;
  }
  [[nodiscard]] std::size_t size() const { return asks_.size(); }

 private:
  HashIndex<std::uint64_t, Ask> asks_;
  absl::btree_set<std::pair<ShardId, std::uint64_t>> by_shard_;
  absl::btree_set<std::pair<ShardId, std::uint64_t>> waiting_;
  absl::btree_set<std::pair<MonoTime, std::uint64_t>> deadlines_;
  std::uint64_t last_;
};

}  // namespace chasqui::router
