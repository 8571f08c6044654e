#include "sim/invariants/i09_raft.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace chasqui::sim {

void Raft::see(Time at, const Fact& fact) {
  if (const auto* entry = std::get_if<EntryLogged>(&fact)) {
    logged(at, *entry);
  } else if (const auto* done = std::get_if<EntryApplied>(&fact)) {
    applied(at, *done);
  } else if (const auto* leader = std::get_if<LeaderSpoke>(&fact)) {
    leads(at, leader->node, leader->shard, leader->term);
    spoke(at, *leader);
  } else if (const auto* changed = std::get_if<LeadChanged>(&fact)) {
    if (changed->leads) leads(at, changed->node, changed->shard, changed->term);
  } else if (const auto* rejection = std::get_if<RejectionLeft>(&fact)) {
    // Its hint is where the leader looks next.
    check(rejection->last <= rejection->log_last || rejection->last < rejection->rejected, at, [&] {
      return absl::StrCat("node ", rejection->node, " refuses what follows entry ", rejection->rejected.value(),
                          " of shard ", rejection->shard.value(), " and says that its log ends at ",
                          rejection->last.value(), ": it ends at ", rejection->log_last.value());
    });
  } else if (const auto* vote = std::get_if<VoteLeft>(&fact)) {
    const auto [it, fresh] = votes_.try_emplace({vote->node, vote->shard, vote->term}, vote->candidate);
    check(fresh || it->second == vote->candidate, at, [&, &first = it->second] {
      return absl::StrCat("node ", vote->node, " gave its vote of shard ", vote->shard.value(), " in term ",
                          vote->term.value(), " to replica ", first.value(), " and to replica ",
                          vote->candidate.value());
    });
  }
}

void Raft::leads(Time at, std::uint32_t node, ShardId shard, RaftTerm term) {
  const auto [it, fresh] = leaders_.try_emplace({shard, term}, node);
  check(fresh || it->second == node, at, [&, first = it->second] {
    return absl::StrCat("shard ", shard.value(), " has two leaders in term ", term.value(), ": nodes ", first, " and ",
                        node);
  });
}

// By induction: equal terms at an index mean equal entries, and equal terms before it.
void Raft::logged(Time at, const EntryLogged& entry) {
  const auto [it, fresh] =
      logged_.try_emplace({entry.shard, entry.index, entry.term}, Logged{entry.digest, entry.before, entry.node});
  if (fresh) return;
  Logged& known = it->second;
  check(known.digest == entry.digest, at, [&] {
    return absl::StrCat("entry ", entry.index.value(), " of term ", entry.term.value(), " of shard ",
                        entry.shard.value(), " differs between node ", known.node, " and node ", entry.node);
  });
  if (!known.before) known.before = entry.before;
  if (!entry.before) return;
  check(known.before == entry.before, at, [&] {
    return absl::StrCat("before entry ", entry.index.value(), " of term ", entry.term.value(), " of shard ",
                        entry.shard.value(), " node ", known.node, " has one of term ", known.before.value(), ", node ",
                        entry.node, " one of term ", entry.before.value());
  });
}

void Raft::applied(Time at, const EntryApplied& entry) {
  if (!entry.index || !entry.term) return;
  std::vector<Committed>& shard = committed_[entry.shard];
  if (shard.size() < entry.index.value()) shard.resize(static_cast<std::size_t>(entry.index.value()));
  Committed& known = shard[static_cast<std::size_t>(entry.index.value() - 1)];
  if (!known.term) {
    known = {entry.term, entry.seen_term, entry.digest};
    return;
  }
  known.by = std::min(known.by, entry.seen_term);
  check(known.term == entry.term && known.digest == entry.digest, at, [&] {
    return absl::StrCat("entry ", entry.index.value(), " of shard ", entry.shard.value(), " was committed in term ",
                        known.term.value(), ", and node ", entry.node, " has another there, of term ",
                        entry.term.value());
  });
}

void Raft::spoke(Time at, const LeaderSpoke& leader) {
  const auto shard = committed_.find(leader.shard);
  if (shard == committed_.end()) return;
  const std::uint64_t first = leader.first.value();
  for (std::uint64_t index = first; index <= shard->second.size(); ++index) {
    const Committed& known = shard->second[static_cast<std::size_t>(index - 1)];
    if (!known.term || known.by >= leader.term) continue;
    const auto place = static_cast<std::size_t>(index - first);
    const bool has = place < leader.terms.size() && leader.terms[place] == known.term;
    check(has, at, [&] {
      return absl::StrCat("node ", leader.node, " leads shard ", leader.shard.value(), " in term ", leader.term.value(),
                          " without entry ", index, " of term ", known.term.value(), ", which was committed in term ",
                          known.by.value(), " or before");
    });
    if (!has) return;
  }
}

}  // namespace chasqui::sim
