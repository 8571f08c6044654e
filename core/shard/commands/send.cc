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
//      with what is unread now: but not that of who has blocked the sender (core/shard/gates.h).
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
#include "core/shard/gates.h"
#include "core/shard/group_send.h"
#include "core/shard/sender_row.h"
#include "core/shard/sending.h"

namespace chasqui::shard {
namespace {

// What of the event at the head is unread for whom. What is withheld is neither unread for the other nor names him.
void count(const ShardView& view, const ConversationId& conversation, const log::Send& command, bool withheld,
           state::Header& header) {
  if (!is_message(command)) return;
  const UserId sender(command.sender());
  state::DirectMember& own = member(header, conversation, sender);
  count_own(standing_of(view, conversation, header, sender), nullptr, Seq(own.read()), *own.mutable_counts());
  if (withheld) {
    count_withheld(*member(header, conversation, other_of(conversation, sender)).mutable_counts());
    return;
  }
  for (const std::uint64_t named : command.mentions()) {
    const UserId user(named);
    if (user == sender || !conversation.has_direct_member(user)) continue;
    count_mention(Seq(header.head()), *member(header, conversation, user).mutable_counts());
  }
}

// What is said on a message that its reader does not see is not for him either; but for what answers it, which has
// words of its own, and a deletion, which takes back.
bool goes_with_withheld(const client::Event& event, const std::optional<client::Event>& target) {
  if (!target || !target->withheld()) return false;
  return event.about().kind() != client::About::REPLY && event.about().kind() != client::About::DELETION;
}

// Rule 5.
void store(const ShardView& view, const ConversationId& conversation, const log::Send& command,
           std::optional<client::Event> target, state::Header& header, Effects& effects) {
  const UserId sender(command.sender());
  const UserId other = other_of(conversation, sender);
  client::Event event = next_event(view, command, header);
  const Seq seq(event.seq());
  event.set_withheld(is_withheld(header, conversation, sender) || goes_with_withheld(event, target));
  if (event.withheld()) CHASQUI_MARK("event_withheld");
  note_withheld(conversation, is_message(command), event, header);
  carry_out(view, conversation, command, std::move(target), event, header, effects);
  store_event(view, conversation, event, nullptr, effects);
  count(view, conversation, command, event.withheld(), header);
  const bool is_first = learn_written(header, conversation, sender, view.time(), effects);
  const auto counts_of_user = [&](UserId user) {
    return told_counts(member(header, conversation, user).counts(), header.messages());
  };
  effects.owe(sender, conversation, Owed{.head = seq.value(), .counts = counts_of_user(sender), .opened = is_first});
  if (other != sender && (!event.withheld() || CHASQUI_CANARY("withheld_fed"))) {
    effects.owe(other, conversation, Owed{.head = seq.value(), .counts = counts_of_user(other)});
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
  if (command.has_recipient() && !CHASQUI_CANARY("block_forgotten")) {
    learn_stance(header, *conversation, other_of(*conversation, sender), command.recipient().stance(),
                 command.recipient().version(), view.time(), effects);
  }
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
