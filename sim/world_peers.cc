// Links between the processes of a cluster: dialing, frames, stalls, breaks, cuts; and what each end knows of them.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sim/world.h"

namespace chasqui::sim {
namespace {

constexpr std::uint64_t healthy_queue_kb = 65'536;  // as net/peer_queue.h has it

constexpr std::uint64_t direction_of(std::uint32_t link, std::size_t side) {
  return std::uint64_t{link} * 2 + side;
}

}  // namespace

bool World::process_is_up(std::uint32_t process) const {
  return std::all_of(nodes_.begin(), nodes_.end(),
                     [&](const auto& node) { return plan_.process_of(node->index) != process || node->up(); });
}

bool World::process_is_frozen(std::uint32_t process) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& node) {
    return plan_.process_of(node->index) == process && node->frozen_until > now_;
  });
}

// Those of one process are told about those of the other.
void World::tell_reachable(std::uint32_t process, std::uint32_t other, bool reachable, bool is_dead) {
  for (const auto& node : nodes_) {
    if (plan_.process_of(node->index) != process || !node->up()) continue;
    for (const auto& peer : nodes_) {
      if (plan_.process_of(peer->index) != other || peer == node) continue;
      if (reachable) feed(*node, PeerReachable{NodeId(peer->index + 1)});
      if (!reachable) feed(*node, PeerUnreachable{NodeId(peer->index + 1), is_dead});
    }
  }
}

Time World::peer_delay(PeerLink& link, std::size_t side) {
  PeerLink::Side& sender = link.sides[side];
  const std::uint64_t entity = direction_of(net_.number_of(link), side);
  const std::uint64_t bits = noise(Concern::Peers, entity, 2 * sender.draws);
  std::uint64_t rare = noise(Concern::Peers, entity, 2 * sender.draws + 1);
  ++sender.draws;
  if (link.inner()) return static_cast<Time>(log_uniform(bits, 2, 10)) * microsecond;
  const std::uint64_t usual = std::max<std::uint64_t>(4, plan_.knobs.peer_us);
  Time delay = static_cast<Time>(log_uniform(bits, usual / 4, 2 * usual)) * microsecond;
  if (chance_ppm(rare, 1'000)) delay += static_cast<Time>(below(mix(rare, bits), 100'000)) * microsecond;
  if (sender.stall_until > now_) delay += sender.stall;
  // A stream recovers from most losses without a timeout; from the others after 200 ms, doubled for each.
  rare = mix(rare, 0x9e3779b97f4a7c15ULL);
  for (Time stall = 200 * millisecond;
       healed_at_ < 0 && stall < 10 * second && chance_ppm(rare, plan_.knobs.loss_ppm / 20); stall *= 2) {
    delay += stall;
    rare = mix(rare, 0x9e3779b97f4a7c15ULL);
  }
  return delay;
}

// ------------------------------------------------------------------------------------------------------ connections

void World::process_rises(std::uint32_t process) {
  if (!plan_.is_cluster() || !process_is_up(process)) return;
  for (PeerLink& link : net_.links()) {
    if (link.ends[0] != process && link.ends[1] != process) continue;
    if (link.inner()) {
      ++link.epoch;
      link.alive = link.sides[0].open = true;
      link.sides[0].out = PeerQueue();
      link.sides[0].stream = StreamCheck();
      tell_reachable(process, process, true);
      continue;
    }
    link.sides[link.side_of(process)].wants = true;
    link.failures = 0;
    dial_soon(link, 0);
  }
}

void World::dial_soon(PeerLink& link, Time wait) {
  link.dial_at = now_ + wait;
  push(link.dial_at, EventKind::PeerDials, net_.number_of(link), link.dials);
}

