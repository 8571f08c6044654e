#include "core/node.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/keys.h"
#include "core/base/points.h"
#include "core/meta/placement.h"
#include "core/node_impl.h"

namespace chasqui {

namespace {

// Heartbeats of all groups that are led here are due in the same few moments, so that those to one peer share a frame,
// and the answers too: an idle node wakes 20 times a second, however many shards it leads. Rounded up, since a
// heartbeat that is asked for too early is none.
MonoTime with_others(MonoTime due, const Limits& limits) {
  const std::int64_t step_ns = static_cast<std::int64_t>(std::max<std::uint64_t>(limits.heartbeat_ms, 4)) * 500'000;
  if (due == MonoTime::never() || due.ns <= 0) return due;
  return MonoTime{(due.ns + step_ns - 1) / step_ns * step_ns};
}

// Who has peers makes a step each second. If not, this process stood still, and not what it waited for.
constexpr Duration frozen_after = milliseconds(1'500);

}  // namespace

Node::Node(const NodeConfig& config, Store& store, std::vector<ReplicaImage> log, const Seed& seed)
    : impl_(std::make_unique<Impl>(config, store, std::move(log), seed)) {}
Node::~Node() = default;
void Node::step(Now now, Input input, Outputs& out) {
  impl_->step(now, std::move(input), out);
}
const std::vector<AppliedEntry>& Node::applied() const {
  return impl_->applied();
}

MonoTime Node::next_deadline() const {
  return impl_->next_deadline();
}
bool Node::ready() const {
  return impl_->ready();
}
bool Node::reaches_majority() const {
  return impl_->reaches_majority();
}
std::size_t Node::shards_led() const {
  return impl_->shards_led();
}
bool Node::handed_over() const {
  return impl_->handed_over();
}
std::uint64_t Node::memory_bytes() const {
  return impl_->memory_bytes();
}

Node::Impl::Impl(const NodeConfig& config, Store& store, std::vector<ReplicaImage> log, const Seed& seed)
    : config_(config),
      store_(store),
      random_(seed),
      gateway_(config_.limits, config.shards),
      router_(config.node, config.shards),
      registrations_(config.limits.rate_entries_max),
      logins_(config.limits.rate_entries_max),
      login_failures_(config.limits.rate_entries_max),
      first_messages_(config.limits.rate_entries_max),
      sends_(config.limits.rate_entries_max),
      adds_(config.limits.rate_entries_max),
      source_(config_.limits),
      sink_(config_.limits),
      asks_(random_.next_64() >> 1),
      last_round_(random_.next_64() >> 16) {
  CHASQUI_ASSERT(config.shards.value > 0 && config.shards.value <= bounds::shards_max, "1 to 65,536 shards");
  std::vector<ReplicaImage> images(config.shards.value);
  for (ReplicaImage& image : log) {
    CHASQUI_ASSERT(image.shard.value() < images.size(), "the log is of this cluster: its owner has checked");
    images[image.shard.value()] = std::move(image);
  }
  shards_.resize(config.shards.value);
  for (std::uint32_t i = 0; i < config.shards.value; ++i) {
    const ShardId id(i);
    std::vector<NodeId> replicas{config.node};
    if (!is_alone()) replicas = meta::replicas_of(id, config.members);
    if (std::find(replicas.begin(), replicas.end(), config.node) == replicas.end()) continue;
    images[i].shard = id;
    replica::Config of_replica;
    of_replica.shard = id;
    of_replica.self = ReplicaId(config.node.value());
    for (const NodeId node : replicas) of_replica.voters.push_back(ReplicaId(node.value()));
    of_replica.limits = &config_.limits;
    of_replica.seed = random_.seed();
    shard::Machine machine(id, config.shards, store_);
    replica::Replica replica(of_replica, std::move(images[i]), machine.applied_index(), ingested_row(id));
    shards_[i] = std::make_unique<Shard>(id, std::move(replica), std::move(machine), config.shards, config_.limits);
    shards_[i]->home_leader = replicas.front();
    ++shards_held_;
  }
}

void Node::Impl::start(Now now, Outputs& out) {
  started_ = true;
  for (const auto& shard : shards_) {
    if (shard == nullptr) continue;
    replica::Outputs outputs;
    shard->replica.start(now, outputs);
    take(*shard, outputs, out);
    touched_.insert(shard->id);
    replaying_.insert(shard->id);
    shard->log_at_start = shard->replica.last_index();
  }
  if (!is_alone()) beat_due_ = now.mono;
}

void Node::Impl::step(Now now, Input input_value, Outputs& out) {
  if (now.mono - now_ > frozen_after) watched_since_ = now.mono;
  now_ = now.mono;
  wall_ = now.wall;
  applied_.clear();
  if (!started_) start(now, out);
  std::visit([&](auto& in) { input(now, in, out); }, input_value);
  // Whatever came in, timers that are due are served: a late Tick must not delay what another input shows to be due.
  while (!timers_.empty() && timers_.begin()->first <= now.mono) {
    Shard& shard = shard_at(timers_.begin()->second);
    timers_.erase(timers_.begin());
    shard.timer = MonoTime::never();
    if (shard.replica.next_deadline() <= now.mono) {
      replica::Outputs outputs;
      shard.replica.tick(now, outputs);
      take(shard, outputs, out);
    }
    touched_.insert(shard.id);
  }
  if (gateway_.next_deadline() <= now.mono) gateway_.tick(now, out);
  if (asks_.next_deadline() <= now.mono) expire_asks(now, out);
  if (disk_due() <= now.mono) judge_disk(now, out);
  if (beat_due_ <= now.mono) beat(now, out);
  settle(now, out);
  write_rows_due(now);
  flush_peers(now, out);
}

// Runs until nothing is left that this step can do: propose, apply a bounded part, move what shards owe each other.
void Node::Impl::settle(Now now, Outputs& out) {
  absl::btree_set<ShardId> seen;
  if (CHASQUI_CANARY("ack_before_commit") && !appends_.empty()) {
    LogAppended not_yet{appends_.back().id};
    input(now, not_yet, out);
  }
  if (CHASQUI_CANARY("result_before_sync") && !appends_.empty()) {
    LogAppended not_yet{appends_.back().id};
    input(now, not_yet, out);
  }
  apply_some(now, out);
  move_streams(now, out);
  propose_checks(now);
  // Each round hands on what the one before caused; notifies cause acks and those cause nothing new.
  resend_to_new_leaders(now);
  for (int round = 0; round < 4 && !touched_.empty(); ++round) {
    while (!touched_.empty()) {
      const ShardId id = *touched_.begin();
      touched_.erase(touched_.begin());
      pump(shard_at(id), now, out);
      seen.insert(id);
    }
    resend_to_new_leaders(now);
    move_notifies(now, out);
  }
  for (const ShardId id : touched_) seen.insert(id);
  touched_.clear();
  tell_gone_sessions();
  for (const ShardId id : seen) {
    set_timer(shard_at(id));
    if (!replaying_.empty()) see_replayed(shard_at(id));
  }
}

void Node::Impl::set_timer(Shard& shard) {
  MonoTime next = shard.replica.next_deadline();
  if (shard.led) {
    next = with_others(next, config_.limits);
    next = earlier(next, shard.marks.next_deadline());
    next = earlier(next, shard.notify.next_deadline());
    next = earlier(next, shard.feed.next_deadline());
    next = earlier(next, shard.watchers.next_deadline());
    next = earlier(next, shard.receipts.next_deadline());
    next = earlier(next, expiry_deadline(shard));
    if (!shard.cursor_proposed) next = earlier(next, shard.cursor_due);
    if (!shard.unfresh.empty()) next = earlier(next, shard.unfresh_due);
  }
  next = earlier(next, shard.batch.next_deadline());
  if (!shard.in_flight.empty() && !shard.in_flight.front().origins.empty()) {
    next = earlier(next, shard.in_flight.front().until);
  }
  if (next == shard.timer) return;
  if (shard.timer != MonoTime::never()) timers_.erase({shard.timer, shard.id});
  shard.timer = next;
  if (next != MonoTime::never()) timers_.insert({next, shard.id});
}

MonoTime Node::Impl::next_deadline() const {
  if (!started_ || !committed_.empty()) return now_;
  const MonoTime of_shards = timers_.empty() ? MonoTime::never() : timers_.begin()->first;
  return earlier(earlier(earlier(of_shards, gateway_.next_deadline()),
                         earlier(asks_.next_deadline(), earlier(beat_due_, disk_due()))),
                 earlier(earlier(source_.next_deadline(), sink_.next_deadline()),
                         earlier(checks_.empty() ? MonoTime::never() : checks_.begin()->first,
                                 ahead_.empty() ? MonoTime::never() : write_due_)));
}

std::size_t Node::Impl::shards_led() const {
  return static_cast<std::size_t>(
      std::count_if(shards_.begin(), shards_.end(), [](const auto& shard) { return shard != nullptr && shard->led; }));
}

std::uint64_t Node::Impl::memory_bytes() const {
  std::uint64_t bytes = gateway_.memory_bytes() + bytes_in_flight_ + calls_.size() * sizeof(Call) + asks_.size() * 400 +
                        reads_.size() * sizeof(Continuation);
  for (const auto& shard : shards_) {
    if (shard == nullptr) continue;
    bytes += shard->registry.size() * 160 + shard->replica.memory_bytes() + shard->batch.bytes() +
             shard->feed.memory_bytes() + shard->watchers.size() * 100 +
             (shard->notify.size() + shard->marks.size()) * 150 + shard->receipts.size() * 300 +
             shard->machine.memory_bytes();
  }
  return bytes;
}

// --------------------------------------------------------------------------------------------------------- inputs

void Node::Impl::input(Now, Tick&, Outputs&) {
  applied_then_ = 0;  // a step that is there for what is left to apply
}
void Node::Impl::input(Now now, SessionOpened& in, Outputs& out) {
  gateway_.opened(now, in, out);
}
void Node::Impl::input(Now now, SessionWritable& in, Outputs& out) {
  gateway_.writable(now, in, out);
}
void Node::Impl::input(Now, SessionClosed& in, Outputs&) {
  gateway_.closed(in.session);
}

void Node::Impl::input(Now now, SessionFrame& in, Outputs& out) {
  std::vector<gateway::Request> requests;
  gateway_.frame(now, in, requests, out);
  for (gateway::Request& one : requests) request(now, one, out);
}

void Node::Impl::input(Now now, LogAppended& in, Outputs& out) {
  absl::btree_set<ShardId> synced;
  while (!appends_.empty() && appends_.front().id <= in.id) {
    ++shard_at(appends_.front().shard).appends_synced;
    synced.insert(appends_.front().shard);
    appends_.pop_front();
  }
  for (const ShardId id : synced) {
    Shard& shard = shard_at(id);
    replica::Outputs outputs;
    shard.replica.appended(now, shard.appends_synced, outputs);
    take(shard, outputs, out);
    touched_.insert(id);
  }
}

void Node::Impl::input(Now now, ReadDone& in, Outputs& out) {
  Continuation* found = reads_.find(in.read);
  if (found == nullptr) return;
  const Continuation then = std::move(*found);
  reads_.erase(in.read);
  then(now, in, out);
}

void Node::Impl::input(Now now, StoreFlushed& in, Outputs& out) {
  const std::uint64_t tails = tails_bytes();
  bound_tails(now, tails, out);
  for (const StoreFlushed::Shard& flushed : in.shards) {
    if (flushed.shard.value() >= shards_.size() || held(flushed.shard) == nullptr) continue;
    Shard& shard = shard_at(flushed.shard);
    replica::Outputs outputs;
    const RaftIndex applied = shard.machine.applied_index();
    const bool past_flush = CHASQUI_CANARY("compact_past_flush");
    shard.replica.flushed(now, past_flush ? applied : std::min(flushed.applied, applied), log_kept(shard, tails),
                          outputs);
    take(shard, outputs, out);
    touched_.insert(shard.id);
  }
}

void Node::Impl::input(Now, Pressure& in, Outputs& out) {
  if (in.disk == pressure_.disk && in.store_behind == pressure_.store_behind) return;
  pressure_ = in;
  out.push_back(
      Note{NoteKind::PressureChanged, {}, {}, static_cast<std::uint64_t>(in.disk), in.store_behind ? 1U : 0U});
}

void Node::Impl::input(Now now, Drain&, Outputs& out) {
  gateway_.drain(now, random_.next_64() >> 1, !is_alone(), out);
  draining_ = true;
  tell_clock(now);  // or two that stop together would give each other what they lead
  balance(now, out);
}

}  // namespace chasqui
