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
  std::map<std::string, IndexMarks> rows;
  for (const log::IndexMark& mark : command.marks()) {
    const auto conversation = ConversationId::parse(mark.conversation());
    const UserId user(mark.user());
    const IndexMarks marks = index_marks_of(mark);
    if (!conversation || !is_valid(user) || marks.says_nothing()) continue;
    if (!conversation->is_group() && !conversation->has_direct_member(user)) continue;
    rows[keys::parked(view.shard(), shard_of(user, view.shards()), user, *conversation)].merge(marks);
  }
  Effects effects;
  for (auto& [key, marks] : rows) {
    if (const state::Parked* stored = view.parked(key)) {
      if (index_marks_of(*stored).covers(marks)) continue;
      marks.merge(index_marks_of(*stored));
    }
    state::Parked row;
    put_index_marks(marks, row);
    effects.put(key, std::move(row));
  }
  return effects;
}

}  // namespace chasqui::shard
