#include "sim/world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace chasqui::sim {
Time settle_bound_of(const Plan& plan) {
  return 35 * second + static_cast<Time>(plan.knobs.retry_cap_ms) * millisecond +
         (plan.knobs.thin_ppm > 0 ? 60 * second : 0);
}

Lie lie_named(std::string_view word) {
#define CHASQUI_SIM_LIE(name, lie_word, meaning) \
  if (word == lie_word) return Lie::name;
  CHASQUI_SIM_LIES(CHASQUI_SIM_LIE)
#undef CHASQUI_SIM_LIE
  return Lie::None;
}

World::World(Plan plan, WorldOptions options)
    : plan_(std::move(plan)),
      options_(std::move(options)),
      shape_(shape_of(plan_)),
      judge_(settle_bound_of(plan_), options_.only, options_.devices_judge ? Sight::Devices : Sight::All, plan_.limits,
             plan_.shards, shape_),
      net_(plan_.is_cluster() ? plan_.process_of(plan_.nodes - 1) + 1 : 0),
      users_(plan_.contacts.size()),
      ids_(plan_.contacts.size()) {
  const auto gone = std::make_shared<std::set<Tap::OfUser>>();
  for (std::uint32_t i = 0; i < plan_.nodes; ++i) {
    auto node = std::make_unique<VirtualNode>();
    node->index = i;
    if (const std::uint64_t most = plan_.knobs.drift_ppm; most > 0) {
      const std::uint64_t drift = below(noise(Concern::Disks, plan_.process_of(i), 0), 2 * most + 1);
      node->drift_ppm = static_cast<std::int64_t>(drift) - static_cast<std::int64_t>(most);
    }
    nodes_.push_back(std::move(node));
    if (plan_.is_cluster()) {
      watch_store(*nodes_.back());
      peer_taps_.emplace_back(i, nodes_.back()->log);
      taps_.emplace_back(i, false, gone);
    } else {
      taps_.emplace_back(i);
    }
  }
  std::vector<bool> has_first(plan_.contacts.size());
  for (std::uint32_t i = 0; i < plan_.owners.size(); ++i) {
    auto device = std::make_unique<Device>();
    device->index = i;
    device->person = plan_.owners[i];
    device->node = (plan_.is_cluster() ? i : device->person) % plan_.nodes;
    device->first = !has_first[device->person];
    has_first[device->person] = true;
    ++ids_[device->person];
    devices_.push_back(std::move(device));
  }
  make_hostiles();
}

World::~World() {
  points::listener = nullptr;
  points::canary = 0;
}

Report World::run() {
  points::listener = this;
  points::canary = options_.canary.empty() ? 0 : points::id_of(options_.canary);
  for (const auto& node : nodes_) node_rises(*node);
  for (const auto& device : devices_) {
    const std::uint64_t bits = noise(Concern::Connect, device->index, 0);
    set_call(*device, static_cast<Time>(below(bits, 100)) * millisecond);
  }
  for (const auto& hostile : hostiles_) set_call(hostile->device, 200 * millisecond);
  for (std::size_t i = 0; i < plan_.items.size(); ++i) {
    if (plan_.items[i].mark.empty()) {
      push(plan_.items[i].at, EventKind::ItemStarts, 0, i);
    } else {
      aimed_[plan_.items[i].mark].push_back(i);
    }
  }
  push(Time{plan_.seconds} * second, EventKind::Heal, 0, 0);

  while (!queue_.empty() && !over_) {
    const Event event = queue_.pop();
    CHASQUI_ASSERT(event.at >= now_, "time does not go back");
    now_ = event.at;
    event_ = event.number;
    ++report_.events;
    if (options_.on_event) options_.on_event(event);
    dispatch(event);
    if (now_ >= counted_at_ + 60 * second) count_traffic();
    if (report_.events >= options_.events_max) break;
  }

  count_traffic();
  report_.ending = stuck_ ? Ending::Stuck : early_ || !over_ ? Ending::Stopped : Ending::Over;
  report_.verdict = judge_.finish(now_, report_.ending);
  report_.records = hash_.records();
  report_.hash = hash_.now();
  report_.checkpoints = hash_.checkpoints();
  report_.simulated = now_;
  report_.accepted = judge_.accepted();
  report_.marks.insert(marks_.begin(), marks_.end());
  for (const auto& invariant : judge_.invariants()) {
    report_.checks.push_back({invariant->number(), invariant->name(), invariant->checks()});
  }
  return std::move(report_);
}

