// What is owed to users of a shard that is silent, set aside: a row for each user and conversation, whatever comes in
// meanwhile, so that the feed's cursor goes on and nobody else waits. Merged by max: parking twice is parking once.
//
// A mark that the destination would drop (no member, no conversation, nothing said) is dropped here.
#include <map>

#include "core/shard/commands/commands.h"

namespace chasqui::shard {
namespace {

constexpr int marks_max = 1'024;  // in one command, so that an entry of them stays short

}  // namespace

Effects park(const ShardView& view, const log::Park& command) {
  if (command.marks_size() > marks_max) {
    return Effects::refused(client::INVALID_ARGUMENT, absl::StrCat("a park has ", command.marks_size(), " of at most ",
                                                                   marks_max, " marks: split it"));
  }
  std::map<std::string, Owed> rows;
  for (const log::IndexMark& mark : command.marks()) {
    const auto conversation = ConversationId::parse(mark.conversation());
    const UserId user(mark.user());
    const Owed owed = Owed::of(mark);
    if (!conversation || !is_valid(user) || owed.says_nothing()) continue;
    if (!conversation->is_group() && !conversation->has_direct_member(user)) continue;
    const ShardId destination = owed.destination(user, *conversation, view.shards());
    rows[keys::parked(view.shard(), destination, user, *conversation)].merge(owed);
  }
  Effects effects;
  for (auto& [key, owed] : rows) {
    if (const state::Parked* stored = view.parked(key)) {
      const Owed before = Owed::of(*stored);
      if (before.covers(owed)) continue;
      owed.merge(before);
    }
    state::Parked row;
    owed.put(row);
    effects.put(key, std::move(row));
  }
  return effects;
}

}  // namespace chasqui::shard
