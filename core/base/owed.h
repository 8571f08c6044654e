// What a shard owes to a user's index elsewhere, or (a stance) to a conversation's header there: merged from however
// many entries, repeats and reorderings, so that it is bounded by pairs and not by messages.
//
// A stance goes to the conversation's shard; all else goes to the user's. The rows of the log, of the feed, of what is
// parked and of what is told to another node name these fields alike: of() and put() fit all of them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/ids.h"
#include "core/base/index_marks.h"

namespace chasqui {

struct Owed {
  std::uint64_t head = 0;            // 0: says nothing
  std::uint64_t read = 0;            // likewise
  Counts counts = {};                // of what is unread, likewise
  bool opened = false;               // the user has written there
  std::uint64_t invited = 0;         // the seq at which the user was invited there; 0: says nothing
  std::uint32_t stance = 0;          // what the user says of the other member, a state::Stance
  std::uint64_t stance_version = 0;  // > 0: says so; the higher one counts

  template <class Row>
  [[nodiscard]] static Owed of(const Row& row) {
    return {row.head(), row.read(), counts_of(row), row.opened(), row.invited(), row.stance(), row.stance_version()};
  }
  template <class Row>
  void put(Row& row) const {
    put_index_marks(marks(), row);
    row.set_opened(opened);
    row.set_invited(invited);
    row.set_stance(stance);
    row.set_stance_version(stance_version);
  }

  // Of these alone.
  [[nodiscard]] IndexMarks marks() const { return {head, read, counts}; }

  void merge(const Owed& other) {
    head = std::max(head, other.head);
    read = std::max(read, other.read);
    counts.merge(other.counts);
    opened = opened || other.opened;
    invited = std::max(invited, other.invited);
    if (other.stance_version > stance_version) {
      stance = other.stance;
      stance_version = other.stance_version;
    }
  }
  // Merging `other` would change nothing.
  [[nodiscard]] bool covers(const Owed& other) const {
    return marks().covers(other.marks()) && (opened || !other.opened) && invited >= other.invited &&
           stance_version >= other.stance_version;
  }
  [[nodiscard]] bool says_nothing() const { return Owed{}.covers(*this); }
  [[nodiscard]] bool is_stance() const { return stance_version > 0; }
  [[nodiscard]] ShardId destination(UserId user, const ConversationId& conversation, ShardCount shards) const {
    return is_stance() ? shard_of(conversation, shards) : shard_of(user, shards);
  }
};

}  // namespace chasqui