void World::push(Time at, EventKind kind, std::uint32_t subject, std::uint64_t object) {
  Event event;
  const Time round = static_cast<Time>(plan_.knobs.round_ns);
  // A CPU's own time is not rounded: one step in each 100 ms would be no CPU.
  event.at = std::max(now_, round > 1 && kind != EventKind::NodeRuns ? (at + round - 1) / round * round : at);
  event.kind = kind;
  event.subject = subject;
  event.object = object;
  event.cause = event_;
  if (plan_.knobs.shuffle_ties != 0) {
    event.tie = draw(plan_.seed, Concern::Tie, subject,
                     object ^ (static_cast<std::uint64_t>(kind) << 56) ^ static_cast<std::uint64_t>(event.at));
  }
  queue_.push(event);
}

void World::dispatch(const Event& event) {
  const auto node = [&]() -> VirtualNode& { return *nodes_[event.subject]; };
  const auto device = [&]() -> Device& { return device_at(event.subject); };
  const auto of_this_life = [&] { return node().up() && node().incarnation == event.object; };
  // What happens to a connection that is over is nobody's business.
  const auto with_connection = [&](void (World::*what)(Connection&)) {
    if (Connection* connection = find(event.object); connection != nullptr) {
      (this->*what)(*connection);
      drop_if_over(event.object);
    }
  };
  switch (event.kind) {
    case EventKind::ItemStarts: {
      const Item& item = plan_.items[event.object];
      if (event.subject == 0 || item.kind != ItemKind::Crash) return item_starts(item);
      Item of_its_own = item;  // aimed at a mark: whoever reached it dies
      of_its_own.subject = event.subject - 1;
      return item_starts(of_its_own);
    }
    case EventKind::ItemEnds: return item_ends(plan_.items[event.object]);
    case EventKind::NodeRuns: return node_runs(node());
    case EventKind::NodeWakes: return node_wakes(node(), static_cast<Time>(event.object));
    case EventKind::NodeRises:
      if (!node().up() && node().incarnation == event.object) node_rises(node());
      return;
    case EventKind::LogSynced:
      if (of_this_life()) log_synced(node());
      return;
    case EventKind::ReadServed: {
      const auto it = node().reads.find(event.object);
      if (it == node().reads.end()) return;
      ReadDone done = it->second.done ? *std::move(it->second.done) : node().serve(it->second.asked);
      node().reads.erase(it);
      return feed(node(), std::move(done));
    }
    case EventKind::StreamServed: return stream_served(node(), event.object);
    case EventKind::FlushDue:
      if (of_this_life()) flush_due(node());
      return;
    case EventKind::FlushDone:
      if (!of_this_life()) return;
      if (!node().image) node().store.flush(node().flush_version);  // else it only says so
      return feed(node(), StoreFlushed{std::exchange(node().flush_applied, {})});
    case EventKind::PasswordDone: {
      const auto it = node().passwords.find(event.object);
      if (it == node().passwords.end()) return;
      PasswordHashed hashed = std::move(it->second);
      node().passwords.erase(it);
      return feed(node(), std::move(hashed));
    }
    case EventKind::CallDue: return call_due(device(), static_cast<Time>(event.object));
    case EventKind::ConnectArrives: return with_connection(&World::connect_arrives);
    case EventKind::ConnectAnswered: return with_connection(&World::connect_answered);
    case EventKind::FrameUp: return with_connection(&World::frame_up);
    case EventKind::FrameDown: return with_connection(&World::frame_down);
    case EventKind::BytesLeft: {
      Connection* connection = find(event.object);
      if (connection == nullptr || connection->leaving.empty()) return;
      const std::uint64_t bytes = connection->leaving.front();
      connection->leaving.pop_front();
      connection->queued -= std::min(connection->queued, bytes);
      if (connection->node_open) feed(*nodes_[connection->node], SessionWritable{connection->session, bytes});
      return;
    }
    case EventKind::NodeLearns: return with_connection(&World::node_learns);
    case EventKind::DeviceLearns: return with_connection(&World::device_learns);
    case EventKind::DeviceWakes: return device_wakes(device(), static_cast<Time>(event.object));
    case EventKind::JournalSynced:
      if (device().up() && device().incarnation == event.object) journal_synced(device());
      return;
    case EventKind::PersonReads: return person_reads(device());
    case EventKind::DeviceRises:
      if (!device().up() && device().has_account && device().incarnation == event.object) device_rises(device());
      return;
    case EventKind::Heal: return heal();
    case EventKind::SettleCheck: return check_settled();
    case EventKind::DeviceReturns:
      if (device().incarnation == event.object) device_returns(device());
      return;
    case EventKind::HostileActs: return with_connection(&World::hostile_acts);
    case EventKind::PeerDials: return peer_dials(net_.links()[event.subject], event.object);
    case EventKind::PeerDialed: return peer_dialed(net_.links()[event.subject], event.object);
    case EventKind::PeerArrives: return peer_arrives(net_.links()[event.subject / 2], event.subject % 2, event.object);
    case EventKind::PeerLearns: return peer_learns(net_.links()[event.subject / 2], event.subject % 2, event.object);
    case EventKind::PeerTimesOut: return peer_times_out(net_.links()[event.subject], event.object);
  }
}

