// Faults of disks, CPUs and clocks: no room, failing syncs, damage, and disks that lie.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/keys.h"
#include "proto/state.pb.h"
#include "sim/world.h"

namespace chasqui::sim {

void World::disk_item_starts(VirtualNode& node, const Item& item) {
  const Time until = now_ + item.length;
  if (item.kind == ItemKind::FullDisk) {
    Time& ends = item.object == 2 ? node.behind_until : node.full_until;
    ends = std::max(ends, until);
    // Acks and marks are still taken, and use up what was kept back for them.
    if (item.object == 1) node.no_room_until = std::max(node.no_room_until, until);
    tell_pressure(node);
    push(until, EventKind::ItemEnds, 0, number_of(item));
  } else if (item.kind == ItemKind::SyncError) {
    node.sync_fails = true;
    node.sync_fails_down = item.length;
  } else if (item.kind == ItemKind::SlowCpu) {
    node.cpu_slow_until = std::max(node.cpu_slow_until, until);
    node.cpu_factor = std::clamp<std::uint64_t>(item.size, 1, 1'000);
    see(NodeHindered{node.index, item.length});
  } else if (item.kind == ItemKind::FrozenClock) {
    if (node.wall_frozen_until <= now_) node.wall_frozen_ms = node.now(now_).wall.ms;
    node.wall_frozen_until = std::max(node.wall_frozen_until, until);
  } else if (item.kind == ItemKind::Damage) {
    if (!node.up()) return;
    process_crashes(node, item.length, false);
    if (node.log.tails().empty()) return;  // there is nothing yet that could go bad
    node.damaged = true;
  } else if (item.kind == ItemKind::LostSyncs) {
    if (!node.up() || node.image) return;
    node.image = VirtualNode::Image{node.log, node.guard, node.store.version()};
    push(now_ + static_cast<Time>(item.size) * millisecond, EventKind::ItemEnds, 0, number_of(item));
  } else if (item.kind == ItemKind::Wipe) {
    if (!plan_.is_cluster() || !node.up()) return;
    process_crashes(node, item.length, false);
    for (const auto& each : nodes_) {
      if (plan_.process_of(each->index) == plan_.process_of(node.index)) each->wiped = true;
    }
  } else if (item.kind == ItemKind::Rot) {
    rot(node, ShardId(item.object % plan_.shards), item.length);
  }
}

// No checksum tells. It is the row with the rolling hash that differs, so that nothing wrong is shown to anybody until
// the replicas compare (rule R4), and for good: no crash brings back what was there before.
void World::rot(VirtualNode& node, ShardId shard, Time down) {
  if (!plan_.is_cluster() || !node.up()) return;
  process_crashes(node, down, false);
  const auto row = node.store.get(keys::numbers(shard));
  state::Shard numbers;
  if (!row || !numbers.ParseFromString(*row)) return;
  node.store.flush(node.store.version());
  numbers.set_rolling_hash(~numbers.rolling_hash());
  WriteBatch batch;
  batch.put(keys::numbers(shard), numbers.SerializeAsString());
  node.store.write(batch);
  node.store.flush(node.store.version());
  see(StateRotted{node.index, shard});
}

void World::disk_item_ends(VirtualNode& node, const Item& item) {
  if (item.kind == ItemKind::FullDisk) return tell_pressure(node);
  if (item.kind == ItemKind::LostSyncs) return lose_syncs(node, item);
}

void World::disks_heal(VirtualNode& node) {
  for (Time* until :
       {&node.full_until, &node.behind_until, &node.no_room_until, &node.cpu_slow_until, &node.wall_frozen_until}) {
    *until = std::min(*until, now_);
  }
  node.sync_fails = false;
  node.image.reset();  // a disk that lied and never lost its power has kept all in the end
  tell_pressure(node);
}

// As runtime/pressure.h would find the disk and the store.
void World::tell_pressure(VirtualNode& node) {
  Pressure pressure;
  if (node.full_until > now_) pressure.disk = Pressure::Disk::NoWrites;
  pressure.store_behind = node.behind_until > now_;
  if (!node.up() || (pressure.disk == node.told.disk && pressure.store_behind == node.told.store_behind)) return;
  node.told = pressure;
  feed(node, pressure);
}

// What storage::Log::write does when it cannot: the process stops at once and repeats nothing.
bool World::sync_stops(VirtualNode& node) {
  if (node.sync_finds_no_room) {
    // Looked at before anything was written. It exits with 75, and is started again until there is room.
    if (tracing()) trace(absl::StrCat("node ", node.index, " stops: no room for its log"));
    const std::uint64_t bits = noise(Concern::Disks, node.index, node.incarnation);
    const Time retry = static_cast<Time>(below(bits, 5'000)) * millisecond;
    node_crashes(node, std::max<Time>(node.no_room_until - now_, 0) + retry, 0);
    process_crashes(node, std::max<Time>(node.no_room_until - now_, 0) + retry, false);
    return true;
  }
  if (!std::exchange(node.sync_fails, false)) return false;
  // It exits with 74, and an operator looks at the disk. What the sync should have kept is there or not.
  if (tracing()) trace(absl::StrCat("node ", node.index, " stops: its sync failed"));
  process_crashes(node, node.sync_fails_down, false);
  return true;
}

// Its peers know the store that it had (runtime/peer_memory.h) and refuse it with another one: for them and for people
// it is as if it did not run. The canary lets it come back as who it was.
std::string World::wiped(VirtualNode& node) const {
  if (!std::exchange(node.wiped, false)) return {};
  if (options_.canary != "wiped_same_id") return "its store is new, and the others refuse it";
  node.log = SimLog();
  node.store.wipe();
  node.applied_up_to.clear();
  return {};
}

bool World::may_start(VirtualNode& node) {
  if (node.refused) return false;
  const std::string emptied = wiped(node);
  if (node.damaged && options_.lie == Lie::TailTruncated) {
    for (const auto& [shard, tail] : node.log.tails()) (void)node.log.forget_last_entry(ShardId(shard));
    node.damaged = false;
    node.lost = "the last entry of each log was dropped as if it were torn";
  }
  // Elsewhere the judges are to see what becomes of a world that lies: nobody looks at the disk.
  const bool looks = node.damaged || plan_.plan_class == PlanClass::Beyond;
  const std::string why = !emptied.empty() ? emptied : looks ? node.data_loss(plan_.shards) : std::string();
  if (why.empty()) {
    see(NodeStarted{node.index, std::exchange(node.lost, {})});
    return true;
  }
  if (tracing())
    trace(absl::StrCat("node ", node.index, " does not start: ", emptied.empty() ? "DATA_LOSS, " : "", why));
  node.refused = true;
  NodeRefused refused{node.index, why, {}};
  for (const auto& device : devices_) {
    if (plan_.is_cluster()) break;  // they go to another node
    if (device->node == node.index) refused.devices.push_back(device->index);
  }
  see(std::move(refused));
  return false;
}

// Power goes, and what the disk had only said to be synced is gone with it: of the log alone, or of all.
void World::lose_syncs(VirtualNode& node, const Item& item) {
  if (!node.image) return;
  if (!node.up()) return node.image.reset();  // a process that dies takes nothing from the disk's cache
  const SimGuard::Tails had = node.log.tails();
  node.guard.pass(now_);
  process_crashes(node, item.length, true);
  VirtualNode::Image image = *std::exchange(node.image, std::nullopt);
  (void)image.log.crash(0);
  const SimGuard::Tails has = image.log.tails();
  for (const auto& [shard, tail] : had) {
    const auto it = has.find(shard);
    if (it != has.end() && it->second >= tail) continue;
    node.lost = absl::StrCat("shard ", shard, " had acknowledged up to ", tail.second, ", the log ends at ",
                             it == has.end() ? 0 : it->second.second);
  }
  node.log = std::move(image.log);
  if (item.object != 1) return;
  node.guard = std::move(image.guard);
  if (node.store.version() > image.version) node.store.rewind(image.version);
}

}  // namespace chasqui::sim
