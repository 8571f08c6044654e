// What is owed to shards that are silent, on its way into rows of the store (command Park), so that the feed's cursor
// goes on without them.
//
// Marks are merged by user and conversation; a Park takes up to command_marks_max of them, one is under way at a time,
// and they are a second apart unless much waits. The items are still the feed's until a Park with them is applied.
#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/ids.h"
#include "core/base/now.h"
#include "core/base/owed.h"
#include "proto/log.pb.h"

namespace chasqui::fanout {

class Parking {
 public:
  // An item of the feed's row `row`.
  void add(UserId user, const ConversationId& conversation, const Owed& owed, RaftIndex row);
  // What is due, as one command; false: nothing is.
  bool take(Now now, log::Park& command);
  // It is applied: the rows of its items, one for each.
  [[nodiscard]] std::vector<RaftIndex> applied();
  // It was refused before it was proposed: taken again later.
  void give_back(Now now);
  void clear();
  [[nodiscard]] MonoTime next_deadline() const;
  [[nodiscard]] std::size_t size() const { return waiting_.size() + proposed_.size(); }  // marks

  static constexpr int command_marks_max = 1'024;
  static constexpr Duration linger = seconds(1);
  static constexpr Duration refused_linger = milliseconds(100);

 private:
  struct Mark {
    Owed owed;
    std::vector<RaftIndex> rows;
  };
  // The last: whether it is a stance, which goes elsewhere.
  using Marks = absl::btree_map<std::tuple<UserId, ConversationId, bool>, Mark>;
  static void merge(Mark& into, Mark&& from);

  Marks waiting_;
  Marks proposed_;
  std::uint64_t items_waiting_ = 0;
  MonoTime due_at_;
  MonoTime not_before_;  // however much waits
};

}  // namespace chasqui::fanout
