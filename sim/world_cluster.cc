// What the nodes of a cluster do together, as it is tapped: entries appended and applied, who leads; and what dies with
// whom.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "core/meta/placement.h"
#include "proto/state.pb.h"
#include "sim/world.h"

namespace chasqui::sim {
namespace {

std::uint64_t digest_of(const LogEntry& entry) {
  std::string bytes(1, static_cast<char>(entry.type));
  if (entry.payload != nullptr) bytes += *entry.payload;
  return xxh3_64(bytes);
}

std::vector<Member> members_of(const Plan& plan) {
  std::vector<Member> members;
  for (std::uint32_t node = 0; node < plan.nodes; ++node) {
    members.push_back({NodeId(node + 1), std::uint64_t{plan.process_of(node)} + 1});
  }
  return members;
}

}  // namespace

ClusterShape World::shape_of(const Plan& plan) {
  ClusterShape shape;
  if (!plan.is_cluster()) return shape;
  shape.rare_branches = plan.knobs.maybe_ppm != 0;
  for (std::uint32_t node = 0; node < plan.nodes; ++node) shape.process_of.push_back(plan.process_of(node));
  const std::vector<Member> members = members_of(plan);
  for (std::uint32_t shard = 0; shard < plan.shards; ++shard) {
    shape.replicas.emplace_back();
    for (const NodeId node : meta::replicas_of(ShardId(shard), members)) {
      shape.replicas.back().push_back(static_cast<std::uint32_t>(node.value() - 1));
    }
  }
  return shape;
}

void World::join_cluster(const VirtualNode& node, NodeConfig& config) const {
  if (!plan_.is_cluster()) return;
  config.members = members_of(plan_);
  config.cluster = "simulated.world!";
  CHASQUI_ASSERT(config.cluster.size() == 16 && node.index < plan_.nodes, "a cluster is named by 16 bytes");
}

// Called from within its step: what is written is looked at when the step is over.
void World::watch_store(VirtualNode& node) {
  node.store.watch([&node](ShardId shard, const std::string& numbers, std::uint64_t digest) {
    state::Shard row;
    if (row.ParseFromString(numbers)) node.wrote.push_back({shard, RaftIndex(row.applied_index()), digest, false});
  });
}

// What was applied in its step, and what was written to its store: the one runs ahead of the other.
void World::tap_applied(VirtualNode& node) {
  std::vector<Fact> facts;
  for (const VirtualNode::Wrote& wrote : node.wrote) {
    if (!wrote.whole) continue;
    facts.emplace_back(EntryApplied{
        node.index, wrote.shard, wrote.index, {}, 0, wrote.digest, node.log.term(wrote.shard), true, 0, 0});
    node.applied_up_to[wrote.shard] = wrote.index;
  }
  for (const AppliedEntry& applied : node.node->applied()) {
    EntryApplied fact{node.index, applied.shard, applied.index, {}, 0, 0, node.log.term(applied.shard), true, 0, 0};
    if (const LogEntry* entry = node.log.entry(applied.shard, applied.index); entry != nullptr) {
      fact.term = entry->term;
      fact.digest = digest_of(*entry);
      fact.synced = node.log.holds(applied.shard, applied.index, entry->term);
      if (cluster_log_.applied(applied.shard, applied.index, *entry)) count_disks(fact);
    } else {
      fact.synced = false;  // it applies what its log does not hold
    }
    node.applied_up_to[applied.shard] = applied.index;
    facts.emplace_back(std::move(fact));
    if (node.leads.contains(applied.shard)) cluster_log_.visible(applied.shard, applied.index, facts);
  }
  for (const VirtualNode::Wrote& wrote : node.wrote) {
    if (wrote.whole) continue;
    facts.emplace_back(EntryApplied{
        node.index, wrote.shard, wrote.index, {}, 0, wrote.digest, node.log.term(wrote.shard), true, 0, 0});
  }
  node.wrote.clear();
  see_all(facts);
}

void World::count_disks(EntryApplied& fact) const {
  // Every replica begins with entry 1 of itself. And beyond the promise disks forget.
  if (fact.index == RaftIndex(1) || plan_.plan_class == PlanClass::Beyond) return;
  const auto shard = static_cast<std::uint32_t>(fact.shard.value());
  fact.needed = static_cast<std::uint32_t>(shape_.majority(shard));
  for (const std::uint32_t replica : shape_.replicas[shard]) {
    if (nodes_[replica]->log.holds(fact.shard, fact.index, fact.term)) ++fact.stored;
  }
}

void World::tap_append(VirtualNode& node, const LogAppend& append) {
  if (!plan_.is_cluster() || append.entries.empty()) return;
  std::vector<Fact> facts;
  RaftIndex index = append.first_index;
  RaftTerm before;
  if (index > RaftIndex(1)) {
    const LogEntry* entry = node.log.entry(append.shard, RaftIndex(index.value() - 1));
    if (entry != nullptr) before = entry->term;
  }
  for (const LogEntry& entry : append.entries) {
    cluster_log_.appended(append.shard, index, entry.term, node.index, wall_at_start_ms + now_ / millisecond);
    facts.emplace_back(EntryLogged{node.index, append.shard, index, entry.term, before, digest_of(entry)});
    before = entry.term;
    index = index.next();
  }
  see_all(facts);
}

void World::tap_note(VirtualNode& node, const Note& note) {
  const auto rots = [&](const Item& item) {
    return item.kind == ItemKind::Rot && ShardId(item.object % plan_.shards) == note.shard;
  };
  const bool excused = std::any_of(plan_.items.begin(), plan_.items.end(), rots);
  if (note.kind == NoteKind::ReplicaStopped && !excused && plan_.plan_class != PlanClass::Beyond &&
      options_.lie == Lie::None) {
    see(ContractBroken{node.index, absl::StrCat("its replica of shard ", note.shard.value(),
                                                " has stopped, though no disk broke what it promised")});
  }
  if (!plan_.is_cluster()) return;
  const bool ends = note.kind == NoteKind::SnapshotTaken || note.kind == NoteKind::SnapshotGivenUp;
  if (ends || note.kind == NoteKind::SnapshotWanted) return see(ReplicaInstalls{node.index, note.shard, !ends});
  if (note.kind == NoteKind::ReplicaDiffers) return see(ReplicaStopped{node.index, note.shard});
  if (note.kind != NoteKind::ShardLeads && note.kind != NoteKind::ShardFollows) return;
  const bool leads = note.kind == NoteKind::ShardLeads;
  std::vector<Fact> facts;
  if (leads) {
    node.leads.insert(note.shard);
    cluster_log_.visible(note.shard, node.applied_up_to[note.shard], facts);
  } else {
    node.leads.erase(note.shard);
  }
  facts.emplace_back(LeadChanged{node.index, note.shard, RaftTerm(note.a), leads});
  see_all(facts);
}

void World::tap_peer(VirtualNode& node, const PeerSend& send) {
  std::vector<Fact> facts;
  peer_taps_[node.index].frame_out(send.bytes, facts);
  see_all(facts);
}

// What its store has applied after a crash is applied again from there on.
void World::tap_crashed(VirtualNode& node) {
  if (!plan_.is_cluster()) return;
  peer_taps_[node.index].node_crashed();
  node.leads.clear();
  node.wrote.clear();
  node.applied_up_to.clear();
  for (const StoreFlushed::Shard& shard : node.applied(plan_.shards)) node.applied_up_to[shard.shard] = shard.applied;
}

// All nodes of its process go with it.
void World::process_crashes(VirtualNode& node, Time down, bool silently) {
  const std::uint32_t process = plan_.process_of(node.index);
  for (const auto& each : nodes_) {
    if (plan_.process_of(each->index) == process) node_crashes(*each, down);
  }
  process_dies(process, silently);
}

// A frozen machine's nodes stand still together.
void World::process_pauses(VirtualNode& node, Time length) {
  const std::uint32_t process = plan_.process_of(node.index);
  for (const auto& each : nodes_) {
    if (plan_.process_of(each->index) != process || !each->up()) continue;
    each->frozen_until = std::max(each->frozen_until, now_ + length);
    see(NodeHindered{each->index, length});
  }
  if (!plan_.is_cluster()) return;
  for (PeerLink& link : net_.links()) {
    if (link.ends[0] == process || link.ends[1] == process) watch_link(link);
  }
}

// The server that a device tries next.
void World::next_server(Device& device) {
  if (plan_.is_cluster()) device.node = (device.node + 1) % plan_.nodes;
}

}  // namespace chasqui::sim
