// The receiving side of the feed: index marks of a shard's users, and stances for its conversations, on their way into
// its log.
//
// Marks linger a little so that neighbours share an entry; a batch is acknowledged once all of its marks are applied.
// Until then a Hello is answered with them too.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/base/owed.h"
#include "proto/log.pb.h"
#include "proto/peer.pb.h"

namespace chasqui::fanout {

struct BatchName {
  ShardId from_shard;
  ShardId to_shard;
  RaftTerm from_term;
  std::uint64_t batch = 0;
  NodeId from;  // who is told that it is done
};

class Notify {
 public:
  explicit Notify(const Limits& limits) : limits_(limits) {}

  // Takes a batch in. False: no room; it is not acknowledged, so it comes again.
  bool add(const peer::NotifyBatch& batch, NodeId from, Now now);
  // The marks that are due, as one command, with the batches that it completes; false: nothing is due. `at_once`: do
  // not linger (an entry is about to leave anyway).
  bool take(Now now, bool at_once, log::Notify& command, std::vector<BatchName>& completes);
  // What take() gave was refused before it was proposed: it is due again after a linger.
  void give_back(const log::Notify& command, std::vector<BatchName> completes, Now now);
  // What take() gave is applied, or lost for good (leadership gone).
  void applied(const log::Notify& command);
  void clear();

  // Marks of this user that are not applied yet.
  void pending(UserId user, absl::btree_map<ConversationId, Owed>& marks) const;
  [[nodiscard]] MonoTime next_deadline() const;
  [[nodiscard]] std::size_t size() const { return waiting_.size() + proposed_.size(); }

  static constexpr std::size_t command_marks_max = 256;
  static constexpr std::size_t waiting_max = 16'384;

 private:
  using Key = std::pair<UserId, ConversationId>;
  const Limits& limits_;
  absl::btree_map<Key, Owed> waiting_;
  absl::btree_map<Key, Owed> proposed_;  // at most as many as were waiting
  std::vector<BatchName> batches_;       // whose marks are all in waiting_ or were proposed before
  MonoTime due_at_ = MonoTime::never();
};

}  // namespace chasqui::fanout
