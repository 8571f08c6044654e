// How much may be said in one conversation: RELIABILITY.md section 7, and of a large group less, since each of its
// messages goes to all of its members (ARCHITECTURE.md section 7, "Membership").
//
// Counted in the leader's memory: a new leader begins with full buckets.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/node_impl.h"
#include "core/shard/direct.h"
#include "core/shard/group.h"
#include "core/shard/sender_row.h"

namespace chasqui {

OutboxSeq Node::Impl::next_number(Shard& shard, const ConversationId& conversation, UserId user, DeviceId device) {
  if (conversation.is_group()) return shard::next_outbox_seq(shard.machine.sender(conversation, user, device));
  const state::DirectMember* own = shard::member(shard.machine.header(conversation), conversation, user);
  return shard::next_outbox_seq(own == nullptr ? nullptr : shard::find_sender(*own, device));
}

bool Node::Impl::takes_turn(Now now, Shard& shard, const ConversationId& conversation, const ShardRequest& request,
                            Outputs& out) {
  std::uint64_t members = 2;
  if (conversation.is_group()) {
    const state::Group* group = shard.machine.group(conversation);
    // Who is no member is refused anyway, hears nothing more than that, and takes nobody's turn.
    if (group == nullptr || shard::find_member(*group, request.user) == nullptr) return true;
    members = static_cast<std::uint64_t>(group->members_size());
  }
  const OutboxSeq number(request.frame.send().outbox_seq());
  if (number < next_number(shard, conversation, request.user, request.device)) return true;  // a retry stores nothing
  const Limits& limits = config_.limits;
  constexpr std::uint64_t second_ns = 1'000'000'000;
  gateway::Rate rate = gateway::Rate::per_token_ms(limits.send_conversation_burst, limits.send_conversation_refill_ms);
  rate.token_ns = std::max(rate.token_ns, members * second_ns / limits.send_conversation_deliveries_per_s);
  gateway::Bucket& bucket = sends_.at(conversation);
  if (bucket.take(now.mono, rate)) return true;
  refuse(now, request.asker, client::RESOURCE_EXHAUSTED,
         absl::StrCat("too much is said in this conversation: at most ", second_ns / rate.token_ns, " a second"), out,
         bucket.wait_ms(now.mono, rate));
  return false;
}

}  // namespace chasqui
