// Hostile clients: the world itself speaks for them, raw frames over ordinary connections (hostile/hostile.h).
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/hostile/tricks.h"
#include "sim/world.h"

namespace chasqui::sim {
namespace {

constexpr std::uint64_t volleys_max = 60;  // of one connection
constexpr std::uint32_t connects_max = 20;

}  // namespace

Device& World::device_at(std::uint32_t index) {
  return is_hostile(index) ? hostiles_[index - hostile_base]->device : *devices_[index];
}

void World::make_hostiles() {
  for (std::uint32_t i = 0; i < plan_.knobs.hostile; ++i) {
    auto hostile = std::make_unique<Hostile>();
    hostile->scene.index = i;
    hostile->device.index = hostile_base + i;
    hostile->device.person = hostile_base + i;
    hostile->device.node = i % plan_.nodes;
    hostile->device.first = true;
    hostiles_.push_back(std::move(hostile));
  }
}

void World::hostile_joins(Device& device) {
  Scene& scene = hostiles_[device.index - hostile_base]->scene;
  device.first = false;  // from now on it logs in
  scene.user = device.credentials.user;
  scene.device = device.credentials.device;
  scene.secret = device.credentials.secret;
  scene.next_outbox_seq.clear();
  see(HostileJoined{scene.user, scene.device});
}

// A new device in place of one that is logged out.
void World::hostile_joins_anew(Hostile& hostile) {
  Device& device = hostile.device;
  if (!device.has_account) return;
  device.has_account = false;
  Dice dice(plan_.seed, Concern::Secret, (++hostile.scene.renewals << 32) | device.index);
  for (char& byte : device.credentials.secret) byte = static_cast<char>(dice.roll(0, 255));
  set_call(device, now_ + second);
}

void World::hostile_starts(const Item& item) {
  if (hostiles_.empty() || healed_at_ >= 0) return;
  Hostile& hostile = *hostiles_[item.subject % hostiles_.size()];
  if (!hostile.device.has_account) return;
  Scene& scene = hostile.scene;
  scene.others.clear();
  for (std::uint32_t person = 0; person < users_.size(); ++person) {
    if (users_[person] && (plan_.is_cluster() || person % plan_.nodes == hostile.device.node))
      scene.others.push_back(users_[person]);
  }
  for (const auto& other : hostiles_) {
    const bool near = plan_.is_cluster() || other->device.node == hostile.device.node;
    if (other->scene.user && other != hostiles_[scene.index] && near) {
      scene.others.push_back(other->scene.user);
    }
  }
  HostileSession session;
  session.trick = item.kind;
  session.size = std::clamp<std::uint64_t>(item.size, 1, 100);
  session.until = now_ + item.length;
  session.entity = (std::uint64_t{item.object} << 32) | item.subject;
  session.gap = std::max<Time>(10 * millisecond, item.length / 20);
  session.connects_left = connects_max;
  const std::uint64_t count = item.kind == ItemKind::HalfOpen ? session.size : 1;
  for (std::uint64_t i = 0; i < count; ++i) hostile_connects(hostile, session);
}

void World::hostile_connects(Hostile& hostile, HostileSession session) {
  if (session.connects_left == 0 || healed_at_ >= 0) return;
  --session.connects_left;
  session.greeted = false;
  connect(hostile.device);
  const std::uint64_t id = std::exchange(hostile.device.connection, 0);
  hostile.sessions[id] = session;
}

void World::hostile_connected(Connection& connection) {
  Hostile& hostile = *hostiles_[connection.device - hostile_base];
  const auto it = hostile.sessions.find(connection.id);
  if (it == hostile.sessions.end()) return;
  if (connection.refused || connection.cut) return hostile_lost(connection);
  connection.device_open = true;
  const HostileSession& session = it->second;
  if (logs_in(session.trick)) {
    if (session.token_is_out && session.connects_left % 2 == 0) hostile.scene.secret[0] ^= 1;
    hostile_says(hostile, connection, hello_bytes(hostile.scene));
  }
  push(now_, EventKind::HostileActs, hostile.scene.index, connection.id);
}

void World::hostile_says(Hostile& hostile, Connection& connection, const std::string& bytes) {
  client::ClientMessage message;
  const bool readable = message.ParseFromString(bytes);
  if (tracing()) {
    trace(absl::StrCat("hostile ", hostile.scene.index, " says ", bytes.size(), " bytes, ", message.frames_size(),
                       " frames"));
  }
  for (const client::ClientFrame& frame : message.frames()) {
    client::Payload payload;
    const auto conversation = ConversationId::parse(frame.send().conversation());
    if (!readable || !frame.has_send() || !conversation || !payload.ParseFromString(frame.send().payload())) continue;
    if (!conversation->has_direct_member(hostile.scene.user)) continue;
    see(HostileSent{hostile.scene.user, *conversation, payload.text()});
    std::map<std::uint64_t, ConversationId>& sends = hostile.scene.sends;
    sends[frame.request_id()] = *conversation;
    if (sends.size() > Scene::sends_max) sends.erase(sends.begin());
  }
  if (readable && bytes.size() < 4'096) {
    hostile.scene.old.push_back(bytes);
    if (hostile.scene.old.size() > Scene::old_max) hostile.scene.old.pop_front();
  }
  send_up(connection, now_, bytes);
}

void World::hostile_acts(Connection& connection) {
  if (!is_hostile(connection.device)) return;
  Hostile& hostile = *hostiles_[connection.device - hostile_base];
  const auto it = hostile.sessions.find(connection.id);
  if (it == hostile.sessions.end()) return;
  HostileSession& session = it->second;
  if (now_ >= session.until || session.volleys >= volleys_max) {
    const bool token_is_out = session.token_is_out;
    hostile.sessions.erase(it);
    close_by_device(connection);
    if (token_is_out) hostile_joins_anew(hostile);
    return;
  }
  if (session.greeted || !logs_in(session.trick)) {
    Dice dice(plan_.seed, Concern::Hostile, mix(session.entity, 0x9e3779b97f4a7c15ULL) + ++session.volleys);
    if (session.trick == ItemKind::SlowRead) connection.device_reads = false;
    for (const std::string& bytes : volley(session, hostile.scene, dice)) hostile_says(hostile, connection, bytes);
    if (session.trick == ItemKind::WrongToken) session.token_is_out = true;
  }
  push(std::min(session.until, now_ + session.gap), EventKind::HostileActs, hostile.scene.index, connection.id);
}

void World::hostile_hears(Connection& connection, const std::string& bytes) {
  Hostile& hostile = *hostiles_[connection.device - hostile_base];
  const auto it = hostile.sessions.find(connection.id);
  client::ServerMessage message;
  if (it == hostile.sessions.end() || !message.ParseFromString(bytes)) return;
  for (const client::ServerFrame& frame : message.frames()) {
    if (frame.has_hello()) it->second.greeted = true;
    // Told its next number, it uses it: so it does get through.
    const auto sent = hostile.scene.sends.find(frame.request_id());
    if (frame.error().next_outbox_seq() > 0 && sent != hostile.scene.sends.end()) {
      hostile.scene.next_outbox_seq[sent->second] = frame.error().next_outbox_seq() - 1;
    }
    if (!frame.has_device_renewed()) continue;
    hostile.scene.device = DeviceId(frame.device_renewed().device());
    hostile.scene.secret = hostile.scene.renewed_secret;
    hostile.scene.next_outbox_seq.clear();
    it->second.token_is_out = false;
    see(HostileJoined{hostile.scene.user, hostile.scene.device});
  }
}

// Whoever means harm is back at once.
void World::hostile_lost(Connection& connection) {
  Hostile& hostile = *hostiles_[connection.device - hostile_base];
  connection.device_open = false;
  const auto it = hostile.sessions.find(connection.id);
  if (it == hostile.sessions.end()) return;
  const HostileSession session = it->second;
  hostile.sessions.erase(it);
  if (now_ < session.until && session.connects_left > 0 && session.trick != ItemKind::HalfOpen) {
    hostile_connects(hostile, session);
  } else if (session.token_is_out) {
    hostile_joins_anew(hostile);
  }
}

void World::hostiles_leave() {
  for (const auto& hostile : hostiles_) {
    const std::map<std::uint64_t, HostileSession> sessions = std::exchange(hostile->sessions, {});
    for (const auto& [id, session] : sessions) {
      if (Connection* connection = find(id); connection != nullptr) close_by_device(*connection);
    }
  }
}

}  // namespace chasqui::sim
