#include "core/gateway/watchers.h"

#include <algorithm>

namespace chasqui::gateway {

bool Watchers::add(UserId watched, const Watcher& watcher, bool is_online, Now now, const Limits& limits) {
  const auto known = watched_.find(watched);
  const std::pair<NodeId, SessionId> session{watcher.node, watcher.session};
  const bool is_again = known != watched_.end() && known->second.sessions.contains(session);
  if (!is_again) {
    const bool is_full = size_ >= limits.watchers_shard_max ||
                         (known != watched_.end() && known->second.sessions.size() >= limits.watchers_user_max);
    if (is_full) return false;
    ++size_;
  }
  Watched& of_user = watched_[watched];
  if (of_user.sessions.empty()) of_user.is_online = is_online;
  const Duration holds = milliseconds(static_cast<std::int64_t>(bounds::watch_ms));
  of_user.sessions[session] = {watcher.user, now.mono + holds};
  look_at_ = earlier(look_at_, now.mono + look_every);
  return true;
}

void Watchers::forget(UserId watched) {
  const auto it = watched_.find(watched);
  if (it == watched_.end()) return;
  size_ -= it->second.sessions.size();
  watched_.erase(it);
}

void Watchers::forget(UserId watched, UserId watcher) {
  const auto it = watched_.find(watched);
  if (it == watched_.end()) return;
  auto& sessions = it->second.sessions;
  for (auto session = sessions.begin(); session != sessions.end();) {
    if (session->second.user != watcher) {
      ++session;
      continue;
    }
    session = sessions.erase(session);
    --size_;
  }
  if (sessions.empty()) watched_.erase(it);
}

void Watchers::clear() {
  watched_.clear();
  size_ = 0;
  look_at_ = MonoTime::never();
}

std::vector<Watcher> Watchers::of(UserId watched, Now now) const {
  std::vector<Watcher> all;
  const auto it = watched_.find(watched);
  if (it == watched_.end()) return all;
  for (const auto& [session, watch] : it->second.sessions) {
    if (watch.until > now.mono) all.push_back({session.first, session.second, watch.user});
  }
  return all;
}

std::int64_t Watchers::gone_ms(UserId watched) const {
  const auto it = watched_.find(watched);
  return it == watched_.end() ? 0 : it->second.gone_ms;
}

void Watchers::expire(Now now) {
  for (auto user = watched_.begin(); user != watched_.end();) {
    auto& sessions = user->second.sessions;
    for (auto session = sessions.begin(); session != sessions.end();) {
      if (session->second.until > now.mono) {
        ++session;
        continue;
      }
      session = sessions.erase(session);
      --size_;
    }
    user = sessions.empty() ? watched_.erase(user) : std::next(user);
  }
}

std::int64_t rounded_last_seen_ms(std::int64_t last_seen_ms, WallTime now) {
  constexpr std::int64_t minute_ms = 60'000;
  constexpr std::int64_t hour_ms = 60 * minute_ms;
  const std::int64_t unit_ms = now.ms - last_seen_ms > 24 * hour_ms ? hour_ms : minute_ms;
  return last_seen_ms - last_seen_ms % unit_ms;
}

}  // namespace chasqui::gateway
