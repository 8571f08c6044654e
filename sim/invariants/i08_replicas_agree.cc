#include "sim/invariants/i08_replicas_agree.h"

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void ReplicasAgree::see(Time at, const Fact& fact) {
  if (const auto* rotten = std::get_if<StateRotted>(&fact)) rotten_.insert(rotten->shard);
  const auto* applied = std::get_if<EntryApplied>(&fact);
  if (applied == nullptr || !applied->index) return;
  std::vector<Known>& shard = shards_[applied->shard];
  if (shard.size() < applied->index.value()) shard.resize(static_cast<std::size_t>(applied->index.value()));
  Known& known = shard[static_cast<std::size_t>(applied->index.value() - 1)];
  const auto where = [&] {
    return absl::StrCat("entry ", applied->index.value(), " of shard ", applied->shard.value());
  };
  if (applied->term) {
    if (!known.term) {
      known.term = applied->term;
      known.entry = applied->digest;
      known.entry_of = applied->node;
    } else {
      check(known.term == applied->term && known.entry == applied->digest, at, [&] {
        return absl::StrCat("node ", applied->node, " applied as ", where(), " one of term ", applied->term.value(),
                            ", node ", known.entry_of, " another, of term ", known.term.value());
      });
    }
  }
  if (applied->state == 0 || rotten_.contains(applied->shard)) return;
  if (known.state == 0) {
    known.state = applied->state;
    known.state_of = applied->node;
    return;
  }
  check(known.state == applied->state, at, [&] {
    return absl::StrCat("behind ", where(), " the state of node ", applied->node, " is not that of node ",
                        known.state_of);
  });
}

}  // namespace chasqui::sim
