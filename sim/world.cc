#include "sim/world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace chasqui::sim {
namespace {

// After the bound of I23 the run goes on for so long, to tell what is late (I23) from what is lost (I1).
constexpr Time grace = 90 * second;
// After all has arrived, so that what should not come any more has its chance to come.
// Long enough for what devices do not wait for: a batch that was refused comes again after 5 s, and its marks linger.
constexpr Time afterwards = 9 * second;

}  // namespace

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
      judge_(settle_bound_of(plan_), options_.only, options_.devices_judge ? Sight::Devices : Sight::All, plan_.limits,
             plan_.shards),
      users_(plan_.contacts.size()),
      ids_(plan_.contacts.size()) {
  for (std::uint32_t i = 0; i < plan_.nodes; ++i) {
    auto node = std::make_unique<VirtualNode>();
    node->index = i;
    if (const std::uint64_t most = plan_.knobs.drift_ppm; most > 0) {
      const std::uint64_t drift = below(noise(Concern::Disks, i, 0), 2 * most + 1);
      node->drift_ppm = static_cast<std::int64_t>(drift) - static_cast<std::int64_t>(most);
    }
    nodes_.push_back(std::move(node));
    taps_.emplace_back(i);
  }
  std::vector<bool> has_first(plan_.contacts.size());
  for (std::uint32_t i = 0; i < plan_.owners.size(); ++i) {
    auto device = std::make_unique<Device>();
    device->index = i;
    device->person = plan_.owners[i];
    device->node = device->person % plan_.nodes;
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
    case EventKind::ItemStarts: return item_starts(plan_.items[event.object]);
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
    if (static_cast<std::uint64_t>(plan_.items[i].at) == it->second) push(now_, EventKind::ItemStarts, 0, i);
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
    node->stuck_until = std::min(node->stuck_until, now_);
    node->slow_until = std::min(node->slow_until, now_);
    disks_heal(*node);
    if (!node->up()) push(now_ + 500 * millisecond, EventKind::NodeRises, node->index, node->incarnation);
    if (node->run_pending) push(now_, EventKind::NodeRuns, node->index, 0);
  }
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

// What waits at devices leaves at the rate of one device, what they lack comes in pages at the rate of pages. Twice
// that, since whoever meets a limit waits longer than it takes.
Time World::backlog() const {
  std::uint64_t unsent = 0;
  for (const auto& device : devices_) {
    if (device->up()) unsent = std::max(unsent, device->client->unsent());
  }
  const Limits& limits = plan_.limits;
  const std::uint64_t ms = unsent * limits.send_device_refill_ms +
                           (unsent + judge_.most_missing()) * limits.page_device_refill_ms / limits.page_events_max;
  return 2 * static_cast<Time>(ms) * millisecond;
}

std::string World::unsettled() const {
  for (const auto& device : devices_) {
    if (device->gone || nodes_[device->node]->refused) continue;
    if (!device->has_account) return absl::StrCat("device ", device->index, " has no account");
    if (!device->up()) return absl::StrCat("device ", device->index, " does not run");
    if (device->ended) return absl::StrCat("device ", device->index, " was sent away for good");
    if (!device->client->is_connected()) return absl::StrCat("device ", device->index, " is not connected");
    if (device->client->unsent() > 0) {
      return absl::StrCat("device ", device->index, " has ", device->client->unsent(), " messages without an answer");
    }
  }
  return judge_.missing();
}

void World::check_settled() {
  const std::string missing = unsettled();
  if (missing.empty()) {
    if (settled_at_ < 0) {
      settled_at_ = now_;
      see(Settled{});
    }
    if (now_ >= settled_at_ + afterwards) rest();
    if (over_) return;
    // A moment for what no device waits for: marks that linger at indexes.
    if (now_ >= settled_at_ + afterwards - second && !end_audited_) {
      end_audited_ = true;
      audit_the_end();
    }
  } else {
    if (now_ > healed_at_ + settle_bound_ && !told_late_) {
      told_late_ = true;
      see(NotSettled{missing});
      if (over_) return;
    }
    if (now_ > healed_at_ + settle_bound_ + grace) return ends();
  }
  push(now_ + second, EventKind::SettleCheck, 0, 0);
}

// What each device lists by now is looked at, settled or not.
void World::ends() {
  for (const auto& device : devices_) {
    if (!device->has_account || !device->up()) continue;
    ListSeen list{device->index, {}};
    for (const ConversationId& conversation : device->client->conversations()) {
      const Seq taken = device->client->taken(conversation);
      if (taken) list.heads.emplace_back(conversation, taken);
    }
    see(std::move(list));
  }
  over_ = true;
}

// Once nobody reads any more, and the last marks have had their time, nothing but pings may pass.
void World::rest() {
  const Time quiet = static_cast<Time>(plan_.knobs.quiet_s) * second;
  if (quiet == 0) {
    ends();
    return;
  }
  const bool busy = std::any_of(devices_.begin(), devices_.end(), [](const auto& device) { return device->reading; });
  if (busy) rested_at_ = -1;
  if (!busy && rested_at_ < 0) rested_at_ = now_;
  const Time lingering = 20 * second + static_cast<Time>(plan_.knobs.retry_cap_ms) * millisecond;
  if (busy || now_ < rested_at_ + lingering) return;
  if (!std::exchange(idle_, true)) {
    for (Tap& tap : taps_) tap.idle();
  }
  if (now_ >= rested_at_ + lingering + quiet) ends();
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
