// "Delete for me": a user hides events of a conversation from themselves, on all their devices.
//
// It is a change of the user's own index and nobody else's business. Merged as a set: what is hidden stays hidden, and
// a repetition changes nothing. `hides` counts the changes, so that each device learns by its sync that it lacks some.
#include <set>
#include <string>
#include <utility>

#include "core/base/bounds.h"
#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/base/seq_ranges.h"
#include "core/shard/commands/commands.h"
#include "core/shard/gates.h"
#include "core/shard/versions.h"

namespace chasqui::shard {
namespace {

SeqRanges ranges_of(const state::Hidden* row) {
  if (row == nullptr) return {};
  const auto ranges = SeqRanges::from(row->ranges());
  CHASQUI_ASSERT(ranges.has_value(), "a row of the store is one that this machine wrote");
  return *ranges;
}

}  // namespace

Effects hide(const ShardView& view, const log::Hide& command) {
  const auto conversation = ConversationId::parse(command.conversation());
  const UserId user(command.user());
  if (!conversation || command.first_seq() == 0 || command.first_seq() > command.last_seq()) {
    return Effects::refused(
        client::INVALID_ARGUMENT,
        "what is hidden is a conversation of 16 bytes, and there a first and a last seq: correct it");
  }
  const state::Index* entry = view.index_entry(user, *conversation);
  if (entry == nullptr || (!conversation->is_group() && !conversation->has_direct_member(user))) {
    return Effects::refused(client::NOT_FOUND, "there is nothing to hide in this conversation, or there is none");
  }
  SeqRanges ranges = ranges_of(view.hidden(user, *conversation));
  const std::vector<std::uint64_t> before = ranges.numbers();
  if (!ranges.add(command.first_seq(), command.last_seq())) return Effects::only(HiddenNow{entry->hides(), before});
  if (ranges.size() > bounds::hidden_ranges_max) {
    return Effects::refused(
        client::FAILED_PRECONDITION,
        absl::StrCat("more than ", bounds::hidden_ranges_max,
                     " separate stretches of this conversation would be hidden: hide one longer one"));
  }
  Effects effects;
  state::Hidden row;
  row.mutable_ranges()->Assign(ranges.numbers().begin(), ranges.numbers().end());
  effects.put(keys::hidden(view.shard(), user, *conversation), std::move(row));
  state::Index after = *entry;
  const Version now(view.index().value());
  after.set_hides(entry->hides() + (CHASQUI_CANARY("hides_uncounted") ? 0 : 1));
  after.set_version(now.value());
  std::map<Version, std::set<std::string>> leaving;
  if (const Version old(entry->version()); old && old != now) leaving[old].insert(conversation->str());
  move_versions(view, user, now, leaving, {conversation->str()}, effects);
  effects.consequences.push_back(IndexMoved{user, *conversation, index_marks_of(after), true, now, after.hides(),
                                            gate_of(after, *conversation), is_invitation(after)});
  effects.reply = HiddenNow{after.hides(), ranges.numbers()};
  effects.put(keys::index(view.shard(), user, *conversation), std::move(after));
  return effects;
}

}  // namespace chasqui::shard