// A rare branch of the core ran, in the step under way. What aims at it begins once that step is over, before anything
// that it caused: so a crash takes what it wrote and did not sync.
void World::mark(std::string_view name) {
  auto it = marks_.find(name);
  if (it == marks_.end()) it = marks_.emplace(std::string(name), 0).first;
  ++it->second;
  const auto aimed = aimed_.find(name);
  if (aimed == aimed_.end() || healed_at_ >= 0) return;
  for (const std::size_t i : aimed->second) {
    if (static_cast<std::uint64_t>(plan_.items[i].at) == it->second) push(now_, EventKind::ItemStarts, stepping_, i);
  }
}

// A site is active in a quarter of the runs, and then fires once in 2 to 1,000 times.
bool World::maybe(std::string_view name) {
  if (plan_.knobs.maybe_ppm == 0 || healed_at_ >= 0) return false;
  const std::uint64_t site = points::id_of(name);
  if (!chance_ppm(noise(Concern::Maybe, site, 0), plan_.knobs.maybe_ppm)) return false;
  auto it = maybes_.find(name);
  if (it == maybes_.end()) it = maybes_.emplace(std::string(name), 0).first;
  const std::uint64_t one_in = log_uniform(noise(Concern::Maybe, site, 1), 2, 1'000);
  return below(noise(Concern::Maybe, site, 1 + ++it->second), one_in) == 0;
}

// Everything becomes healthy: nodes, disks, networks and phones. Half-open connections are noticed soon.
void World::heal() {
  if (tracing()) trace("all heals");
  healed_at_ = now_;
  settle_bound_ = settle_bound_of(plan_) + backlog();
  see(Healed{backlog()});
  hostiles_leave();
  for (const auto& node : nodes_) {
    node->frozen_until = std::min(node->frozen_until, now_);
    // What was to wait until then goes on now (seed 497266803: an append stuck for 20 s, the settling over in 10).
    if (node->stuck_until > now_) push(now_, EventKind::LogSynced, node->index, node->incarnation);
    node->stuck_until = std::min(node->stuck_until, now_);
    node->slow_until = std::min(node->slow_until, now_);
    disks_heal(*node);
    if (!node->up()) push(now_ + 500 * millisecond, EventKind::NodeRises, node->index, node->incarnation);
    if (node->run_pending) push(now_, EventKind::NodeRuns, node->index, 0);
  }
  peers_heal();
  for (const auto& connection : connections_) {
    if (connection == nullptr) continue;
    connection->late_until = std::min(connection->late_until, now_);
    if (!connection->cut) continue;
    push(now_ + 2 * second, EventKind::NodeLearns, 0, connection->id);
    push(now_ + 2 * second, EventKind::DeviceLearns, 0, connection->id);
  }
  throw_away_twins();
  for (const auto& device : devices_) {
    device->network = true;
    device->stall_until = now_;
    if (device->gone) continue;
    if (!device->has_account && device->registrations > 0 && device->call == 0) set_call(*device, now_ + second);
    if (!device->has_account) continue;
    if (!device->up()) {
      push(now_ + second, EventKind::DeviceRises, device->index, device->incarnation);
    } else if (!device->started) {
      client::Outputs outputs;
      device->started = true;
      device->client->start(device->now(now_), outputs);
      carry_out(*device, outputs);
    }
  }
  push(now_ + second, EventKind::SettleCheck, 0, 0);
}

void World::count_traffic() {
  std::uint64_t up = 0;
  std::uint64_t down = 0;
  for (const Tap& tap : taps_) {
    up += tap.frames_up();
    down += tap.frames_down();
  }
  see(TrafficCounted{devices_.size(), now_ - counted_at_, up - counted_up_, down - counted_down_});
  counted_at_ = now_;
  counted_up_ = up;
  counted_down_ = down;
}

void World::see(const Fact& fact) {
  if (options_.on_fact) options_.on_fact(now_, fact);
  if (options_.devices_judge && is_tapped(fact)) return;
  judge_.see(now_, fact);
  if (std::holds_alternative<EventSeen>(fact)) ++report_.delivered;
  // I23 alone does not stop a run: what is late may still turn out to be lost, and that weighs more.
  if (options_.stop_at_violation && judge_.has_violations() && !told_late_) {
    over_ = true;
    early_ = true;
  }
}

void World::see_all(std::vector<Fact>& facts) {
  for (const Fact& fact : facts) see(fact);
  facts.clear();
}

void World::hash_record() {
  if (options_.perturb == hash_.records() + 1) record_.back() = static_cast<char>(record_.back() ^ 1);
  hash_.add(record_);
  if (options_.on_record) options_.on_record(hash_.records(), record_);
}

void World::trace(const std::string& line) {
  options_.trace(now_, line);
}

}  // namespace chasqui::sim
