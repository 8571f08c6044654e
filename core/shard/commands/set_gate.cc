// What a user says of another: blocked, accepted, or nothing (any more). A row of the user's own, a change of the
// user's own index, and an effect that is owed to the conversation's shard, which decides by it what passes.
//
// Whether there is such another user is not asked, and not told: ids are never used again.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "core/base/bounds.h"
#include "core/base/keys.h"
#include "core/shard/commands/commands.h"
#include "core/shard/gates.h"
#include "core/shard/versions.h"

namespace chasqui::shard {
namespace {

// Above every version of before, also where one entry says two things: so whoever hears them in whatever order takes
// the last one. For that the row stays when nothing is said any more.
std::uint64_t next_version(const ShardView& view, const state::Gate* stored) {
  return std::max(view.index().value(), stored == nullptr ? 0 : stored->version() + 1);
}

bool says_something(std::uint32_t stance) {
  return stance != state::NOTHING_SAID;
}

void put_row(const ShardView& view, UserId user, UserId other, std::uint32_t stance, const state::Gate* stored,
             Effects& effects) {
  state::Gate row;
  row.set_stance(stance);
  row.set_version(next_version(view, stored));
  state::Account account = *view.account(user);
  const bool did_say = stored != nullptr && says_something(stored->stance());
  account.set_gates(account.gates() + (says_something(stance) ? 1 : 0) - (did_say ? 1 : 0));
  effects.put(keys::account(view.shard(), user), std::move(account));
  effects.put(keys::gate(view.shard(), user, other), std::move(row));
}

}  // namespace

Effects set_gate(const ShardView& view, const log::SetGate& command) {
  const UserId user(command.user());
  const UserId other(command.other());
  if (!is_valid(user) || !is_valid(other) || user == other ||
      !state::Stance_IsValid(static_cast<int>(command.stance()))) {
    return Effects::refused(client::INVALID_ARGUMENT, "a gate is towards another user: OPEN, REQUEST or BLOCKED");
  }
  const state::Account* account = view.account(user);
  if (account == nullptr) return Effects::refused(client::NOT_FOUND, "there is no such account");
  const ConversationId conversation = ConversationId::direct(user, other);
  const state::Gate* stored = view.gate(user, other);
  const state::Index* entry = view.index_entry(user, conversation);
  state::Index after = entry == nullptr ? state::Index() : *entry;
  const Version now(view.index().value());
  const std::uint32_t before = stored == nullptr ? std::uint32_t{state::NOTHING_SAID} : stored->stance();
  const Version version(command.stance() == before && stored != nullptr ? std::max(now.value(), stored->version())
                                                                        : next_version(view, stored));
  if (command.stance() == before) {
    return Effects::only(GateNow{command.stance(), version, gate_of(after, conversation)});
  }
  if (!says_something(before) && account->gates() >= bounds::gates_max) {
    return Effects::refused(client::FAILED_PRECONDITION, absl::StrCat("you have accepted or blocked ",
                                                                      bounds::gates_max, " users: unblock one first"));
  }

  Effects effects;
  put_row(view, user, other, command.stance(), stored, effects);
  after.set_stance(command.stance());
  after.set_version(now.value());
  std::map<Version, std::set<std::string>> leaving;
  const Version old(entry == nullptr ? 0 : entry->version());
  if (old && old != now) leaving[old].insert(conversation.str());
  move_versions(view, user, now, leaving, {conversation.str()}, effects);
  const client::Gate gate = gate_of(after, conversation);
  effects.consequences.push_back(
      IndexMoved{user, conversation, index_marks_of(after), false, now, after.hides(), gate, false, true});
  effects.consequences.push_back(GateMoved{user, other, command.stance()});
  effects.put(keys::index(view.shard(), user, conversation), std::move(after));
  effects.owe(user, conversation, Owed{.stance = command.stance(), .stance_version = version.value()});
  effects.reply = GateNow{command.stance(), version, gate};
  return effects;
}

}  // namespace chasqui::shard
