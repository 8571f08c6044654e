// Which sessions, at whatever node, belong to the users of one shard: what the shard's leader knows in order to tell
// them what happens. Soft state: empty at the beginning of a leadership, and rebuilt from what the nodes register.
//
// Invariants: (1) of two sessions of one device the one with the higher generation stands, and the other is told to
// end; (2) a node that did not renew for lease, or cannot be reached, has no session here; (3) what is told to another
// node is numbered from 1 in each round of registration, so that it notices a loss.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "core/base/hash_index.h"
#include "core/base/ids.h"
#include "core/base/now.h"

namespace chasqui::gateway {

struct Registered {
  NodeId node;
  SessionId session;
  UserId user;
  DeviceId device;
  std::uint64_t generation = 0;
};

// What two nodes compare to see that they mean the same sessions: order does not matter.
struct SessionSum {
  std::uint64_t count = 0;
  std::uint64_t hash = 0;
  void add(SessionId session);
  void remove(SessionId session);
  friend bool operator==(const SessionSum&, const SessionSum&) = default;
};

class Registry {
 public:
  static constexpr Duration lease = seconds(15);  // a node that has not renewed for so long has no sessions any more
  static constexpr Duration told_grace = seconds(2);  // what was told within it may still be under way

  // The token was good. False: a session of that device with a higher generation stands, and this one must end.
  // `replaced`: those that must end instead. The same session again changes nothing.
  bool add(const Registered& entry, Now now, std::vector<Registered>& replaced);
  void remove(NodeId node, SessionId session);
  void drop_node(NodeId node);
  void clear();

  // A new list of a node begins: what was known of it is forgotten.
  void begin_round(NodeId node, std::uint64_t round, Now now);
  [[nodiscard]] std::uint64_t round(NodeId node) const;
  [[nodiscard]] std::size_t count(NodeId node) const;  // its sessions
  // False: it must register again.
  [[nodiscard]] bool renewed(NodeId node, std::uint64_t round, const SessionSum& sum, std::uint64_t told, Now now);
  void expire(NodeId self, Now now);  // all but `self`'s

  [[nodiscard]] bool online(UserId user) const { return by_user_.contains(user); }
  // The nodes with sessions of this user, each once.
  [[nodiscard]] std::vector<NodeId> nodes_of(UserId user) const;
  // The number of the next Tells to that node.
  struct Stamp {
    std::uint64_t round = 0;
    std::uint64_t number = 0;
  };
  [[nodiscard]] Stamp stamp(NodeId node, Now now);

  // A Hello whose token is being read: between begin and end a logout of its device makes it void.
  void check_begin(UserId user, DeviceId device, NodeId node, std::uint64_t ask);
  void device_gone(UserId user, DeviceId device);
  [[nodiscard]] bool check_end(UserId user, NodeId node, std::uint64_t ask);  // true: logged out meanwhile, or unknown

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Node {
    std::uint64_t round = 0;
    std::uint64_t number = 0;  // of the last Tells
    MonoTime told_at;
    MonoTime renewed_at;
    SessionSum sum;
    absl::btree_map<SessionId, UserId> sessions;
  };
  struct Check {
    DeviceId device;
    bool is_void = false;
    std::uint64_t under_way = 0;  // the same ask may come twice, when its node's link broke
  };
  void take_out(const Registered& entry);

  HashIndex<UserId, std::vector<Registered>> by_user_;  // no empty ones
  absl::btree_map<NodeId, Node> nodes_;
  absl::btree_map<std::pair<UserId, std::pair<NodeId, std::uint64_t>>, Check> checks_;
  std::size_t size_ = 0;
};

}  // namespace chasqui::gateway
