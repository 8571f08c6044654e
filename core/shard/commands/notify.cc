// What other shards' feeds owe to the users of this one: up to where a conversation goes (head), and up to where the
// user has read it. Merged by max into the user's index; never cut at the head, since an index may lag behind it.
//
// Invariants of the index: (1) an entry's version is the Raft index of its last change; (2) the row `U user v version`
// names, in ascending order, exactly the conversations whose entry has that version: one live row for each entry;
// (3) so a scan of versions above v, downwards, meets each conversation that changed since v once, newest first.
//
// A mark for a user who is not here, or who is no member, is dropped in silence: "no such user" is an acknowledgement.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <set>

#include "core/base/points.h"
#include "core/shard/commands/commands.h"

namespace chasqui::shard {
namespace {

constexpr int marks_max = 1'024;  // in one command, so that an entry of them stays short

struct Marks {
  std::uint64_t head = 0;
  std::uint64_t read = 0;
};
using ByConversation = std::map<ConversationId, Marks>;

std::map<UserId, ByConversation> merged(const log::Notify& command) {
  std::map<UserId, ByConversation> users;
  for (const log::IndexMark& mark : command.marks()) {
    const auto conversation = ConversationId::parse(mark.conversation());
    const UserId user(mark.user());
    if (!conversation || !is_valid(user)) continue;
    if (!conversation->is_group() && !conversation->has_direct_member(user)) continue;
    Marks& marks = users[user][*conversation];
    marks.head = std::max(marks.head, mark.head());
    marks.read = std::max(marks.read, mark.read());
  }
  return users;
}

// Of what this entry changes.
Version version_of(const ShardView& view) {
  if (CHASQUI_CANARY("version_reused")) return Version(view.index().value() % 64 + 1);  // it counts anew now and then
  return Version(view.index().value());
}

// Keeps invariant 2: the conversations that changed leave the rows of their old versions and join that of this entry.
void move_versions(const ShardView& view, UserId user, const std::map<Version, std::set<std::string>>& leaving,
                   const std::set<std::string>& joining, Effects& effects) {
  for (const auto& [version, left] : leaving) {
    const state::Version* old = view.version_row(user, version);
    CHASQUI_ASSERT(old != nullptr, "each version that an index entry names has its row");
    state::Version rest;
    for (const std::string& conversation : old->conversations()) {
      if (!left.contains(conversation)) rest.add_conversations(conversation);
    }
    CHASQUI_ASSERT(static_cast<std::size_t>(old->conversations_size() - rest.conversations_size()) == left.size(),
                   "a version's row names each conversation of that version");
    if (rest.conversations().empty()) {
      effects.remove(keys::version(view.shard(), user, version));
    } else {
      effects.put(keys::version(view.shard(), user, version), std::move(rest));
    }
  }

  const Version now = version_of(view);
  std::set<std::string> all = joining;  // an earlier command of this entry may have begun the row
  if (const state::Version* begun = view.version_row(user, now)) {
    all.insert(begun->conversations().begin(), begun->conversations().end());
  }
  state::Version row;
  for (const std::string& conversation : all) row.add_conversations(conversation);
  if (CHASQUI_CANARY("unordered_apply")) {  // as a hash map's order may be: by where it lies in memory
    const auto table = std::make_unique<std::array<char, 48>>();
    if ((std::bit_cast<std::uint64_t>(table.get()) >> 6 & 1) != 0) {
      std::reverse(row.mutable_conversations()->begin(), row.mutable_conversations()->end());
    }
  }
  effects.put_new(keys::version(view.shard(), user, now), std::move(row));
}

void merge_into_index(const ShardView& view, UserId user, const ByConversation& told, Effects& effects) {
  const Version now = version_of(view);
  std::map<Version, std::set<std::string>> leaving;
  std::set<std::string> joining;
  for (const auto& [conversation, marks] : told) {
    const state::Index* stored = view.index_entry(user, conversation);
    const state::Index before = stored == nullptr ? state::Index() : *stored;
    if (marks.head <= before.head() && marks.read <= before.read()) continue;
    state::Index after = before;
    after.set_head(std::max(before.head(), marks.head));
    after.set_read(std::max(before.read(), marks.read));
    after.set_version(now.value());
    const Version old(before.version());
    if (old && old != now) leaving[old].insert(conversation.str());
    joining.insert(conversation.str());
    effects.consequences.push_back(IndexMoved{user, conversation, Seq(after.head()), Seq(after.read()), now});
    effects.put(keys::index(view.shard(), user, conversation), std::move(after));
  }
  if (!joining.empty()) move_versions(view, user, leaving, joining, effects);
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
