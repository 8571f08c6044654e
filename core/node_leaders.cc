// Which of its shards a node should rather not lead, and how it hands them over: to the home leader when it stands, to
// who reaches more nodes amid a cut (docs/decisions/0009), and to anybody who is fit when it is not: since it stops,
// its clock is wrong, or its disk is full or slow.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/base/points.h"
#include "core/node_impl.h"

namespace chasqui {
namespace {

// Leaderships handed over at once: each pauses its shard for a round trip.
constexpr std::size_t transfers_per_beat = 16;
constexpr Duration transfer_retry = seconds(2);
constexpr Duration handing_most = milliseconds(200);  // that proposals wait for the next leader to have everything
constexpr Duration handing_most_at_end = seconds(1);  // of a node that stops: to begin anew would take longer
// A node that comes back is given its shards when it has stood for so long.
constexpr Duration reachable_before_transfer = seconds(2);
// Peers say each second whom they reach.
constexpr Duration cut_before_transfer = seconds(3);
constexpr std::int64_t clock_off_ms_max = 10'000;
// RELIABILITY.md section 3: what a leader's disk keeps waiting, all who send to its shards wait for.
constexpr Duration disk_slow_after = seconds(2);
constexpr Duration disk_slow_rest = seconds(10);  // and it leads again when it has been quick for so long

}  // namespace

void Node::Impl::judge_clock() {
  std::vector<std::int64_t> ahead{0};
  for (const auto& [node, ms] : clock_ahead_ms_) ahead.push_back(ms);
  std::sort(ahead.begin(), ahead.end());
  const std::int64_t median = ahead[ahead.size() / 2];
  const std::int64_t lower = ahead[(ahead.size() - 1) / 2];
  // Of an even number the one nearer to our own: two clocks alone cannot say which of them is wrong.
  const std::int64_t off = std::min(std::abs(median), std::abs(lower));
  clock_agrees_ = off <= clock_off_ms_max;
  if (!clock_agrees_) CHASQUI_MARK("clock_disagrees");
}

MonoTime Node::Impl::append_overdue() const {
  if (is_alone() || appends_.empty()) return MonoTime::never();
  return std::max(appends_.front().at, watched_since_) + disk_slow_after;
}

MonoTime Node::Impl::disk_due() const {
  // Known to be slow: each beat looks whether it still is.
  return now_ < disk_slow_until_ ? MonoTime::never() : append_overdue();
}

void Node::Impl::judge_disk(Now now, Outputs& out) {
  const MonoTime overdue = append_overdue();
  if (overdue > now.mono) return;
  const bool known = now.mono < disk_slow_until_;
  disk_slow_until_ = now.mono + disk_slow_rest;
  if (known) return;
  CHASQUI_MARK("slow_disk_gives_way");
  const Duration waits{(now.mono - overdue).ns + disk_slow_after.ns};
  out.push_back(Note{NoteKind::DiskSlow, {}, {}, static_cast<std::uint64_t>(waits.ns / 1'000'000), shards_led()});
  tell_clock(now);
  balance(now, out);
}

// Who should lead this shard instead of us, if anybody can be given it now.
NodeId Node::Impl::better_leader(Now now, const Shard& shard) const {
  const auto stands = [&](NodeId node) {
    const auto it = reachable_.find(node);
    return it != reachable_.end() && it->second + reachable_before_transfer <= now.mono && !unfit_.contains(node);
  };
  const auto reaches = [&](NodeId node) {
    const auto it = reaches_.find(node);
    return it == reaches_.end() ? std::size_t{0} : it->second;
  };
  NodeId best;
  if (!is_unfit()) {
    if (shard.transfer_due > now.mono) return NodeId();
    const NodeId home = shard.home_leader;
    if (home != config_.node && stands(home) && reaches(home) >= reached()) return home;
    // Whom we do not reach may be at the far side of a cut that another replica sees both sides of: people there are
    // served by that one. If a node has just died, the others are about to say so too.
    if (reached() == config_.members.size() || peer_lost_at_ + cut_before_transfer > now.mono) return NodeId();
    for (const NodeId node : meta::replicas_of(shard.id, config_.members)) {
      if (node == config_.node || !stands(node) || reaches(node) <= reached()) continue;
      if (!best || reaches(node) > reaches(best)) best = node;
    }
    if (best) CHASQUI_MARK("leads_from_the_middle");
    return best;
  }
  for (const NodeId node : meta::replicas_of(shard.id, config_.members)) {
    if (node == config_.node || !reachable_.contains(node) || unfit_.contains(node)) continue;
    if (!best || shard.replica.can_transfer(ReplicaId(node.value()))) best = node;
  }
  return best;
}

bool Node::Impl::handed_over() const {
  return std::none_of(shards_.begin(), shards_.end(), [&](const auto& shard) {
    return shard != nullptr && shard->led && better_leader(Now{now_, {}}, *shard);
  });
}

void Node::Impl::balance(Now now, Outputs& out) {
  if (is_alone()) return;
  std::size_t begun = 0;
  for (const auto& shard : shards_) {
    if (shard == nullptr || !shard->led || shard->handing_to) continue;
    if (begun >= transfers_per_beat && !is_unfit()) break;
    const NodeId to = better_leader(now, *shard);
    if (!to) continue;
    ++begun;
    shard->handing_to = to;
    shard->handing_until = now.mono + (draining_ ? handing_most_at_end : handing_most);
    shard->transfer_due = now.mono + transfer_retry;
    hand_over(now, *shard, out);
    touched_.insert(shard->id);
  }
}

// The next leader must have all that this one has: nothing is proposed until it does, or it takes too long. And all
// that waits is answered first; but of a slow disk that is just what takes too long: the next leader answers in its
// place.
void Node::Impl::hand_over(Now now, Shard& shard, Outputs& out) {
  if (now.mono >= shard.handing_until) {
    CHASQUI_MARK("transfer_given_up");
    shard.handing_to = NodeId();
    return;
  }
  const ReplicaId to(shard.handing_to.value());
  if (!shard.replica.can_transfer(to) || (!shard.in_flight.empty() && now.mono >= disk_slow_until_)) return;
  CHASQUI_MARK("leadership_handed_over");
  replica::Outputs outputs;
  if (shard.replica.transfer(now, to, outputs).ok() && !is_unfit()) shard.given_at = now.mono;
  take(shard, outputs, out);
  shard.handing_to = NodeId();
}

}  // namespace chasqui
