// What a reader may be told of how far somebody has a conversation: the one place that decides it, for receipts that
// are pushed and for those that are asked for.
//
// Rules: one's own marks are told as they are; of others `read` only as far as they let it be known; of a direct
// conversation nothing that the gates of the two do not let through (core/shard/gates.h), but what was told before; of
// a group only what the reader sees: a mark is told as the last seq at or below it that lies within the reader's own
// intervals. The steps of a mark, which say when, are of what was told alone.
// (Whether the reader wants to know of others' reads is known where the reader's sessions are: core/gateway/.)
#pragma once

#include <vector>

#include "core/base/ids.h"
#include "core/shard/group.h"
#include "proto/client.pb.h"
#include "proto/state.pb.h"

namespace chasqui::shard {

struct ToldMarks {
  Seq delivered;
  Seq read;
};
// Both are members.
[[nodiscard]] ToldMarks told_of(const state::Header& header, const ConversationId& conversation, UserId about,
                                UserId reader);
[[nodiscard]] ToldMarks told_of(const MemberMarks& marks, UserId about, const state::Member& reader);

// "Message info" for a reader who sees the event at `seq`: of the other members who see it.
[[nodiscard]] std::vector<client::MemberReceipt> receipts_of(const state::Header& header,
                                                             const ConversationId& conversation, UserId reader,
                                                             Seq seq);
[[nodiscard]] std::vector<client::MemberReceipt> receipts_of(const state::Group& group, const state::GroupMarks& marks,
                                                             const state::Member& reader, Seq seq);

// Of a group that is too large for names.
[[nodiscard]] client::ReceiptCounts counted_receipts(const state::Group& group, const state::GroupMarks& marks,
                                                     const state::Member& reader, Seq seq);
[[nodiscard]] bool is_counted(const state::Group& group);

}  // namespace chasqui::shard
