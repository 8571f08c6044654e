// What was parked has been told and has taken effect. A row that holds more by now stays whole: its rest is still owed.
#include "core/shard/commands/commands.h"

namespace chasqui::shard {
namespace {

constexpr int marks_max = 1'024;  // in one command, so that an entry of them stays short

}  // namespace

Effects unpark(const ShardView& view, const log::Unpark& command) {
  if (command.marks_size() > marks_max) {
    return Effects::refused(client::INVALID_ARGUMENT, absl::StrCat("an unpark has ", command.marks_size(),
                                                                   " of at most ", marks_max, " marks: split it"));
  }
  Effects effects;
  for (const log::IndexMark& mark : command.marks()) {
    const auto conversation = ConversationId::parse(mark.conversation());
    const UserId user(mark.user());
    if (!conversation || !is_valid(user)) continue;
    const Owed told = Owed::of(mark);
    std::string key =
        keys::parked(view.shard(), told.destination(user, *conversation, view.shards()), user, *conversation);
    const state::Parked* row = view.parked(key);
    if (row == nullptr || !told.covers(Owed::of(*row))) continue;
    effects.remove(std::move(key));
  }
  return effects;
}

}  // namespace chasqui::shard
