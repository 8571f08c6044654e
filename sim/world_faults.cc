// Faults: what an item of the plan does when it starts and when it ends; and the lies.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/digest.h"
#include "sim/world.h"

namespace chasqui::sim {

namespace {

// A kill is told when the node was up.
bool is_of_node(ItemKind kind) {
  return kind == ItemKind::Pause || kind == ItemKind::SlowDisk || kind == ItemKind::StuckDisk ||
         kind == ItemKind::BreakAll || kind == ItemKind::WallJump || kind == ItemKind::Cut ||
         kind == ItemKind::Isolate || kind == ItemKind::Split;
}

// Paths between nodes.
bool is_cut(ItemKind kind) {
  return kind == ItemKind::Cut || kind == ItemKind::Isolate || kind == ItemKind::Split;
}

}  // namespace

void World::item_starts(const Item& item) {
  if (healed_at_ >= 0) return;  // its time was rounded to that of the healing, or beyond
  Device& device = phone_of(item.subject);
  VirtualNode& node = *nodes_[item.subject % nodes_.size()];
  if (item.kind == ItemKind::Send || item.kind == ItemKind::Stray) return person_sends(device, item);
  if (item.kind == ItemKind::Group || item.kind == ItemKind::GroupTalk || item.kind == ItemKind::GroupChange) {
    return group_item(device, item);
  }
  if (item.kind == ItemKind::Gate) return gate_item(device, item);
  if (tracing())
    trace(absl::StrCat("fault: ", word(item.kind), " ", item.subject, " for ", item.length / millisecond, " ms"));
  const bool clock_lags = plan_.is_cluster() && item.kind == ItemKind::FrozenClock && item.length > 8 * second;
  if (is_of_node(item.kind) || clock_lags) see(OperatorStep{node.index, word(item.kind)});
  if (is_trick(item.kind)) return hostile_starts(item);
  const Time until = now_ + item.length;
  switch (item.kind) {
    case ItemKind::Send:
    case ItemKind::Stray:
    case ItemKind::Group:
    case ItemKind::GroupTalk:
    case ItemKind::GroupChange:
    case ItemKind::Gate: return;
    case ItemKind::Crash: return process_crashes(node, item.length, false);
    case ItemKind::PowerCut:
      for (const auto& each : nodes_) process_crashes(*each, item.length, true);
      return;
    case ItemKind::Pause: return process_pauses(node, item.length);
    case ItemKind::SlowDisk:
      node.slow_until = std::max(node.slow_until, until);
      node.slow_factor = std::max<std::uint64_t>(1, item.size);
      return see(NodeHindered{node.index, item.length});
    case ItemKind::StuckDisk:
      node.stuck_until = std::max(node.stuck_until, until);
      return see(NodeHindered{node.index, item.length});
    case ItemKind::Break:
      if (Connection* connection = find(device.connection); connection != nullptr) {
        cut(*connection, false, 200 * millisecond);
      }
      return;
    case ItemKind::BreakAll:
      for (const auto& connection : connections_) {
        if (connection != nullptr && connection->node == node.index && connection->node_open) {
          cut(*connection, false, 200 * millisecond);
        }
      }
      return;
    case ItemKind::Stall:
      device.stall = static_cast<Time>(item.size) * millisecond;
      device.stall_until = std::max(device.stall_until, until);
      return;
    case ItemKind::Offline: {
      device.network = false;
      if (Connection* connection = find(device.connection); connection != nullptr) cut(*connection, false, second);
      push(until, EventKind::ItemEnds, 0, number_of(item));
      if (item.size == 0 || !device.up() || !device.started) return;
      // The program is told, and rests.
      device.started = false;
      client::Outputs outputs;
      device.client->stop(device.now(now_), outputs);
      return carry_out(device, outputs);
    }
    case ItemKind::Audit: return audit(device.person, item.object, false);
    case ItemKind::PhoneCrash: return phone_crashes(device, item.length);
    case ItemKind::WallJump: {
      const auto jump = static_cast<std::int64_t>(item.size);
      for (const auto& each : nodes_) {
        if (plan_.process_of(each->index) != plan_.process_of(node.index)) continue;
        each->wall_offset_ms += item.object == 1 ? -jump : jump;
      }
      return;
    }
    case ItemKind::Reinstall: return reinstall(device, item.length);
    case ItemKind::Backup: return back_up(device);
    case ItemKind::Restore: return restore(device, item.length);
    case ItemKind::Twin: return twin_starts(device, item);
    case ItemKind::Roam: return roam(device, item.length);
#define CHASQUI_SIM_TRICK(name, word, meaning) case ItemKind::name:
      CHASQUI_SIM_TRICKS(CHASQUI_SIM_TRICK)
#undef CHASQUI_SIM_TRICK
      return;  // above
    case ItemKind::FullDisk:
    case ItemKind::SyncError:
    case ItemKind::SlowCpu:
    case ItemKind::FrozenClock:
    case ItemKind::Damage:
    case ItemKind::LostSyncs:
    case ItemKind::Wipe:
    case ItemKind::Rot: return disk_item_starts(node, item);
    case ItemKind::Cut:
    case ItemKind::Isolate:
    case ItemKind::Split:
    case ItemKind::LinkBreak:
    case ItemKind::LinkStall:
    case ItemKind::NoQuorum: return peer_item_starts(item);
  }
}

void World::item_ends(const Item& item) {
  if (healed_at_ >= 0) return;
  if (item.kind == ItemKind::Twin) return twin_ends(item);
  if (item.kind == ItemKind::NoQuorum) return silence(item, false);
  if (is_cut(item.kind)) return partition(item, false);
  if (item.kind != ItemKind::Offline) return disk_item_ends(*nodes_[item.subject % nodes_.size()], item);
  Device& device = phone_of(item.subject);
  device.network = true;
  if (!device.up() || device.started) return;
  device.started = true;
  client::Outputs outputs;
  device.client->start(device.now(now_), outputs);
  carry_out(device, outputs);
}

std::string World::alter_frame(const Connection& connection, std::string bytes) {
  if (options_.lie != Lie::AlterPush && options_.lie != Lie::AlterAnswer) return bytes;
  if (!chance_ppm(noise(Concern::Think, 78, report_.events), 50'000)) return bytes;
  client::ServerMessage message;
  if (!message.ParseFromString(bytes)) return bytes;
  for (client::ServerFrame& frame : *message.mutable_frames()) {
    if (options_.lie == Lie::AlterAnswer && frame.has_accepted()) {
      frame.mutable_accepted()->set_seq(frame.accepted().seq() + 1);
    }
    if (options_.lie == Lie::AlterPush && frame.has_push()) {
      client::Payload payload;
      payload.set_text(absl::StrCat("lie ", report_.events, " to device ", connection.device));
      client::Event& event = *frame.mutable_push()->mutable_event();
      event.set_payload(payload.SerializeAsString());
      event.set_digest(std::string(view(blake2b_256(event.payload()))));
    }
  }
  return message.SerializeAsString();
}

}  // namespace chasqui::sim
