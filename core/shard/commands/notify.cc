// What other shards' feeds owe to the users of this one: up to where a conversation goes (head), up to where the
// user has read it, and what of it is unread. Merged by max into the user's index; never cut at the head, since an
// index may lag behind it.
//
// Invariants of the index: (1) an entry's version is the Raft index of its last change; (2) the row `U user v version`
// names, in ascending order, exactly the conversations whose entry has that version: one live row for each entry;
// (3) so a scan of versions above v, downwards, meets each conversation that changed since v once, newest first.
//
// A mark for a user who is not here, or who is no member, is dropped in silence: "no such user" is an acknowledgement.
#include <map>
#include <set>

#include "core/base/points.h"
#include "core/shard/commands/commands.h"
#include "core/shard/versions.h"

namespace chasqui::shard {
namespace {

constexpr int marks_max = 1'024;  // in one command, so that an entry of them stays short

using ByConversation = std::map<ConversationId, IndexMarks>;

std::map<UserId, ByConversation> merged(const log::Notify& command) {
  std::map<UserId, ByConversation> users;
  for (const log::IndexMark& mark : command.marks()) {
    const auto conversation = ConversationId::parse(mark.conversation());
    const UserId user(mark.user());
    if (!conversation || !is_valid(user)) continue;
    if (!conversation->is_group() && !conversation->has_direct_member(user)) continue;
    users[user][*conversation].merge(index_marks_of(mark));
  }
  return users;
}

// Of what this entry changes.
Version version_of(const ShardView& view) {
  if (CHASQUI_CANARY("version_reused")) return Version(view.index().value() % 64 + 1);  // it counts anew now and then
  return Version(view.index().value());
}

void merge_into_index(const ShardView& view, UserId user, const ByConversation& told, Effects& effects) {
  const Version now = version_of(view);
  std::map<Version, std::set<std::string>> leaving;
  std::set<std::string> joining;
  for (const auto& [conversation, marks] : told) {
    const state::Index* stored = view.index_entry(user, conversation);
    const state::Index before = stored == nullptr ? state::Index() : *stored;
    IndexMarks now_known = index_marks_of(before);
    if (now_known.covers(marks)) continue;
    IndexMarks of_events = now_known;
    now_known.merge(marks);
    of_events.merge({now_known.head, 0, {now_known.counts.messages, 0, 0, 0}});
    state::Index after = before;
    put_index_marks(now_known, after);
    after.set_version(now.value());
    const Version old(before.version());
    if (old && old != now) leaving[old].insert(conversation.str());
    joining.insert(conversation.str());
    // Nobody is told of an entry without a head; with the head, then, of all that it holds.
    const bool is_more = before.head() == 0 || !of_events.covers(now_known);
    effects.consequences.push_back(IndexMoved{user, conversation, now_known, is_more, now, after.hides()});
    effects.put(keys::index(view.shard(), user, conversation), std::move(after));
  }
  if (!joining.empty()) move_versions(view, user, now, leaving, joining, effects);
}

}  // namespace

Effects notify(const ShardView& view, const log::Notify& command) {
  if (command.marks_size() > marks_max) {
    return Effects::refused(client::INVALID_ARGUMENT, absl::StrCat("a notify has ", command.marks_size(),
                                                                   " of at most ", marks_max, " marks: split it"));
  }
  Effects effects;
  for (const auto& [user, told] : merged(command)) {
    if (view.account(user) != nullptr) merge_into_index(view, user, told, effects);
  }
  return effects;
}

}  // namespace chasqui::shard
