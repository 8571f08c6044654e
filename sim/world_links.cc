// Connections: opening, frames both ways, closing, and what each side knows of a break.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/describe.h"
#include "sim/world.h"

namespace chasqui::sim {

Connection* World::find(std::uint64_t id) {
  if (id == 0 || id > connections_.size()) return nullptr;
  return connections_[id - 1].get();
}

Connection* World::connection_of(VirtualNode& node, SessionId session) {
  const std::uint64_t* id = node.connection_of.find(session.value());
  return id == nullptr ? nullptr : find(*id);
}

void World::drop_if_over(std::uint64_t id) {
  if (const Connection* connection = find(id); connection != nullptr && connection->over()) {
    nodes_[connection->node]->connection_of.erase(connection->session.value());
    connections_[id - 1].reset();
  }
}

// What kind of network a device is on, for the whole run.
LinkProfile World::profile(const Device& device) const {
  const std::uint64_t kind = noise(Concern::Link, device.index, 0);
  LinkProfile link{100 * microsecond, 800 * microsecond, 0};  // cable
  if (chance_ppm(kind, 600'000)) link = {5 * millisecond, 40 * millisecond, 8};
  if (chance_ppm(kind, plan_.knobs.mobile_ppm)) link = {40 * millisecond, 400 * millisecond, 800};
  if (chance_ppm(noise(Concern::Link, device.index, 1), plan_.knobs.thin_ppm)) link.ns_per_byte = 80'000;
  return link;
}

Time World::frame_delay(Device& device) {
  const LinkProfile link = profile(device);
  const std::uint64_t n = 2 + 2 * device.link_draws++;
  const std::uint64_t bits = noise(Concern::Link, device.index, n);
  Time delay = static_cast<Time>(
      log_uniform(bits, static_cast<std::uint64_t>(link.latency_min), static_cast<std::uint64_t>(link.latency_max)));
  if (device.stall_until > now_) delay += device.stall;
  // A lost packet shows as a stall of 200 ms, and doubled for each loss after it.
  std::uint64_t loss = noise(Concern::Link, device.index, n + 1);
  for (Time stall = 200 * millisecond; healed_at_ < 0 && stall < 10 * second && chance_ppm(loss, plan_.knobs.loss_ppm);
       stall *= 2) {
    delay += stall;
    loss = mix(loss, 0x9e3779b97f4a7c15ULL);
  }
  return delay;
}

void World::connect(Device& device) {
  if (!is_hostile(device.index)) see(ConnectTried{device.index, std::exchange(device.greeted, false)});
  if (std::exchange(device.has_tried, true)) next_server(device);
  auto connection = std::make_unique<Connection>();
  connection->id = connections_.size() + 1;
  connection->device = device.index;
  connection->node = device.node;
  device.connection = connection->id;
  const std::uint64_t id = connection->id;
  const bool hopeless = !device.network;
  connection->refused = hopeless;
  connections_.push_back(std::move(connection));
  Time delay = 2 * frame_delay(device);  // the handshakes of TCP and TLS
  const std::uint64_t bits = noise(Concern::Connect, device.index, id);
  if (plan_.plan_class == PlanClass::Swarm && healed_at_ < 0 && chance_ppm(bits, 50'000)) {
    delay += static_cast<Time>(below(mix(bits, bits), 5'000)) * millisecond;
  }
  push(now_ + delay, hopeless ? EventKind::ConnectAnswered : EventKind::ConnectArrives, 0, id);
}

void World::connect_arrives(Connection& connection) {
  if (!connection.connecting) return;
  VirtualNode& node = *nodes_[connection.node];
  Device& device = device_at(connection.device);
  if (connection.cut || !device.network || !node.up()) {
    connection.refused = true;
  } else {
    connection.session = SessionId(++node.last_session);
    connection.node_incarnation = node.incarnation;
    connection.node_open = true;
    node.connection_of.insert(connection.session.value(), connection.id);
    if (is_hostile(connection.device)) taps_[node.index].hostile(connection.session);
    feed(node, SessionOpened{connection.session, address_of(connection.device + 1)});
  }
  push(now_ + frame_delay(device), EventKind::ConnectAnswered, 0, connection.id);
}

void World::connect_answered(Connection& connection) {
  if (!connection.connecting) return;
  connection.connecting = false;
  if (is_hostile(connection.device)) return hostile_connected(connection);
  Device& device = device_at(connection.device);
  if (device.connection != connection.id || !device.up()) return;  // it has given up meanwhile
  client::Outputs outputs;
  if (connection.refused || connection.cut) {
    device.connection = 0;
    device.client->disconnected(device.now(now_), outputs);
  } else {
    connection.device_open = true;
    device.client->connected(device.now(now_), outputs);
  }
  carry_out(device, outputs);
}

Dice World::codec_dice(Connection& connection) {
  return {plan_.seed, Concern::Codec, (connection.id << 32) | ++connection.codec_draws};
}

void World::read_stream(Connection& connection, StreamCheck& stream, const std::string& bytes) {
  if (plan_.knobs.codec == 0) return;
  Dice dice = codec_dice(connection);
  const std::string wrong = stream.read(bytes, dice);
  if (!wrong.empty()) see(ContractBroken{connection.node, wrong});
}

void World::send_up(Connection& connection, Time at, std::string bytes) {
  if (connection.cut) return;  // into the void
  if (plan_.knobs.codec == 0 || is_hostile(connection.device)) return put_up(connection, at, std::move(bytes));
  Dice dice = codec_dice(connection);
  for (std::string& piece : split_client_message(bytes, dice)) put_up(connection, at, std::move(piece));
}

void World::send_down(Connection& connection, Time at, std::string bytes) {
  if (plan_.knobs.codec == 0) return put_down(connection, at, std::move(bytes));
  Dice dice = codec_dice(connection);
  for (std::string& piece : split_server_message(bytes, dice)) put_down(connection, at, std::move(piece));
}

void World::put_up(Connection& connection, Time at, std::string bytes) {
  if (plan_.knobs.codec != 0) connection.up_stream.write(bytes);
  Device& device = device_at(connection.device);
  const Time ns_per_byte = profile(device).ns_per_byte;
  const Pipe::Times times = connection.up.send(at, std::move(bytes), ns_per_byte, frame_delay(device));
  push(times.arrives, EventKind::FrameUp, 0, connection.id);
}

void World::put_down(Connection& connection, Time at, std::string bytes) {
  const std::uint64_t size = bytes.size();
  const bool was_within = connection.queued <= plan_.limits.push_budget_bytes_max;
  connection.queued += size;
  if (connection.queued > plan_.limits.push_budget_bytes_max && connection.node_open) {
    // This message may hold some of what was owed: it counts as well.
    if (was_within) connection.owed = taps_[connection.node].unanswered(connection.session) + 1;
    see(SessionQueued{connection.node, connection.session, connection.queued, connection.owed});
  }
  if (!connection.device_reads) return;  // it stays where it is
  if (connection.cut || connection.late_until != 0) {
    // The kernel takes what its buffer holds; then nothing leaves any more.
    if (connection.leaving.size() < 4) {
      connection.leaving.push_back(size);
      push(at, EventKind::BytesLeft, 0, connection.id);
    }
    return;
  }
  Device& device = device_at(connection.device);
  bytes = alter_frame(connection, std::move(bytes));
  if (plan_.knobs.codec != 0) connection.down_stream.write(bytes);
  const Pipe::Times times =
      connection.down.send(at, std::move(bytes), profile(device).ns_per_byte, frame_delay(device));
  connection.leaving.push_back(size);
  push(times.leaves, EventKind::BytesLeft, 0, connection.id);
  push(times.arrives, EventKind::FrameDown, 0, connection.id);
}

void World::frame_up(Connection& connection) {
  if (connection.up.empty() && connection.put_back.empty()) return;  // it was lost
  if (!connection.node_open) return;
  if (connection.late_until > now_) return push(connection.late_until, EventKind::FrameUp, 0, connection.id);
  if (!connection.node_reads) {
    ++connection.held;
    return;
  }
  if (!connection.put_back.empty()) {
    std::string bytes = std::move(connection.put_back.front());
    connection.put_back.pop_front();
    return feed(*nodes_[connection.node], SessionFrame{connection.session, std::move(bytes)});
  }
  if (connection.up.next().size() > plan_.limits.websocket_message_bytes_max) {
    // The port does not read it (net/websocket.cc): it says why, behind all that was sent, and hears nothing more.
    (void)connection.up.receive();
    connection.close_code = 1009;
    connection.close_reason.clear();
    node_learns(connection);
    if (connection.cut) return;
    Device& device = device_at(connection.device);
    const Time at = std::max(now_, connection.down.last_arrival()) + frame_delay(device);
    return push(at, EventKind::DeviceLearns, 0, connection.id);
  }
  std::string bytes = connection.up.receive();
  read_stream(connection, connection.up_stream, bytes);
  feed(*nodes_[connection.node], SessionFrame{connection.session, std::move(bytes)});
}

void World::frame_down(Connection& connection) {
  if (connection.down.empty() || !connection.device_open) return;
  Device& device = device_at(connection.device);
  const std::string bytes = connection.down.receive();
  read_stream(connection, connection.down_stream, bytes);
  if (is_hostile(connection.device)) return hostile_hears(connection, bytes);
  if (tracing()) {
    client::ServerMessage message;
    (void)message.ParseFromString(bytes);
    for (const auto& frame : message.frames()) trace(absl::StrCat("device ", device.index, " gets ", describe(frame)));
  }
  client::Outputs outputs;
  device.client->received(device.now(now_), bytes, outputs);
  device.greeted = device.greeted || device.client->is_connected();
  carry_out(device, outputs);
}

void World::close_by_node(Connection& connection, Time at) {
  if (!connection.node_open) return;
  connection.node_open = false;
  std::vector<Fact> facts;
  taps_[connection.node].session_over(connection.session, facts);
  see_all(facts);
  if (connection.cut) return;
  // The close frame comes behind all that was sent.
  Device& device = device_at(connection.device);
  push(std::max(at, connection.down.last_arrival()) + frame_delay(device), EventKind::DeviceLearns, 0, connection.id);
}

void World::close_by_device(Connection& connection) {
  connection.device_open = false;
  connection.connecting = false;
  if (connection.cut || !connection.node_open) return drop_if_over(connection.id);
  Device& device = device_at(connection.device);
  push(std::max(now_, connection.up.last_arrival()) + frame_delay(device), EventKind::NodeLearns, 0, connection.id);
}

void World::cut(Connection& connection, bool node_is_gone, Time quick) {
  if (connection.cut) return;
  connection.cut = true;
  ++report_.breaks;
  Dice dice(plan_.seed, Concern::Break, connection.id);
  connection.up.keep(static_cast<std::size_t>(dice.roll(0, connection.up.size())));
  connection.down.keep(static_cast<std::size_t>(dice.roll(0, connection.down.size())));
  // Half of the time a side learns at once; else after 1 to 60 s, or by its own timeouts.
  const auto when = [&](bool at_once) {
    const std::uint64_t soon = dice.roll(0, static_cast<std::uint64_t>(quick));
    const std::uint64_t late =
        dice.log_roll(static_cast<std::uint64_t>(second), static_cast<std::uint64_t>(60 * second));
    const Time wait = static_cast<Time>(at_once ? soon : late);
    return now_ + (healed_at_ >= 0 ? std::min(wait, 2 * second) : wait);
  };
  const bool device_at_once = dice.chance(500'000);
  const bool node_at_once = dice.chance(500'000);
  push(when(device_at_once), EventKind::DeviceLearns, 0, connection.id);
  if (!node_is_gone) push(when(node_at_once), EventKind::NodeLearns, 0, connection.id);
}

void World::node_learns(Connection& connection) {
  if (!connection.node_open) return;
  connection.node_open = false;
  std::vector<Fact> facts;
  taps_[connection.node].session_over(connection.session, facts);
  see_all(facts);
  feed(*nodes_[connection.node], SessionClosed{connection.session});
}

void World::device_learns(Connection& connection) {
  connection.connecting = false;
  if (is_hostile(connection.device)) return hostile_lost(connection);
  if (!connection.device_open) {
    // It may still be waiting for the answer.
    Device& device = device_at(connection.device);
    if (device.connection != connection.id || !device.up()) return;
    device.connection = 0;
    client::Outputs outputs;
    device.client->disconnected(device.now(now_), outputs);
    return carry_out(device, outputs);
  }
  connection.device_open = false;
  Device& device = device_at(connection.device);
  if (device.connection != connection.id || !device.up()) return;
  device.connection = 0;
  client::Outputs outputs;
  device.client->disconnected(device.now(now_), outputs);
  carry_out(device, outputs);
}

}  // namespace chasqui::sim
