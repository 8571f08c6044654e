// What of a conversation is unread for a member (client.proto, IndexEntry; docs/decisions/0014-counts.md).
//
// A message is unread for a member if it is another's, above the read mark, and came while they were a member. Nobody
// counts messages one by one: each event knows how many messages there are up to it, so that those of a stretch are a
// difference, and of a member only their own messages above the read mark are remembered, to be left out.
//
// What is withheld from a member (core/shard/gates.h) is a message to its sender, and is not unread: each event knows
// of that, too, how many there are up to it.
//
// Of their own the last 64: who has written 64 times since a message is taken to have seen it (`from`). Of mentions the
// last 256 unread ones: more are not counted.
//
// Invariants of a state::MemberCounts: (1) messages_read and mentions - |named_at| never sink, so an index may merge
// them by max; (2) `own` and `named_at` are ascending, above the read mark and above `from`; (3) the unread messages
// are those of the conversation less messages_read.
#pragma once

#include <cstdint>

#include "core/base/ids.h"
#include "core/base/index_marks.h"
#include "core/shard/group.h"
#include "core/shard/view.h"
#include "proto/log.pb.h"

namespace chasqui::shard {

[[nodiscard]] bool is_message(const log::Send& command);

// How a conversation stands, with the event that is about to be stored.
struct Standing {
  const ShardView& view;
  const ConversationId& conversation;
  Seq head;
  std::uint64_t messages = 0;  // up to there
  // Of a direct conversation: for whom, and how many of the messages are withheld from them.
  UserId reader = {};
  std::uint64_t withheld = 0;
};
// Of a group.
[[nodiscard]] Standing standing_of(const ShardView& view, const ConversationId& conversation,
                                   const state::Header& header);
// Of a direct conversation, for one of its members.
[[nodiscard]] Standing standing_of(const ShardView& view, const ConversationId& conversation,
                                   const state::Header& header, UserId reader);

// The member has read up to `read`, or has just come. `intervals`: when they were a member; nullptr: always (of a
// direct conversation).
void count_from(const Standing& now, const Intervals* intervals, Seq read, state::MemberCounts& counts);
// The event at the head is a message of the member's own; `read`: as it stands.
void count_own(const Standing& now, const Intervals* intervals, Seq read, state::MemberCounts& counts);
// The event at the head is another's message that is withheld from the member: it is never unread.
void count_withheld(state::MemberCounts& counts);
// The event at the head is another's message that names the member.
void count_mention(Seq head, state::MemberCounts& counts);

// What the member's index is told of it, with the conversation's messages (0: nothing of them).
[[nodiscard]] Counts told_counts(const state::MemberCounts& counts, std::uint64_t messages);

}  // namespace chasqui::shard
