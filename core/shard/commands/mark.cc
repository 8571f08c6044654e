// A member's delivered and read marks: merged by max, cut at the head here and nowhere else, since a merge by max
// cannot be undone (RELIABILITY.md R8). A read mark raises delivered, and is owed to the member's own index
// with what is unread then; others are told of it only if the member lets them.
#include <algorithm>

#include "core/base/points.h"
#include "core/shard/commands/commands.h"
#include "core/shard/counts.h"
#include "core/shard/direct.h"
#include "core/shard/gates.h"
#include "core/shard/group_send.h"
#include "core/shard/receipts.h"

namespace chasqui::shard {

Effects mark(const ShardView& view, const log::Mark& command) {
  const auto conversation = ConversationId::parse(command.conversation());
  if (!conversation) {
    return Effects::refused(client::INVALID_ARGUMENT, "a mark names a conversation of 16 bytes: correct it");
  }
  const UserId user(command.user());
  if (conversation->is_group()) return mark_in_group(view, *conversation, command);
  if (!conversation->has_direct_member(user)) {
    return Effects::refused(client::PERMISSION_DENIED, not_a_member(*conversation));
  }
  const HistoryEpoch epoch(command.history_epoch());
  if (epoch > view.history_epoch()) return unknown_epoch(view, epoch);
  const state::Header* stored = view.header(*conversation);
  const state::DirectMember* before = member(stored, *conversation, user);
  if (before == nullptr) return Effects::only(Marked{});  // nothing was ever sent: every mark is cut to 0
  const Marked now{Seq(before->delivered()), Seq(before->read())};
  const bool of_an_older_history = epoch && epoch < view.history_epoch();
  if (of_an_older_history) return Effects::only(now);

  const std::uint64_t head = CHASQUI_CANARY("ack_unclamped") ? ~std::uint64_t{0} : stored->head();
  if (command.delivered() > head || command.read() > head) CHASQUI_MARK("ack_clamped");
  std::uint64_t read = std::max(before->read(), std::min(command.read(), head));
  std::uint64_t delivered = std::max({before->delivered(), std::min(command.delivered(), head), read});
  if (CHASQUI_CANARY("mark_assigned")) {
    read = std::min(command.read(), head);
    delivered = std::max(std::min(command.delivered(), head), read);
  }
  if (CHASQUI_CANARY("ack_unclamped")) {
    read = std::max(before->read(), command.read());
    delivered = std::max({before->delivered(), command.delivered(), read});
  }
  std::uint64_t read_told = before->read_told();
  if (!command.read_is_private()) read_told = std::max(read_told, std::min(command.read(), read));
  const bool moves = read != before->read() || delivered != before->delivered() || read_told != before->read_told();
  if (!moves) return Effects::only(now);

  Effects effects;
  const ToldMarks told_before = told_of(*stored, *conversation, user, other_of(*conversation, user));
  state::Header header = *stored;
  state::DirectMember& after = member(header, *conversation, user);
  after.set_read(read);
  after.set_delivered(delivered);
  after.set_read_told(read_told);
  marks_moved(header, *conversation, user, told_before, view.time(), effects);
  if (read > before->read()) {
    // With how many messages there are: what is withheld from the user counts as read, and no head has told of it.
    count_from(standing_of(view, *conversation, header, user), nullptr, Seq(read), *after.mutable_counts());
    effects.owe(user, *conversation, {0, read, told_counts(after.counts(), header.messages())});
  }
  effects.put(keys::header(view.shard(), *conversation), std::move(header));
  effects.reply = Marked{Seq(delivered), Seq(read)};
  return effects;
}

}  // namespace chasqui::shard
