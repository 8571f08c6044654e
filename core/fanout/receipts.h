// Marks of groups that have moved, on their way to the members who sent what they have passed: at most once a second
// for each group, however many members read. Kept in memory alone: members ask after they have connected.
#pragma once

#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"

namespace chasqui::fanout {

class GroupReceipts {
 public:
  struct Moved {
    UserId user;
    Seq above;  // the seqs that a mark of the user's has passed since it was told last: above this,
    Seq to;     // up to here
  };
  struct Due {
    ConversationId group;
    std::vector<Moved> moved;  // by user
  };

  explicit GroupReceipts(const Limits& limits) : limits_(limits) {}

  // False: too many groups wait; the members ask.
  bool add(const ConversationId& group, const Moved& moved, Now now);
  // The groups that are due, at most `most`.
  [[nodiscard]] std::vector<Due> take(Now now, std::size_t most);
  void clear();
  [[nodiscard]] MonoTime next_deadline() const { return due_.empty() ? MonoTime::never() : due_.begin()->first; }
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    absl::btree_map<UserId, Moved> moved;  // none: it was told, and rests until then
    MonoTime due;
  };
  const Limits& limits_;
  absl::btree_map<ConversationId, Waiting> waiting_;
  absl::btree_set<std::pair<MonoTime, ConversationId>> due_;
};

}  // namespace chasqui::fanout
