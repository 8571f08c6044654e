#include "core/gateway/registry.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/points.h"

namespace chasqui::gateway {
namespace {

// SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA'14): so that sums of small numbers do not collide.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

}  // namespace

void SessionSum::add(SessionId session) {
  ++count;
  hash += mixed(session.value());
}
void SessionSum::remove(SessionId session) {
  --count;
  hash -= mixed(session.value());
}

bool Registry::add(const Registered& entry, Now now, std::vector<Registered>& replaced) {
  if (const std::vector<Registered>* of_user = by_user_.find(entry.user)) {
    for (const Registered& other : *of_user) {
      if (other.device != entry.device) continue;
      if (other.node == entry.node && other.session == entry.session) return true;
      if (other.generation > entry.generation) {
        CHASQUI_MARK("older_session");
        return false;
      }
      replaced.push_back(other);
    }
  }
  if (!replaced.empty()) CHASQUI_MARK("session_replaced");
  for (const Registered& other : replaced) take_out(other);
  Node& node = nodes_[entry.node];
  if (node.sessions.empty()) node.renewed_at = now.mono;
  node.sessions[entry.session] = entry.user;
  node.sum.add(entry.session);
  by_user_[entry.user].push_back(entry);
  ++size_;
  return true;
}

void Registry::take_out(const Registered& entry) {
  std::vector<Registered>* of_user = by_user_.find(entry.user);
  CHASQUI_ASSERT(of_user != nullptr, "a registered session is known by its user");
  const UserId user = entry.user;
  const NodeId node = entry.node;
  const SessionId session = entry.session;
  std::erase_if(*of_user, [&](const Registered& other) { return other.node == node && other.session == session; });
  if (of_user->empty()) by_user_.erase(user);
  Node& at = nodes_[node];
  at.sessions.erase(session);
  at.sum.remove(session);
  --size_;
}

void Registry::remove(NodeId node, SessionId session) {
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  const auto found = it->second.sessions.find(session);
  if (found == it->second.sessions.end()) return;
  Registered entry;
  entry.node = node;
  entry.session = session;
  entry.user = found->second;
  take_out(entry);
}

void Registry::drop_node(NodeId node) {
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  while (!it->second.sessions.empty()) remove(node, it->second.sessions.begin()->first);
  nodes_.erase(it);
}

void Registry::clear() {
  by_user_.clear();
  nodes_.clear();
  checks_.clear();
  size_ = 0;
}

void Registry::begin_round(NodeId node, std::uint64_t round, Now now) {
  drop_node(node);
  Node& fresh = nodes_[node];
  fresh.round = round;
  fresh.renewed_at = now.mono;
}

std::uint64_t Registry::round(NodeId node) const {
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? 0 : it->second.round;
}

std::size_t Registry::count(NodeId node) const {
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? 0 : it->second.sessions.size();
}

bool Registry::renewed(NodeId node, std::uint64_t round, const SessionSum& sum, std::uint64_t told, Now now) {
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return sum.count == 0;
  Node& known = it->second;
  known.renewed_at = now.mono;
  if (known.round != round || known.sum != sum) return false;
  return told >= known.number || known.told_at + told_grace > now.mono;
}

void Registry::expire(NodeId self, Now now) {
  std::vector<NodeId> gone;
  for (const auto& [id, node] : nodes_) {
    if (id != self && node.renewed_at + lease <= now.mono) gone.push_back(id);
  }
  for (const NodeId node : gone) drop_node(node);
}

std::vector<NodeId> Registry::nodes_of(UserId user) const {
  std::vector<NodeId> nodes;
  const std::vector<Registered>* of_user = by_user_.find(user);
  if (of_user == nullptr) return nodes;
  for (const Registered& entry : *of_user) {
    if (std::find(nodes.begin(), nodes.end(), entry.node) == nodes.end()) nodes.push_back(entry.node);
  }
  return nodes;
}

Registry::Stamp Registry::stamp(NodeId id, Now now) {
  Node& node = nodes_[id];
  if (node.number == 0) node.renewed_at = now.mono;
  node.told_at = now.mono;
  return Stamp{node.round, ++node.number};
}

void Registry::check_begin(UserId user, DeviceId device, NodeId node, std::uint64_t ask) {
  Check& check = checks_[{user, {node, ask}}];
  check.device = device;
  ++check.under_way;
}

void Registry::device_gone(UserId user, DeviceId device) {
  for (auto it = checks_.lower_bound({user, {NodeId(), 0}}); it != checks_.end() && it->first.first == user; ++it) {
    if (it->second.device == device) it->second.is_void = true;
  }
}

bool Registry::check_end(UserId user, NodeId node, std::uint64_t ask) {
  const auto it = checks_.find({user, {node, ask}});
  if (it == checks_.end()) return true;
  const bool is_void = it->second.is_void;
  if (--it->second.under_way == 0) checks_.erase(it);
  return is_void;
}

}  // namespace chasqui::gateway
