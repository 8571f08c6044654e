// What other shards' feeds owe to the users of this one: up to where a conversation goes (head), up to where the
// user has read it, and what of it is unread. Merged by max into the user's index; never cut at the head, since an
// index may lag behind it. And to its conversations: what a user has said of the other (core/shard/gates.h).
//
// Invariants of the index: (1) an entry's version is the Raft index of its last change; (2) the row `U user v version`
// names, in ascending order, exactly the conversations whose entry has that version: one live row for each entry;
// (3) so a scan of versions above v, downwards, meets each conversation that changed since v once, newest first.
//
// A mark for a user who is not here, or who is no member, is dropped in silence: "no such user" is an acknowledgement.
#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include "core/base/keys.h"
#include "core/base/owed.h"
#include "core/base/points.h"
#include "core/shard/commands/commands.h"
#include "core/shard/direct.h"
#include "core/shard/gates.h"
#include "core/shard/versions.h"

namespace chasqui::shard {
namespace {

constexpr int marks_max = 1'024;  // in one command, so that an entry of them stays short

using ByConversation = std::map<ConversationId, Owed>;

std::map<UserId, ByConversation> merged(const log::Notify& command) {
  std::map<UserId, ByConversation> users;
  for (const log::IndexMark& mark : command.marks()) {
    const auto conversation = ConversationId::parse(mark.conversation());
    const UserId user(mark.user());
    if (!conversation || !is_valid(user)) continue;
    if (!conversation->is_group() && !conversation->has_direct_member(user)) continue;
    users[user][*conversation].merge(Owed::of(mark));
  }
  return users;
}

// Of what this entry changes.
Version version_of(const ShardView& view) {
  if (CHASQUI_CANARY("version_reused")) return Version(view.index().value() % 64 + 1);  // it counts anew now and then
  return Version(view.index().value());
}

// What is not there yet is taken to be open.
client::Gate gate_before(const state::Index* entry, const ConversationId& conversation) {
  return entry == nullptr ? client::OPEN : gate_of(*entry, conversation);
}

void merge_into_index(const ShardView& view, UserId user, const ByConversation& told, Effects& effects) {
  const Version now = version_of(view);
  std::map<Version, std::set<std::string>> leaving;
  std::set<std::string> joining;
  for (const auto& [conversation, owed] : told) {
    const state::Index* stored = view.index_entry(user, conversation);
    const state::Index before = stored == nullptr ? state::Index() : *stored;
    IndexMarks now_known = index_marks_of(before);
    const bool is_news =
        !now_known.covers(owed.marks()) || (owed.opened && !before.opened()) || owed.invited > before.invited();
    if (!is_news) continue;
    IndexMarks of_events = now_known;
    now_known.merge(owed.marks());
    of_events.merge({now_known.head, 0, {now_known.counts.messages, 0, 0, 0}});
    state::Index after = before;
    if (stored == nullptr && !conversation.is_group()) {
      const state::Gate* gate = view.gate(user, other_of(conversation, user));
      if (gate != nullptr) after.set_stance(gate->stance());
    }
    after.set_opened(before.opened() || owed.opened);
    after.set_invited(std::max(before.invited(), owed.invited));
    put_index_marks(now_known, after);
    after.set_version(now.value());
    const Version old(before.version());
    if (old && old != now) leaving[old].insert(conversation.str());
    joining.insert(conversation.str());
    // Nobody is told of an entry without a head, but of its gate; with the head, then, of all that it holds.
    const bool is_more = before.head() == 0 || !of_events.covers(now_known);
    const client::Gate gate = gate_of(after, conversation);
    const bool gate_is_news =
        gate != gate_before(stored, conversation) || is_invitation(after) != is_invitation(before);
    effects.consequences.push_back(IndexMoved{user, conversation, now_known, is_more, now, after.hides(), gate,
                                              is_invitation(after), gate_is_news});
    effects.put(keys::index(view.shard(), user, conversation), std::move(after));
  }
  if (!joining.empty()) move_versions(view, user, now, leaving, joining, effects);
}

// What a user says of another goes to the shard of their conversation, which may be new there.
void merge_into_header(const ShardView& view, UserId user, const ConversationId& conversation, const Owed& owed,
                       std::map<ConversationId, state::Header>& headers, Effects& effects) {
  if (conversation.is_group() || shard_of(conversation, view.shards()) != view.shard()) return;
  auto header = headers.find(conversation);
  if (header == headers.end()) {
    const state::Header* stored = view.header(conversation);
    const state::DirectMember* before = member(stored, conversation, user);
    const bool is_news = before == nullptr || before->stance_version() < owed.stance_version;
    if (!is_news || conversation.lower() == conversation.higher()) return;
    header = headers.emplace(conversation, header_or_new(stored, conversation)).first;
  }
  learn_stance(header->second, conversation, user, owed.stance, owed.stance_version, view.time(), effects);
}

}  // namespace

Effects notify(const ShardView& view, const log::Notify& command) {
  if (command.marks_size() > marks_max) {
    return Effects::refused(client::INVALID_ARGUMENT, absl::StrCat("a notify has ", command.marks_size(),
                                                                   " of at most ", marks_max, " marks: split it"));
  }
  Effects effects;
  std::map<ConversationId, state::Header> headers;  // both members of one may say something
  for (const auto& [user, told] : merged(command)) {
    if (view.account(user) != nullptr) merge_into_index(view, user, told, effects);
    for (const auto& [conversation, owed] : told) {
      if (owed.is_stance()) merge_into_header(view, user, conversation, owed, headers, effects);
    }
  }
  for (auto& [conversation, header] : headers) {
    effects.put(keys::header(view.shard(), conversation), std::move(header));
  }
  return effects;
}

}  // namespace chasqui::shard
