#include "core/shard/versions.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/base/points.h"

namespace chasqui::shard {

void move_versions(const ShardView& view, UserId user, Version now,
                   const std::map<Version, std::set<std::string>>& leaving, const std::set<std::string>& joining,
                   Effects& effects) {
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

  std::set<std::string> all = joining;  // an earlier command of this entry may have begun the row
  if (const state::Version* begun = view.version_row_begun(user)) {
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

}  // namespace chasqui::shard
