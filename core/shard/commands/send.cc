// Append a message to a conversation, once (ARCHITECTURE.md section 6, "Sending once"; core/shard/sender_row.h).
//
// Rules, in this order:
//   1. Who is no member writes nothing and takes no number, and is not told whether the conversation exists.
//   2. A number that was taken: the same command hears its first answer, another one ALREADY_EXISTS; nothing is
//   written.
//   3. A number above the next: OUT_OF_RANGE, with the next.
//   4. The next number is taken by a content that may not be stored as well, or that is about an earlier event in a way
//      that may not be (core/shard/about.h): the refusal is kept for retries.
//      What a member of a group may not send is refused likewise: core/shard/group_send.h.
//   5. Else the message gets the next seq, the chain grows by its digest, and the members' indexes are owed the head,
//      with what is unread now.
#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/points.h"
#include "core/shard/about.h"
#include "core/shard/commands/commands.h"
#include "core/shard/counts.h"
#include "core/shard/direct.h"
#include "core/shard/group_send.h"
#include "core/shard/sender_row.h"
#include "core/shard/sending.h"

namespace chasqui::shard {
namespace {

// What of the event at the head is unread for whom.
void count(const ShardView& view, const ConversationId& conversation, const log::Send& command, state::Header& header) {
  if (!is_message(command)) return;
  const UserId sender(command.sender());
  state::DirectMember& own = member(header, conversation, sender);
  count_own(standing_of(view, conversation, header), nullptr, Seq(own.read()), *own.mutable_counts());
  for (const std::uint64_t named : command.mentions()) {
    const UserId user(named);
    if (user == sender || !conversation.has_direct_member(user)) continue;
    count_mention(Seq(header.head()), *member(header, conversation, user).mutable_counts());
  }
}

// Rule 5.
void store(const ShardView& view, const ConversationId& conversation, const log::Send& command,
           std::optional<client::Event> target, state::Header& header, Effects& effects) {
  client::Event event = next_event(view, command, header);
  const Seq seq(event.seq());
  carry_out(view, conversation, command, std::move(target), event, header, effects);
  store_event(view, conversation, event, nullptr, effects);
  count(view, conversation, command, header);
  for (const UserId user : {conversation.lower(), conversation.higher()}) {
    const Counts counts = told_counts(member(header, conversation, user).counts(), header.messages());
    effects.owe(user, conversation, {seq.value(), 0, counts});
    if (conversation.higher() == conversation.lower()) break;
  }
  effects.reply = Accepted{seq, view.time(), false};
}

}  // namespace

Effects send(const ShardView& view, const log::Send& command) {
  const auto conversation = ConversationId::parse(command.conversation());
  if (!conversation || command.digest().size() != bounds::digest_bytes || command.device() == 0 ||
      command.outbox_seq() == 0) {
    return Effects::refused(client::INVALID_ARGUMENT,
                            "a send names a conversation of 16 bytes, a device and a number from 1, and a digest of 32 "
                            "bytes: correct it");
  }
  if (conversation->is_group()) return send_to_group(view, *conversation, command);
  const UserId sender(command.sender());
  if (!conversation->has_direct_member(sender)) {
    return Effects::refused(client::PERMISSION_DENIED, not_a_member(*conversation));
  }
  const DeviceId device(command.device());
  const OutboxSeq number(command.outbox_seq());
  const std::uint64_t digest = command_digest("send", *conversation, command.digest());
  const state::Header* stored = view.header(*conversation);
  const state::DirectMember* before = member(stored, *conversation, sender);
  const state::SenderRow* row = before == nullptr ? nullptr : find_sender(*before, device);
  OutboxSeq next = next_outbox_seq(row);
  if (CHASQUI_CANARY("sent_rows_off")) next = number;
  if (CHASQUI_CANARY("outbox_gap")) next = std::max(next, number);
  if (number < next) {
    Effects again = repeated_answer(*row, number, digest, {});
    if (CHASQUI_CANARY("partial_batch")) {
      state::Header skipped = *stored;
      skipped.set_head(skipped.head() + 1);
      again.put(keys::header(view.shard(), *conversation), std::move(skipped));
    }
    return again;
  }
  if (number > next) return leaves_a_gap(number, next);

  Effects effects;
  state::Header header = header_or_new(stored, *conversation);
  state::Sent answer;
  answer.set_time_ms(view.time().ms);
  answer.set_digest(digest);
  std::optional<client::Event> target;
  std::optional<std::uint32_t> refused;
  if (command.refused() != 0) refused = known_code(command.refused());
  if (!refused) refused = refuse_about(view, *conversation, header, command, target);
  if (refused) {
    CHASQUI_MARK("content_turned_down");
    if (CHASQUI_CANARY("refusal_keeps_number")) return Effects::only(kept_refusal(*refused, number.next(), {}));
    if (CHASQUI_CANARY("refused_but_fed")) store(view, *conversation, command, std::nullopt, header, effects);
    answer.set_code(*refused);
    effects.reply = kept_refusal(answer.code(), number.next(), {});
  } else {
    store(view, *conversation, command, std::move(target), header, effects);
    answer.set_seq(header.head());
  }
  take(member(header, *conversation, sender), device, std::move(answer));
  effects.put(keys::header(view.shard(), *conversation), std::move(header));
  return effects;
}

}  // namespace chasqui::shard