void World::peer_dials(PeerLink& link, std::uint64_t last) {
  if (link.dialing || link.dials != last || link.dial_at > now_) return;
  const auto can = [&](std::size_t side) {
    const std::uint32_t process = link.ends[side];
    return link.sides[side].wants && process_is_up(process) && !process_is_frozen(process);
  };
  if (!can(0) && !can(1)) {
    const bool frozen = (link.sides[0].wants && process_is_frozen(link.ends[0])) ||
                        (link.sides[1].wants && process_is_frozen(link.ends[1]));
    if (frozen) dial_soon(link, 500 * millisecond);
    return;
  }
  link.dialing = true;
  ++link.dials;
  const std::size_t side = can(0) ? 0 : 1;
  Time takes = 2 * peer_delay(link, side);
  // Who gets no answer tries for a while.
  const std::uint64_t bits = noise(Concern::Connect, ~direction_of(net_.number_of(link), 0), link.dials);
  const bool silent = net_.is_cut(link.ends[0], link.ends[1]) || net_.is_cut(link.ends[1], link.ends[0]);
  if (silent) takes += static_cast<Time>(between(bits, 500, 3'000)) * millisecond;
  push(now_ + takes, EventKind::PeerDialed, net_.number_of(link), link.dials);
}

void World::peer_dialed(PeerLink& link, std::uint64_t dial) {
  if (!link.dialing || link.dials != dial) return;
  link.dialing = false;
  bool stands = link.sides[0].wants || link.sides[1].wants;
  if (!stands) return;
  for (std::size_t side = 0; side < 2; ++side) {
    const std::uint32_t process = link.ends[side];
    stands =
        stands && process_is_up(process) && !process_is_frozen(process) && !net_.is_cut(process, link.ends[1 - side]);
  }
  if (stands) return peers_connect(link);
  const std::uint64_t bits = noise(Concern::Connect, ~direction_of(net_.number_of(link), 1), link.dials);
  const std::uint64_t cap =
      std::min<std::uint64_t>(2'000, std::uint64_t{50} << std::min<std::uint64_t>(link.failures, 10));
  ++link.failures;
  dial_soon(link, static_cast<Time>(1 + below(bits, cap)) * millisecond);
}

void World::peers_connect(PeerLink& link) {
  if (tracing()) trace(absl::StrCat("link of processes ", link.ends[0], " and ", link.ends[1], " stands"));
  ++link.epoch;
  link.alive = true;
  link.failures = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    PeerLink::Side& side = link.sides[i];
    // Who did not know that the old one was over may be told so now, or only of the new one.
    const std::uint64_t bits = noise(Concern::Learn, direction_of(net_.number_of(link), i), link.epoch);
    if (side.open && chance_ppm(bits, 500'000)) tell_reachable(link.ends[i], link.ends[1 - i], false);
    side.open = true;
    side.wants = false;
    side.other_died = false;
    side.out.drop_left();
    side.held = 0;
    side.last_arrival = now_;
    side.stream = StreamCheck();
  }
  for (std::size_t i = 0; i < 2; ++i) {
    tell_reachable(link.ends[i], link.ends[1 - i], true);
    put_on_wire(link, i, now_);
  }
}

// Nothing passes any more but what is already on its way, and of that not all. `told` by side: it learns at once.
void World::link_breaks(PeerLink& link, bool told_first, bool told_second) {
  if (!link.alive || link.inner()) return;
  if (tracing()) trace(absl::StrCat("link of processes ", link.ends[0], " and ", link.ends[1], " breaks"));
  link.alive = false;
  ++report_.breaks;
  const std::uint32_t number = net_.number_of(link);
  Dice dice(plan_.seed, Concern::Break, (std::uint64_t{1} << 63) | (std::uint64_t{number} << 40) | link.epoch);
  for (std::size_t i = 0; i < 2; ++i) {
    PeerLink::Side& side = link.sides[i];
    side.out.keep(static_cast<std::size_t>(dice.roll(0, side.out.left())));
    const Time soon = static_cast<Time>(dice.roll(0, static_cast<std::uint64_t>(200 * millisecond)));
    // net/peer_link.h gives up an end that does not answer after 2 s; loaded nodes are slower.
    Time late =
        static_cast<Time>(dice.log_roll(static_cast<std::uint64_t>(second), static_cast<std::uint64_t>(8 * second)));
    if (healed_at_ >= 0) late = std::min(late, 2 * second);
    const bool told = i == 0 ? told_first : told_second;
    push(now_ + (told ? soon : late), EventKind::PeerLearns, static_cast<std::uint32_t>(direction_of(number, i)),
         link.epoch);
  }
}

void World::peer_learns(PeerLink& link, std::size_t side, std::uint64_t epoch) {
  if (link.epoch != epoch || link.alive || !link.sides[side].open) return;
  link.sides[side].open = false;
  link.sides[side].wants = true;
  tell_reachable(link.ends[side], link.ends[1 - side], false, link.sides[side].other_died);
  const std::uint64_t bits = noise(Concern::Learn, direction_of(net_.number_of(link), side), link.epoch << 1 | 1);
  if (!link.dialing) dial_soon(link, static_cast<Time>(below(bits, 50)) * millisecond);
}

// A kill is seen at once by whoever can be reached, since the kernel says so; a machine that is gone says nothing.
void World::process_dies(std::uint32_t process, bool silently) {
  if (!plan_.is_cluster()) return;
  for (PeerLink& link : net_.links()) {
    if (link.ends[0] != process && link.ends[1] != process) continue;
    if (link.inner()) {
      link.alive = false;
      link.sides[0].out = PeerQueue();
      continue;
    }
    const std::size_t mine = link.side_of(process);
    const std::uint32_t other = link.ends[1 - mine];
    const bool told = !silently && !net_.is_cut(process, other);
    if (link.alive) link_breaks(link, mine == 0 || told, mine == 1 || told);
    link.sides[1 - mine].other_died = told;
    PeerLink::Side& side = link.sides[mine];
    side.open = side.wants = false;
    side.out.keep(side.out.left());    // what is on its way may still arrive
    link.sides[1 - mine].out.keep(0);  // what was for it is nobody's
  }
}

void World::peer_times_out(PeerLink& link, std::uint64_t epoch) {
  if (link.epoch != epoch || !link.alive) return;
  const bool stuck = net_.is_noticed(link.ends[0], link.ends[1]) || net_.is_noticed(link.ends[1], link.ends[0]) ||
                     process_is_frozen(link.ends[0]) || process_is_frozen(link.ends[1]);
  if (!stuck) return;
  Dice dice(plan_.seed, Concern::Learn, (std::uint64_t{1} << 62) | (std::uint64_t{net_.number_of(link)} << 40) | epoch);
  const bool first = dice.chance(700'000);
  const bool second_side = dice.chance(700'000);
  link_breaks(link, first, second_side);
}

// A connection over which nothing passes is given up after 5 to 15 s.
void World::watch_link(PeerLink& link) {
  if (!link.alive || link.inner()) return;
  const std::uint64_t bits =
      noise(Concern::Learn, std::uint64_t{net_.number_of(link)} | std::uint64_t{1} << 61, link.epoch);
  const Time patience = static_cast<Time>(between(bits, 5'000, 15'000)) * millisecond;
  push(now_ + patience, EventKind::PeerTimesOut, net_.number_of(link), link.epoch);
}

// ----------------------------------------------------------------------------------------------------------- frames

void World::carry_out(VirtualNode& node, Time at, PeerSend& send) {
  const std::uint64_t to = send.to.value();
  if (!plan_.is_cluster() || to == 0 || to > nodes_.size() || to == node.index + 1) {
    see(ContractBroken{node.index, absl::StrCat("it writes to node ", to, ", which is no peer of it")});
    return;
  }
  const auto other = static_cast<std::uint32_t>(to - 1);
  PeerLink& link = net_.between(plan_.process_of(node.index), plan_.process_of(other));
  const std::size_t side = link.side_of(plan_.process_of(node.index));
  PeerLink::Side& sender = link.sides[side];
  if (sender.open && !link.alive) return;                   // into the void
  if (!sender.open && plan_.knobs.peer_keeps == 0) return;  // nobody carries it
  // Small queues are a fault too: one below a single answer would never let that answer through. Nor, where something
  // is always on its way, one below a piece of a stream, so each frame has room beside as much again (seed 1706 of
  // three to five nodes: pieces of 14 KiB, a queue of 8).
  const std::uint64_t queue_kb = healed_at_ >= 0 ? healthy_queue_kb : plan_.knobs.peer_queue_kb;
  const std::uint64_t bytes_max = std::max<std::uint64_t>(queue_kb * 1024, 2 * send.bytes.size());
  (void)sender.out.push({node.index, other, std::move(send.bytes), event_}, bytes_max);
  if (sender.open) put_on_wire(link, side, at);
}

void World::put_on_wire(PeerLink& link, std::size_t side, Time at) {
  PeerLink::Side& sender = link.sides[side];
  const auto direction = static_cast<std::uint32_t>(direction_of(net_.number_of(link), side));
  if (!link.inner() && net_.is_cut(link.ends[side], link.ends[1 - side])) return;
  while (sender.out.left() < sender.out.size()) {
    sender.out.leave(sender.out.left() + 1);
    sender.last_arrival = std::max(sender.last_arrival, at + peer_delay(link, side));
    push(sender.last_arrival, EventKind::PeerArrives, direction, link.epoch);
  }
}

void World::peer_arrives(PeerLink& link, std::size_t side, std::uint64_t epoch) {
  PeerLink::Side& sender = link.sides[side];
  if (link.epoch != epoch || sender.out.left() == 0) return;  // it was lost
  if (!link.inner() && net_.is_cut(link.ends[side], link.ends[1 - side])) {
    ++sender.held;
    return;
  }
  Parcel parcel = sender.out.pop();
  if (!link.inner() && !link.sides[1 - side].open) return;
  if (plan_.knobs.codec != 0) {
    sender.stream.write(parcel.bytes);
    Dice dice(plan_.seed, Concern::Codec,
              (std::uint64_t{1} << 62) | (direction_of(net_.number_of(link), side) << 40) | ++sender.draws);
    const std::string wrong = sender.stream.read(parcel.bytes, dice);
    if (!wrong.empty()) see(ContractBroken{parcel.from, wrong});
  }
  if (!leave_out_silent(parcel.bytes)) return;
  if (options_.on_cause) options_.on_cause(parcel.cause);
  feed(*nodes_[parcel.to], PeerFrame{NodeId(parcel.from + 1), std::move(parcel.bytes)});
}

// ------------------------------------------------------------------------------------------------------------- cuts

void World::cut_path(std::uint32_t from, std::uint32_t to, bool unnoticed, bool on) {
  if (from == to) return;
  PeerLink& link = net_.between(from, to);
  const bool was = net_.is_cut(from, to);
  if (on) {
    net_.cut(from, to, unnoticed);
    if (!unnoticed) watch_link(link);
  } else {
    net_.mend(from, to, unnoticed);
  }
  const bool is = net_.is_cut(from, to);
  if (was == is) return;
  see(PathChanged{from, to, !is});
  if (!is) release(link, link.side_of(from));
}

// What was held is resent once its sender's timer has run out.
void World::release(PeerLink& link, std::size_t side) {
  PeerLink::Side& sender = link.sides[side];
  const std::uint64_t entity = direction_of(net_.number_of(link), side);
  const std::uint64_t bits = noise(Concern::Peers, ~entity, sender.draws++);
  const Time at = now_ + static_cast<Time>(below(bits, 200)) * millisecond;
  for (; sender.held > 0; --sender.held) {
    push(at, EventKind::PeerArrives, static_cast<std::uint32_t>(entity), link.epoch);
  }
  sender.last_arrival = std::max(sender.last_arrival, at);
  if (sender.open && link.alive) put_on_wire(link, side, now_);
}

// Of the shapes of a partition, `on` or over.
void World::partition(const Item& item, bool on) {
  const std::uint32_t processes = net_.processes();
  const std::uint32_t one = plan_.process_of(item.subject % plan_.nodes);
  if (item.kind == ItemKind::Cut) {
    const std::uint32_t other = plan_.process_of(item.object % plan_.nodes);
    const bool unnoticed = (item.size & 2) != 0;
    cut_path(one, other, unnoticed, on);
    if ((item.size & 1) != 0) cut_path(other, one, unnoticed, on);
    return;
  }
  for (std::uint32_t a = 0; a < processes; ++a) {
    if (item.kind == ItemKind::Isolate) {
      if (item.size != 2) cut_path(a, one, false, on);
      if (item.size != 1) cut_path(one, a, false, on);
      continue;
    }
    for (std::uint32_t b = 0; b < processes; ++b) {
      const bool sees_both = item.object == 1 && (a == one || b == one);
      if ((item.size >> a & 1) != (item.size >> b & 1) && !sees_both) cut_path(a, b, false, on);
    }
  }
}

void World::peer_item_starts(const Item& item) {
  if (!plan_.is_cluster() || healed_at_ >= 0) return;
  const bool parts = item.kind == ItemKind::Cut || item.kind == ItemKind::Isolate || item.kind == ItemKind::Split;
  if (parts || item.kind == ItemKind::NoQuorum) {
    if (parts) partition(item, true);
    if (!parts) silence(item, true);
    return push(now_ + item.length, EventKind::ItemEnds, 0, number_of(item));
  }
  const std::uint32_t one = plan_.process_of(item.subject % plan_.nodes);
  const std::uint32_t other = plan_.process_of(item.object % plan_.nodes);
  if (one == other) return;
  PeerLink& link = net_.between(one, other);
  const std::size_t mine = link.side_of(one);
  // Whoever looks at how long a path has stood begins anew; one that is cut stays so.
  if (!net_.is_cut(one, other)) {
    see(PathChanged{one, other, false});
    see(PathChanged{one, other, true});
  }
  if (item.kind == ItemKind::LinkBreak) {
    const bool late = item.size == 1;
    return link_breaks(link, mine != 0 || !late, mine != 1 || !late);
  }
  link.sides[mine].stall = static_cast<Time>(item.size) * millisecond;
  link.sides[mine].stall_until = std::max(link.sides[mine].stall_until, now_ + item.length);
  see(PathSlowed{one, other, item.length + link.sides[mine].stall});
}

void World::peers_heal() {
  if (!plan_.is_cluster()) return;
  for (std::uint32_t a = 0; a < net_.processes(); ++a) {
    for (std::uint32_t b = 0; b < net_.processes(); ++b) {
      if (net_.is_cut(a, b)) see(PathChanged{a, b, true});
    }
  }
  net_.mend_all();
  silences_end();
  // Shards whose replicas cannot agree on the time serve nobody (rule R7): so clocks are set right as well.
  for (const auto& node : nodes_) node->wall_offset_ms = 0;
  for (PeerLink& link : net_.links()) {
    const std::uint32_t number = net_.number_of(link);
    for (std::size_t side = 0; side < 2; ++side) {
      link.sides[side].stall_until = std::min(link.sides[side].stall_until, now_);
      release(link, side);
      if (!link.alive && link.sides[side].open) {
        push(now_ + second, EventKind::PeerLearns, static_cast<std::uint32_t>(direction_of(number, side)), link.epoch);
      }
    }
    if (!link.dialing && (link.sides[0].wants || link.sides[1].wants)) dial_soon(link, 0);
  }
}

}  // namespace chasqui::sim
