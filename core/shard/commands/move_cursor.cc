// Everything owed up to a Raft index has taken effect: the feed's rows up to there are dropped.
//
// One command moves the cursor by at most cursor_step_max indexes, since apply reads each of them and must stay short:
// who proposed it looks where the cursor stands (numbers().feed_cursor()) and goes on from there. It never passes the
// entry before its own: what this entry owes is not settled yet.
#include <algorithm>

#include "core/shard/commands/commands.h"

namespace chasqui::shard {
namespace {

constexpr std::uint64_t cursor_step_max = 4'096;  // as many rows as the fan-out lets gather before it moves the cursor

}  // namespace

Effects move_cursor(const ShardView& view, const log::MoveCursor& command) {
  const std::uint64_t old = view.feed_cursor().value();
  const std::uint64_t applied = view.index().value() - 1;
  const std::uint64_t cursor = std::min({command.index(), applied, old + cursor_step_max});
  if (cursor <= old) return Effects::only(Done{});

  Effects effects;
  for (std::uint64_t index = old + 1; index <= cursor; ++index) {
    if (view.has_feed_row(RaftIndex(index))) effects.remove(keys::feed(view.shard(), RaftIndex(index)));
  }
  effects.feed_cursor = RaftIndex(cursor);
  return effects;
}

}  // namespace chasqui::shard
