// A group: who is a member, since when, in which role, and what each of them may see and do.
//
// Who may read what is a fact of the log: a member sees the events of the intervals at which he was one, from
// `from` (at or before the event that made him a member) to `left` (the one that ended it), both inclusive.
//
// Invariants of a state::Group: (1) members are ascending by user, at most bounds::group_members_max; (2) of each the
// last interval is open and all others are closed; (3) while there are members, exactly one is the owner; (4) banned
// users are ascending, and no members. Who has left is in `C conv l user`, with all intervals closed.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/ids.h"
#include "core/base/now.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "proto/client.pb.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

using Intervals = google::protobuf::RepeatedPtrField<state::Interval>;

struct SeqRange {  // both inclusive
  Seq from;
  Seq to;
  friend bool operator==(const SeqRange&, const SeqRange&) = default;
};

// nullptr: is no member (now).
[[nodiscard]] const state::Member* find_member(const state::Group& group, UserId user);
[[nodiscard]] state::Member* find_member(state::Group& group, UserId user);
[[nodiscard]] bool is_banned(const state::Group& group, UserId user);

// What somebody with these intervals sees of a log that goes to `head`: ascending, apart from each other.
[[nodiscard]] std::vector<SeqRange> visible(const Intervals& intervals, Seq head);
[[nodiscard]] bool sees(const Intervals& intervals, Seq seq);

// Whether that member is to be told of the event at `seq`, as long as he is a member.
[[nodiscard]] bool is_told(const state::Member& member, Seq seq);

// All members now, ascending.
[[nodiscard]] std::vector<UserId> member_users(const state::Group& group);

// Makes somebody a member as of the event at `seq`, with what is known of him from before (nullptr: nothing). The
// caller has checked that he is none, and that there is room.
void join(state::Group& group, UserId user, client::GroupRole role, Seq seq, const state::FormerMember* before);

// Takes a member out, who sees the event at `seq` as the last one.
[[nodiscard]] state::FormerMember leave(state::Group& group, UserId user, Seq seq);

// Who owns the group when its owner goes: the longest-standing admin, else member. nullopt: nobody else is there.
[[nodiscard]] std::optional<UserId> successor(const state::Group& group, UserId owner);

// Marks of members, as packed in `C conv w`: nobody's are 0 before he says any.
struct MemberMarks {
  std::uint64_t delivered = 0;
  std::uint64_t read = 0;
  std::uint64_t read_told = 0;  // up to where others may be told
  friend bool operator==(const MemberMarks&, const MemberMarks&) = default;
};
[[nodiscard]] MemberMarks marks_of(const state::GroupMarks& marks, UserId user);
void set_marks(state::GroupMarks& marks, UserId user, MemberMarks now);
void remove_marks(state::GroupMarks& marks, UserId user);
// When they moved, for groups of at most bounds::receipt_names_max members: nullptr: that is not kept.
[[nodiscard]] const state::MemberSteps* steps_of(const state::GroupMarks& marks, UserId user);
// The same as set_marks(), noting when.
void move_marks(state::GroupMarks& marks, UserId user, MemberMarks now, LogTime time, bool with_steps);
// They stand as they are, and since when is not known.
void forget_steps(state::GroupMarks& marks, UserId user);

}  // namespace chasqui::shard
