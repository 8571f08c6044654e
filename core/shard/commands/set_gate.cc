// What a user says of another: blocked, accepted, or nothing (any more). A row of the user's own, a change of the
// user's own index, and an effect that is owed to the conversation's shard, which decides by it what passes.
//
// Whether there is such another user is not asked, and not told: ids are never used again.
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

void put_row(const ShardView& view, UserId user, UserId other, std::uint32_t stance, const state::Gate* stored,
             Effects& effects) {
  std::string key = keys::gate(view.shard(), user, other);
  state::Account account = *view.account(user);
  if (stance == state::NOTHING_SAID) {
    effects.remove(std::move(key));
    account.set_gates(account.gates() - 1);
  } else {
    state::Gate row;
    row.set_stance(stance);
    row.set_version(view.index().value());
    effects.put(std::move(key), std::move(row));
    account.set_gates(account.gates() + (stored == nullptr ? 1 : 0));
  }
  effects.put(keys::account(view.shard(), user), std::move(account));
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
  if (command.stance() == (stored == nullptr ? std::uint32_t{state::NOTHING_SAID} : stored->stance())) {
    return Effects::only(GateNow{command.stance(), now, gate_of(after, conversation)});
  }
  if (stored == nullptr && account->gates() >= bounds::gates_max) {
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
      IndexMoved{user, conversation, Seq(after.head()), Seq(after.read()), now, after.hides(), gate, false, true});
  effects.consequences.push_back(GateMoved{user, other, command.stance()});
  effects.put(keys::index(view.shard(), user, conversation), std::move(after));
  effects.owe(user, conversation, Owed{.stance = command.stance(), .stance_version = now.value()});
  effects.reply = GateNow{command.stance(), now, gate};
  return effects;
}

}  // namespace chasqui::shard
