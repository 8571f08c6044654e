#include "sim/invariants/i22_available.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace chasqui::sim {
namespace {

constexpr Time never = std::numeric_limits<Time>::max();
constexpr Time between_looks = 250 * millisecond;
constexpr Time handover_max = 200 * millisecond;  // without a leader

}  // namespace

Available::Available(const ClusterShape& shape, const Model* model)
    : Invariant(22, "available"),
      shape_(shape),
      nodes_(shape.process_of.size()),
      shards_(shape.replicas.size()),
      told_(model, static_cast<std::uint32_t>(shape.replicas.size())) {}

void Available::see(Time at, const Fact& fact) {
  if (!shape_.is_cluster()) return;
  if (at >= next_look_) {
    look(at);
    look_at_owed(at);
    next_look_ = at + between_looks;
  }
  if (const auto* started = std::get_if<NodeStarted>(&fact)) {
    nodes_[started->node].up = true;
    nodes_[started->node].since = at;
    for (Shard& shard : shards_) shard.stopped.erase(started->node);
  } else if (const auto* crashed = std::get_if<NodeCrashed>(&fact)) {
    look(at);
    nodes_[crashed->node].up = false;
    nodes_[crashed->node].paused_until = 0;  // its next life does not stand still
    for (Shard& shard : shards_) {
      shard.leaders.erase(crashed->node);
      shard.installing.erase(crashed->node);
    }
  } else if (const auto* hindered = std::get_if<NodeHindered>(&fact)) {
    look(at);
    Node& node = nodes_[hindered->node];
    node.hindered_until = std::max(node.hindered_until, at + hindered->length);
    if (pause_at_ == at) node.paused_until = std::max(node.paused_until, at + hindered->length);
  } else if (const auto* step = std::get_if<OperatorStep>(&fact)) {
    if (step->step == "pause") pause_at_ = at;
    if ((step->step == "wall_jump" || step->step == "frozen_clock") && step->node < nodes_.size()) {
      // All of its process.
      for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
        if (shape_.process_of[node] == shape_.process_of[step->node]) nodes_[node].clock_right = false;
      }
    }
  } else if (const auto* path = std::get_if<PathChanged>(&fact)) {
    look(at);
    paths_[{path->from, path->to}].open = path->open;
    paths_[{path->from, path->to}].since = at;
  } else if (const auto* slowed = std::get_if<PathSlowed>(&fact)) {
    Time& until = paths_[{slowed->from, slowed->to}].slow_until;
    until = std::max(until, at + slowed->length);
  } else if (std::holds_alternative<Healed>(fact)) {  // whatever stands still goes on
    look(at);
    for (Node& node : nodes_) node.paused_until = std::min(node.paused_until, at);
  } else if (const auto* lead = std::get_if<LeadChanged>(&fact)) {
    look(at);
    Shard& shard = shards_[static_cast<std::size_t>(lead->shard.value())];
    if (lead->leads) {
      shard.leaders.insert(lead->node);
      look_at_succession(static_cast<std::uint32_t>(lead->shard.value()), lead->node, at);
    } else {
      shard.leaders.erase(lead->node);
    }
    shard.changed_at = at;
    look(at);
  } else if (const auto* stopped = std::get_if<ReplicaStopped>(&fact)) {
    look(at);
    shards_[static_cast<std::size_t>(stopped->shard.value())].stopped.insert(stopped->node);
  } else if (const auto* installs = std::get_if<ReplicaInstalls>(&fact)) {
    look(at);
    Shard& shard = shards_[static_cast<std::size_t>(installs->shard.value())];
    if (installs->on) shard.installing.insert(installs->node);
    if (!installs->on && shard.installing.erase(installs->node) != 0) shard.heard_since = at;
  } else if (const auto* silenced = std::get_if<ShardSilenced>(&fact)) {
    look(at);
    Shard& shard = shards_[static_cast<std::size_t>(silenced->shard.value())];
    shard.silent = silenced->silent;
    shard.heard_since = at;
  } else if (const auto* committed = std::get_if<EntryCommitted>(&fact)) {
    told_.committed(at, *committed);
  }
}

Time Available::well_since(std::uint32_t node, Time at) const {
  const Node& known = nodes_[node];
  if (!known.up || !known.clock_right || known.hindered_until > at) return never;
  return std::max(known.since, known.hindered_until);
}

Time Available::open_since(std::uint32_t from, std::uint32_t to, Time at) const {
  const auto it = paths_.find({shape_.process_of[from], shape_.process_of[to]});
  if (it == paths_.end()) return 0;
  const Path& path = it->second;
  return !path.open || path.slow_until > at ? never : std::max(path.since, path.slow_until);
}

Time Available::together_since(std::uint32_t a, std::uint32_t b, Time at) const {
  if (a == b) return well_since(a, at);
  return std::max({well_since(a, at), well_since(b, at), open_since(a, b, at), open_since(b, a, at)});
}

Time Available::still_hears(std::uint32_t replica, std::uint32_t leader, Time at) const {
  const auto it = paths_.find({shape_.process_of[leader], shape_.process_of[replica]});
  if (it == paths_.end() || leader == replica) return 0;
  return it->second.slow_until > at ? never : it->second.slow_until;
}

bool Available::serves(std::uint32_t leader, std::uint32_t replica, Time at) const {
  const auto stands = [&](std::uint32_t node) { return nodes_[node].up && nodes_[node].paused_until <= at; };
  const auto open = [&](std::uint32_t from, std::uint32_t to) {
    const auto it = paths_.find({shape_.process_of[from], shape_.process_of[to]});
    return it == paths_.end() || it->second.open;
  };
  return stands(leader) && stands(replica) && open(leader, replica) && open(replica, leader);
}

