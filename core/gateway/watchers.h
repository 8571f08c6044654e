// Who watches the users of one shard: the sessions, at whatever node, that its leader tells when a user comes, goes or
// writes. Soft state of a leader: a watch holds for bounds::watch_ms and is said again before.
//
// Changes are looked for once a second, so nobody is told more often, however a phone's network flaps.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "core/base/now.h"

namespace chasqui::gateway {

struct Watcher {
  NodeId node;
  SessionId session;
  UserId user;  // whose session it is
};

class Watchers {
 public:
  static constexpr Duration look_every = seconds(1);

  // False: too many watch that user, or users of this shard, already. Again: it holds for longer.
  [[nodiscard]] bool add(UserId watched, const Watcher& watcher, bool is_online, Now now, const Limits& limits);
  // Nobody is told of that user any more.
  void forget(UserId watched);
  // That one is not.
  void forget(UserId watched, UserId watcher);
  void clear();
  [[nodiscard]] std::vector<Watcher> of(UserId watched, Now now) const;
  // Wall time at which a watched user was last seen to go; 0: not since they are watched.
  [[nodiscard]] std::int64_t gone_ms(UserId watched) const;

  // Those whose state is not what was told last; `is_online(user)` says how it is. Watches that are over end here.
  struct Change {
    UserId user;
    bool is_online = false;
  };
  template <class IsOnline>
  [[nodiscard]] std::vector<Change> look(Now now, const IsOnline& is_online) {
    std::vector<Change> changes;
    if (now.mono < look_at_) return changes;
    expire(now);
    for (auto& [user, watched] : watched_) {
      const bool online = is_online(user);
      if (online == watched.is_online) continue;
      watched.is_online = online;
      if (!online) watched.gone_ms = now.wall.ms;
      changes.push_back({user, online});
    }
    look_at_ = watched_.empty() ? MonoTime::never() : now.mono + look_every;
    return changes;
  }
  [[nodiscard]] MonoTime next_deadline() const { return look_at_; }
  [[nodiscard]] std::size_t size() const { return size_; }  // pairs of session and user

 private:
  struct Watch {
    UserId user;
    MonoTime until;
  };
  struct Watched {
    bool is_online = false;  // as told last
    std::int64_t gone_ms = 0;
    absl::btree_map<std::pair<NodeId, SessionId>, Watch> sessions;
  };
  void expire(Now now);

  absl::btree_map<UserId, Watched> watched_;
  std::size_t size_ = 0;
  MonoTime look_at_ = MonoTime::never();
};

// As others are told it: to the minute, and to the hour after a day.
[[nodiscard]] std::int64_t rounded_last_seen_ms(std::int64_t last_seen_ms, WallTime now);

}  // namespace chasqui::gateway
