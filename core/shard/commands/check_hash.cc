// What the leader's state hashed to. It changes nothing: Machine::apply compares it with what this replica had.
#include "core/shard/commands/commands.h"

namespace chasqui::shard {

Effects check_hash(const ShardView&, const log::CheckHash&) {
  return Effects::only(Done{});
}

}  // namespace chasqui::shard
