// What is known of peers beside what they say: links that are down, leaders that are silent, processes that are dead.
#include <algorithm>
#include <vector>

#include "core/replica/group.h"

namespace chasqui::replica {

void Group::link(ReplicaId peer, bool up) {
  if (up) {
    links_down_.erase(peer);
  } else {
    links_down_.insert(peer);
  }
}

bool Group::has_everything(ReplicaId peer) const {
  raft_index match = 0;
  return is_leader() && raft_match_index(&raft_, peer.value(), &match) == 0 && match == tail_.last().value();
}

void Group::heard_from(ReplicaId leader, RaftTerm term) {
  if (heard_.leader == leader && heard_.term == term) {
    heard_at_ = std::max(heard_at_, now_.mono);
  } else {
    heard_ = {leader, term, 0};
    heard_at_ = now_.mono;
  }
}

// RAFT.md section 6. We follow it in this term, so whoever led before has no lease: else it had not been elected. And
// no lease of a later term counts on us: we have not heard of it.
bool Group::leader_is_gone() const {
  return gone_.leader && gone_.term == term() && leader() == gone_.leader && !is_leader();
}

bool Group::may_disrupt() const {
  if (!rules_->disrupt_silent_leaders || raft_.state != RAFT_FOLLOWER || raft_.follower_state.current_leader.id == 0) {
    return false;
  }
  // A lease counts on a follower for less than an election timeout after it last heard its leader (lease.h). Its own
  // timer runs for up to twice as long, by chance: an election need not wait for the second of two timers.
  if (leader_is_gone()) return true;
  const bool heard = heard_.leader == leader() && heard_.term == term();
  return heard && now_.mono - heard_at_ >= milliseconds(settings_.election_timeout_ms);
}

void Group::gone(Now now, ReplicaId peer) {
  if (!running() || !peer || leader() != peer || is_leader()) return;
  now_ = now;
  clock_.advance(now.mono);
  gone_ = {peer, term(), true};
  stand_soon();
}

// The survivors stand one after the other, a heartbeat apart, so that they do not split the votes; who is first differs
// from shard to shard. The clock keeps its offset for the life of the group: a time that is taken back would go
// backwards, and unsigned differences with it.
void Group::stand_soon() {
  if (!gone_.to_stand || !leader_is_gone()) return;
  // The library does not let a replica stand while entries are unsynced: appended() comes here again.
  if (raft_.last_stored < tail_.last().value()) return;
  gone_.to_stand = false;
  std::vector<ReplicaId> survivors;
  for (unsigned i = 0; i < raft_.configuration.n; ++i) {
    const ReplicaId id(raft_.configuration.servers[i].id);
    if (raft_.configuration.servers[i].role != RAFT_VOTER || id == gone_.leader) continue;
    if (id == settings_.self || !links_down_.contains(id)) survivors.push_back(id);
  }
  const auto self = std::find(survivors.begin(), survivors.end(), settings_.self);
  if (self == survivors.end()) return;  // a standby
  const auto place = static_cast<std::uint64_t>(self - survivors.begin());
  const std::uint64_t turn = (place + settings_.shard.value()) % survivors.size();
  const raft_time due = clock_.now() + turn * settings_.heartbeat_ms;
  const raft_time timeout = raft_timeout(&raft_);
  if (timeout > due) clock_.skip(timeout - due);
}

}  // namespace chasqui::replica