void Available::look(Time at) {
  for (std::uint32_t number = 0; number < shards_.size(); ++number) {
    Shard& shard = shards_[number];
    if (judge(number, shard, at) || shard.told) continue;
    shard.told = true;
    check(false, at, [&] {
      return absl::StrCat("shard ", number, " has had no leader for ", (at - shard.led_at) / millisecond,
                          " ms, although a majority of its replicas has been up and connected for 10 s");
    });
  }
}

void Available::look_at_succession(std::uint32_t number, std::uint32_t leader, Time at) {
  Shard& shard = shards_[number];
  const Time since = together_since(std::exchange(shard.last_leader, leader), leader, at);
  // A shard that is handed over, e.g. to somebody that reaches more nodes, is not lost.
  if (since == never || at - since < settled || at - shard.led_at < handover_max) return;
  const Time majority = majority_since(number, at);
  if (majority == never || at - majority < settled) return;
  shard.succeeded.push_back(at);
  while (shard.succeeded.front() < at - losses_window) shard.succeeded.pop_front();
  check(shard.succeeded.size() <= losses_max, at, [&] {
    return absl::StrCat("shard ", number, " has lost its leader ", shard.succeeded.size(), " times within ",
                        losses_window / second, " s, although they and those who followed were well");
  });
}

// Those that have not stopped for good.
std::vector<std::uint32_t> Available::replicas_of(std::uint32_t number) const {
  std::vector<std::uint32_t> replicas = shape_.replicas[number];
  std::erase_if(replicas, [&](std::uint32_t node) { return shards_[number].stopped.contains(node); });
  return replicas;
}

// The set of a majority that has been well for longest: replicas are few, so all sets are looked at.
Time Available::majority_since(std::uint32_t number, Time at) const {
  const Shard& shard = shards_[number];
  if (shard.silent) return never;
  const std::vector<std::uint32_t> replicas = replicas_of(number);
  const std::size_t majority = shape_.majority(number);
  Time since = never;
  for (std::uint32_t set = 0; set < (1U << replicas.size()); ++set) {
    std::vector<std::uint32_t> members;
    for (std::size_t i = 0; i < replicas.size(); ++i) {
      // Who takes its state from another stores nothing of what a new leader would have to commit.
      if ((set >> i & 1) != 0 && !shard.installing.contains(replicas[i])) members.push_back(replicas[i]);
    }
    if (members.size() < majority) continue;
    Time of_set = 0;
    for (const std::uint32_t a : members) {
      for (const std::uint32_t b : members) of_set = std::max(of_set, together_since(a, b, at));
      for (const std::uint32_t leader : shard.leaders) of_set = std::max(of_set, still_hears(a, leader, at));
    }
    since = std::min(since, of_set);
  }
  return since;
}

bool Available::judge(std::uint32_t number, Shard& shard, Time at) {
  const std::vector<std::uint32_t> replicas = replicas_of(number);
  const std::size_t majority = shape_.majority(number);
  for (const std::uint32_t leader : shard.leaders) {
    const auto reached = std::count_if(replicas.begin(), replicas.end(),
                                       [&](std::uint32_t replica) { return serves(leader, replica, at); });
    if (static_cast<std::size_t>(reached) >= majority && !shard.silent) {
      shard.led_at = at;
      shard.told = false;
      return true;
    }
  }
  const Time since = majority_since(number, at);
  if (since == never) return true;
  if (at - std::max(since, shard.heard_since) < settled) return true;
  check(true, at, [] { return std::string(); });
  return at - shard.led_at <= (shape_.rare_branches ? failover_max_refused : failover_max);
}

Time Available::led_since(std::uint32_t number, Time at, std::uint32_t& leader) const {
  const Shard& shard = shards_[number];
  if (shard.silent || shard.leaders.size() != 1) return never;
  leader = *shard.leaders.begin();
  std::vector<Time> since;
  for (const std::uint32_t replica : replicas_of(number)) since.push_back(together_since(leader, replica, at));
  std::sort(since.begin(), since.end());
  if (since.size() < shape_.majority(number)) return never;
  const Time majority = since[shape_.majority(number) - 1];
  // The leader itself is one of them, or it is not well.
  if (majority == never || well_since(leader, at) == never) return never;
  return std::max({majority, well_since(leader, at), shard.changed_at, shard.heard_since});
}

void Available::look_at_owed(Time at) {
  for (const ToldInTime::Pair& pair : told_.owing()) {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    Time since = std::max(led_since(pair.first, at, from), led_since(pair.second, at, to));
    if (since == never) continue;
    since = std::max(since, together_since(from, to, at));
    if (since == never) continue;
    ToldInTime::Late late;
    if (!told_.oldest(pair, since + ToldInTime::settled, late)) continue;
    const Time most = shape_.rare_branches ? ToldInTime::told_max_refused : ToldInTime::told_max;
    const bool in_time = at - late.since <= most;
    check(in_time, at, [&] {
      return absl::StrCat("shard ", late.conversations, " has owed shard ", late.members, " for ",
                          (at - late.since) / millisecond, " ms that user ", late.user.value(), " is told of seq ",
                          late.seq.value(), ", although both have been led and connected all the time");
    });
    if (!in_time) told_.forget(pair);
  }
}

}  // namespace chasqui::sim
