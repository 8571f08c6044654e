// Who is told that a group exists: its members, who was one, who creates it under an id of his own making, and who
// shows a link that works now, or showed one once (he has taken a number). Everybody else hears the one sentence,
// writes nothing and takes no number; so does who would create a group under another's id, be there one or not.
#include "core/shard/group_send.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/shard/about.h"
#include "core/shard/counts.h"
#include "core/shard/direct.h"
#include "core/shard/group.h"
#include "core/shard/group_change.h"
#include "core/shard/sender_row.h"
#include "core/shard/sending.h"

namespace chasqui::shard {
namespace {

bool may_know(const Changer& by, const state::FormerMember* former, const state::SenderRow* row,
              const client::GroupChange* change) {
  if (by.member != nullptr || former != nullptr || row != nullptr) return true;
  if (change == nullptr) return false;
  if (change->has_create()) return by.group == nullptr && by.conversation.is_group_of(by.user);
  return change->has_join() && may_join(by, change->join());
}

Seq joined(const state::Member& member) {
  return Seq(member.intervals().rbegin()->joined());
}

// It was said before its device knew that its user is a member. It may have been refused already, without taking a
// number, and this be a copy of it that a broken connection held: nobody waits for its answer. Once the group has taken
// a number of the device, the number tells.
bool is_of_a_stranger(const Changer& by, const log::Send& command) {
  return by.member != nullptr && Seq(command.known_seq()) < joined(*by.member);
}

// Of a message, which is no change.
std::optional<std::uint32_t> refuse_message(const Changer& by, const state::Header& header, const log::Send& command,
                                            std::optional<client::Event>& target) {
  if (by.member == nullptr) return client::PERMISSION_DENIED;
  const bool is_muted = by.member->muted_until_ms() > by.view.time().ms;
  if (is_muted || by.member->role() < by.group->permissions().send()) {
    CHASQUI_MARK("member_may_not_send");
    return client::PERMISSION_DENIED;
  }
  // Pins and the timer are of the group, like its title.
  const bool edits = command.about_kind() == client::About::PIN || command.about_kind() == client::About::UNPIN ||
                     command.has_timer_s();
  if (edits && by.member->role() < by.group->permissions().edit()) return client::PERMISSION_DENIED;
  // What he does not see is not there for him.
  if (command.about_kind() != 0 && !sees(by.member->intervals(), Seq(command.about_seq()))) return client::NOT_FOUND;
  return refuse_about(by.view, by.conversation, header, command, target, by.member->role() >= client::ADMIN);
}

// An event at n is told to exactly those whose interval holds n: who is a member after it, and who was until it.
Audience audience_of(const state::Group& group, const std::vector<UserId>& gone) {
  auto users = std::make_shared<std::vector<UserId>>(member_users(group));
  if (CHASQUI_CANARY("current_members")) return users;
  users->insert(users->end(), gone.begin(), gone.end());
  if (!gone.empty()) std::sort(users->begin(), users->end());
  return users;
}

// What of the message at the head is unread for whom: whoever has none to leave out, and is not named, is told with all
// others.
void count(const Changer& by, const log::Send& command, const state::Header& header, Effects& effects) {
  if (!is_message(command)) return;
  const auto tell = [&](UserId user, state::MemberCounts counts) {
    effects.owe(user, by.conversation, {0, 0, told_counts(counts, header.messages())});
    effects.put(keys::member_counts(by.view.shard(), by.conversation, user), std::move(counts));
  };
  const auto counts_of_member = [&](UserId user) {
    const state::MemberCounts* stored = by.view.member_counts(by.conversation, user);
    return stored == nullptr ? state::MemberCounts() : *stored;
  };
  const state::GroupMarks* rows = by.view.group_marks(by.conversation);
  const Seq read(rows == nullptr ? 0 : marks_of(*rows, by.user).read);
  state::MemberCounts own = counts_of_member(by.user);
  count_own(standing_of(by.view, by.conversation, header), &by.member->intervals(), read, own);
  tell(by.user, std::move(own));
  for (const std::uint64_t named : command.mentions()) {
    const UserId user(named);
    if (user == by.user || find_member(*by.group, user) == nullptr) continue;
    CHASQUI_MARK("member_named");
    state::MemberCounts counts = counts_of_member(user);
    count_mention(Seq(header.head()), counts);
    tell(user, std::move(counts));
  }
}

void store_message(const Changer& by, const log::Send& command, std::optional<client::Event> target,
                   state::Header& header, Effects& effects) {
  client::Event event = next_event(by.view, command, header);
  count(by, command, header, effects);
  carry_out(by.view, by.conversation, command, std::move(target), event, header, effects);
  store_event(by.view, by.conversation, event, audience_of(*by.group, {}), effects);
}

void store_change(const Changer& by, const log::Send& command, client::GroupChange change, state::Header& header,
                  Effects& effects) {
  client::Event event = next_event(by.view, command, header);
  std::vector<UserId> gone;
  state::Group group = carry_out_change(by, change, header, gone, effects);
  *event.mutable_change() = std::move(change);
  store_event(by.view, by.conversation, event, audience_of(group, gone), effects);
  effects.put(keys::group(by.view.shard(), by.conversation), std::move(group));
}

}  // namespace

Effects send_to_group(const ShardView& view, const ConversationId& conversation, const log::Send& command) {
  const UserId user(command.sender());
  const DeviceId device(command.device());
  const OutboxSeq number(command.outbox_seq());
  std::optional<client::GroupChange> change;
  bool is_malformed = false;
  if (!command.change().empty()) is_malformed = !change.emplace().ParseFromString(command.change());
  const client::GroupChange* wanted = change ? &*change : nullptr;

  Changer by{view, conversation, user, view.group(conversation)};
  if (by.group != nullptr) by.member = find_member(*by.group, user);
  by.not_added = {command.not_added().data(), static_cast<std::size_t>(command.not_added_size())};
  by.invitations = {command.invitations().data(), static_cast<std::size_t>(command.invitations_size())};
  const state::FormerMember* former = by.member == nullptr ? view.former(conversation, user) : nullptr;
  const state::SenderRow* row = view.sender(conversation, user, device);
  if (!is_valid(user) || !may_know(by, former, row, wanted)) {
    if (CHASQUI_CANARY("stranger_told") && by.group != nullptr) {
      return Effects::refused(client::PERMISSION_DENIED, "that group is not for you");
    }
    return Effects::refused(client::PERMISSION_DENIED, not_a_member(conversation));
  }
  if (row == nullptr && is_of_a_stranger(by, command)) {
    return Effects::only(
        Refused{client::ABORTED, "you are a member now: say it again with this known_seq", {}, joined(*by.member)});
  }

  const std::uint64_t digest = command_digest("send", conversation, command.digest());
  const OutboxSeq next = next_outbox_seq(row);
  if (number < next) {
    const state::Sent* first = answered(*row, number);
    const std::string why = first == nullptr ? "" : refusal_words(first->code(), wanted);
    return repeated_answer(*row, number, digest, why);
  }
  if (number > next) return leaves_a_gap(number, next);

  const state::Header* stored = view.header(conversation);
  state::Header header = stored == nullptr ? state::Header() : *stored;
  Effects effects;
  state::Sent answer;
  answer.set_time_ms(view.time().ms);
  answer.set_digest(digest);
  std::optional<client::Event> target;
  std::optional<std::uint32_t> refused;
  if (command.refused() != 0) refused = known_code(command.refused());
  if (!refused && is_malformed) refused = client::INVALID_ARGUMENT;
  if (!refused) refused = wanted ? refuse_change(by, *wanted) : refuse_message(by, header, command, target);
  if (!refused && wanted && asks_approval(by, *wanted)) {
    CHASQUI_MARK("asked_to_join");
    note_request(by, effects);
    refused = client::FAILED_PRECONDITION;
  }
  if (refused) {
    answer.set_code(*refused);
    effects.reply = kept_refusal(*refused, number.next(), refusal_words(*refused, wanted));
  } else {
    if (wanted) {
      store_change(by, command, *std::move(change), header, effects);
    } else {
      store_message(by, command, std::move(target), header, effects);
    }
    const Seq seq(header.head());
    answer.set_seq(seq.value());
    effects.owe_group(conversation, seq, header.messages());
    effects.reply = Accepted{seq, view.time(), false};
    effects.put(keys::header(view.shard(), conversation), std::move(header));
  }
  state::SenderRow after = row == nullptr ? state::SenderRow() : *row;
  after.set_device(static_cast<std::uint32_t>(device.value()));
  take(after, std::move(answer));
  effects.put(keys::sender(view.shard(), conversation, user, device), std::move(after));
  return effects;
}

Effects unknown_epoch(const ShardView& view, HistoryEpoch epoch) {
  return Effects::refused(client::INVALID_ARGUMENT,
                          absl::StrCat("history epoch ", epoch.value(), " is not known here, the present one is ",
                                       view.history_epoch().value(), ": say Hello again"));
}

Effects mark_in_group(const ShardView& view, const ConversationId& conversation, const log::Mark& command) {
  const UserId user(command.user());
  const state::Group* group = view.group(conversation);
  const state::Member* member = group == nullptr ? nullptr : find_member(*group, user);
  const state::FormerMember* former = member == nullptr && is_valid(user) ? view.former(conversation, user) : nullptr;
  if (member == nullptr && former == nullptr) {
    return Effects::refused(client::PERMISSION_DENIED, not_a_member(conversation));
  }
  const HistoryEpoch epoch(command.history_epoch());
  if (epoch > view.history_epoch()) return unknown_epoch(view, epoch);
  const state::Header* header = view.header(conversation);
  CHASQUI_ASSERT(header != nullptr, "a group begins with an event");
  const std::vector<SeqRange> seen =
      visible(member != nullptr ? member->intervals() : former->intervals(), Seq(header->head()));
  const std::uint64_t last = seen.empty() ? 0 : seen.back().to.value();
  const state::GroupMarks* rows = view.group_marks(conversation);
  MemberMarks before;
  if (former != nullptr) before = {former->delivered(), former->read(), former->read_told()};
  if (member != nullptr && rows != nullptr) before = marks_of(*rows, user);

  const Marked as_it_is{Seq(before.delivered), Seq(before.read)};
  if (epoch && epoch < view.history_epoch()) return Effects::only(as_it_is);
  MemberMarks now;
  now.read = std::max(before.read, std::min(command.read(), last));
  now.delivered = std::max({before.delivered, std::min(command.delivered(), last), now.read});
  now.read_told = before.read_told;
  if (!command.read_is_private()) now.read_told = std::max(before.read_told, std::min(command.read(), last));
  if (now == before) return Effects::only(as_it_is);

  Effects effects;
  if (member != nullptr) {
    state::GroupMarks all = rows == nullptr ? state::GroupMarks() : *rows;
    const bool with_steps = static_cast<std::uint64_t>(group->members_size()) <= bounds::receipt_names_max;
    move_marks(all, user, now, view.time(), with_steps);
    effects.put(keys::group_marks(view.shard(), conversation), std::move(all));
    effects.consequences.push_back(MarksMoved{conversation, user, Seq(now.delivered), Seq(now.read), Seq(now.read_told),
                                              Seq(before.delivered), Seq(before.read_told)});
  } else {  // his own devices alone are told: the others see him go, and nothing after
    state::FormerMember row = *former;
    row.set_delivered(now.delivered);
    row.set_read(now.read);
    row.set_read_told(now.read_told);
    effects.put(keys::former(view.shard(), conversation, user), std::move(row));
  }
  if (now.read > before.read) {
    const state::MemberCounts* stored = view.member_counts(conversation, user);
    state::MemberCounts counts = stored == nullptr ? state::MemberCounts() : *stored;
    const Intervals& intervals = member != nullptr ? member->intervals() : former->intervals();
    count_from(standing_of(view, conversation, *header), &intervals, Seq(now.read), counts);
    const std::uint64_t messages = member != nullptr ? header->messages() : 0;  // who has left was told his last
    effects.owe(user, conversation, {0, now.read, told_counts(counts, messages)});
    effects.put(keys::member_counts(view.shard(), conversation, user), std::move(counts));
  }
  effects.reply = Marked{Seq(now.delivered), Seq(now.read)};
  return effects;
}

}  // namespace chasqui::shard
