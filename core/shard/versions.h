// The rows by which a user's index is scanned in the order of its changes: `U user v version` names, in ascending
// order, exactly the conversations whose entry has that version (core/shard/commands/notify.cc, invariant 2).
#pragma once

#include <map>
#include <set>
#include <string>

#include "core/shard/effects.h"
#include "core/shard/view.h"

namespace chasqui::shard {

// The conversations that changed leave the rows of their old versions and join that of this entry, `now`.
void move_versions(const ShardView& view, UserId user, Version now,
                   const std::map<Version, std::set<std::string>>& leaving, const std::set<std::string>& joining,
                   Effects& effects);

}  // namespace chasqui::shard
