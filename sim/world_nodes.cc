// Nodes: steps, wakes, their disks, and what they hand out.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/describe.h"
#include "sim/trace/io_bytes.h"
#include "sim/world.h"

namespace chasqui::sim {
namespace {

constexpr std::uint64_t late_ticks_max = 10'000;
constexpr std::uint64_t message_bytes_most = 262'144;  // one WebSocket message

}  // namespace

void World::node_rises(VirtualNode& node) {
  if (!may_start(node)) return;
  ++node.incarnation;
  if (node.incarnation > 1) see(OperatorStep{node.index, "started"});
  Dice dice(plan_.seed, Concern::NodeSeed, (std::uint64_t{node.index} << 32) | node.incarnation);
  Seed seed{};
  for (std::size_t word = 0; word < 4; ++word) {
    const std::uint64_t bits = dice.bits();
    for (std::size_t i = 0; i < 8; ++i) seed[8 * word + i] = static_cast<std::uint8_t>(bits >> (8 * i));
  }
  // CLOCK_BOOTTIME begins anew with the machine, and anywhere.
  node.mono_offset = static_cast<Time>(dice.roll(0, 1'000'000)) * millisecond - now_;
  if (node.mono_offset + now_ < 0) node.mono_offset = -now_;
  node.risen_at = now_;
  node.free_at = now_;
  NodeConfig config;
  config.node = NodeId(node.index + 1);
  config.shards = {plan_.shards};
  config.limits = plan_.limits;
  join_cluster(node, config);
  node.node = std::make_unique<Node>(config, node.store, node.log.image(), seed);
  if (tracing()) trace(absl::StrCat("node ", node.index, " starts, life ", node.incarnation));
  feed(node, Tick{});
  tell_pressure(node);
  push(now_ + static_cast<Time>(plan_.knobs.flush_ms) * millisecond, EventKind::FlushDue, node.index, node.incarnation);
  process_rises(plan_.process_of(node.index));
}

// What the disks keep is drawn: any prefix of the appends that were not acknowledged, any version of the store that the
// log can bring forward again.
void World::node_crashes(VirtualNode& node, Time down, std::optional<std::size_t> survivors_known) {
  if (!node.up()) return;
  ++report_.crashes;
  if (tracing()) trace(absl::StrCat("node ", node.index, " is killed"));
  see(OperatorStep{node.index, "killed"});
  Dice dice(plan_.seed, Concern::CrashDisk, (std::uint64_t{node.index} << 32) | node.incarnation);
  const auto survivors_drawn =
      static_cast<std::size_t>(options_.lie == Lie::EarlyAck ? 0 : dice.roll(0, node.log.pending()));
  const std::size_t survivors = survivors_known.value_or(survivors_drawn);
  const AppendId survived = node.log.crash(survivors);
  const auto fits_log = [&] {
    const auto applied = node.applied(plan_.shards);
    return std::all_of(applied.begin(), applied.end(), [&](const StoreFlushed::Shard& shard) {
      return shard.applied <= node.log.last_index(shard.shard) || node.is_as_ingested(shard);
    });
  };
  const std::uint64_t version = dice.roll(node.store.flushed(), node.store.version());
  node.store.rewind(options_.lie == Lie::LoseAckedLog ? node.store.flushed() : version);
  while (!fits_log() && node.store.version() > node.store.flushed()) node.store.rewind(node.store.version() - 1);
  if (!fits_log() && options_.lie != Lie::EarlyAck) {
    see(ContractBroken{node.index, "its store holds what its log never acknowledged: applied before durable"});
  }
  if (options_.lie == Lie::LoseAckedLog) {
    // Never below what the store holds: that would be seen at once.
    for (const StoreFlushed::Shard& shard : node.applied(plan_.shards)) {
      for (std::uint64_t entry = dice.roll(0, 5); entry > 0; --entry) {
        if (node.log.last_index(shard.shard) > shard.applied) (void)node.log.forget_last_entry(shard.shard);
      }
    }
  }
  std::vector<Fact> facts;
  taps_[node.index].node_crashed(survived, facts);
  see(NodeCrashed{node.index, survived});
  see_all(facts);
  audits_die(node);
  const std::map<std::uint64_t, std::uint32_t> callers = node.caller_of;
  node.kill();
  tap_crashed(node);
  for (const auto& connection : connections_) {
    if (connection == nullptr || connection->node != node.index || !connection->node_open) continue;
    connection->node_open = false;
    cut(*connection, true, second);
  }
  for (const auto& [call, device] : callers) {
    device_at(device).call = 0;
    set_call(device_at(device), now_ + 2 * second);
  }
  push(now_ + down, EventKind::NodeRises, node.index, node.incarnation);
}

void World::feed(VirtualNode& node, Input input) {
  if (!node.up()) return;
  if (node.inbox.empty() && node.free_at <= now_ && node.frozen_until <= now_) return step(node, std::move(input));
  node.inbox.push_back(std::move(input));
  node.inbox_causes.push_back(event_);
  if (node.run_pending) return;
  node.run_pending = true;
  push(std::max(node.free_at, node.frozen_until), EventKind::NodeRuns, node.index, 0);
}

void World::node_runs(VirtualNode& node) {
  if (!node.run_pending || !node.up()) return;
  const Time free = std::max(node.free_at, node.frozen_until);
  if (free > now_) return push(free, EventKind::NodeRuns, node.index, 0);
  node.run_pending = false;
  put_back(node);
  if (node.inbox.empty()) return;
  Input input = std::move(node.inbox.front());
  node.inbox.pop_front();
  if (options_.on_cause) options_.on_cause(node.inbox_causes.front());
  node.inbox_causes.pop_front();
  step(node, std::move(input));
  if (node.inbox.empty() || node.run_pending) return;
  node.run_pending = true;
  push(node.free_at, EventKind::NodeRuns, node.index, 0);
}

// What waits is still in the kernel: of a session that the node has stopped reading it stays there.
void World::put_back(VirtualNode& node) {
  while (!node.inbox.empty()) {
    auto* frame = std::get_if<SessionFrame>(&node.inbox.front());
    Connection* connection = frame == nullptr ? nullptr : connection_of(node, frame->session);
    if (connection == nullptr || !connection->node_open || connection->node_reads) return;
    connection->put_back.push_back(std::move(frame->bytes));
    ++connection->held;
    node.inbox.pop_front();
    node.inbox_causes.pop_front();
  }
}

void World::step(VirtualNode& node, Input input) {
  ++report_.steps;
  std::vector<Fact> facts;
  if (const auto* frame = std::get_if<SessionFrame>(&input)) {
    const Connection* connection = connection_of(node, frame->session);
    if (connection != nullptr && connection->node_open) taps_[node.index].frame_in(*frame, facts);
    if (const Auditor* auditor = auditor_of(node, frame->session)) audit_taken(node, *auditor, facts);
  }
  if (const auto* appended = std::get_if<LogAppended>(&input)) {
    facts.push_back(AppendDurable{node.index, appended->id});
    taps_[node.index].durable(appended->id, facts);
  }
  see_all(facts);

  const Now now = node.now(now_);
  record_.clear();
  append_number(static_cast<std::uint64_t>(now_), record_);
  append_number(static_cast<std::uint64_t>(now.mono.ns), record_);
  append_number(static_cast<std::uint64_t>(now.wall.ms), record_);
  record_.push_back(static_cast<char>(node.index));
  append_bytes(input, record_);
  if (tracing()) trace(absl::StrCat("node ", node.index, " <- ", describe(input)));
  const bool is_tick = std::holds_alternative<Tick>(input);
  Outputs outputs;
  stepping_ = node.index + 1;
  node.node->step(now, std::move(input), outputs);
  stepping_ = 0;
  if (plan_.is_cluster() && !(node.wrote.empty() && node.node->applied().empty())) tap_applied(node);
  for (const Output& output : outputs) append_bytes(output, record_);
  hash_record();

  const std::uint64_t cost_max = std::max<std::uint64_t>(2, plan_.knobs.step_cost_us_max);
  const std::uint64_t cost = between(noise(Concern::StepCost, node.index, report_.steps), 2, cost_max);
  node.free_at = now_ + static_cast<Time>(node.cpu_slow_until > now_ ? cost * node.cpu_factor : cost) * microsecond;
  // A deadline that Tick after Tick leaves in the past is a node that spins.
  const bool late = is_tick && node.node->next_deadline() <= now.mono;
  node.late_ticks = late ? node.late_ticks + 1 : 0;
  if (node.late_ticks > late_ticks_max) {
    see(ContractBroken{node.index,
                       absl::StrCat("it spins: ", late_ticks_max, " Ticks and its deadline is still past")});
    stuck_ = over_ = true;
    return;
  }
  carry_out(node, node.free_at, outputs);
  set_wake(node);
  if (now_ >= node.measured_at + second) measure(node);
}

// Once a second at most: it looks at everything that the node holds.
void World::measure(VirtualNode& node) {
  node.measured_at = now_;
  see(NodeMeasured{node.index, node.node->sizes(), node.node->memory_bytes()});
}

void World::set_wake(VirtualNode& node) {
  const MonoTime deadline = node.node->next_deadline();
  if (deadline == MonoTime::never()) return;
  const Time due = std::max(now_, node.when(deadline));
  // Late, never early; by the deadline's own draw, so that a step in between changes nothing.
  const std::uint64_t bits = noise(Concern::WakeLate, node.index, static_cast<std::uint64_t>(deadline.ns));
  const Time at =
      std::max(due, node.free_at) + static_cast<Time>(below(bits, plan_.knobs.wake_late_us_max + 1)) * microsecond;
  if (node.wake_at <= at) return;
  node.wake_at = at;
  push(at, EventKind::NodeWakes, node.index, static_cast<std::uint64_t>(at));
}

void World::node_wakes(VirtualNode& node, Time meant) {
  if (!node.up() || node.wake_at != meant) return;
  node.wake_at = no_time;
  const bool early = node.node->next_deadline() > node.now(now_).mono;
  if (early && !chance_ppm(noise(Concern::Spurious, node.index, report_.steps), plan_.knobs.spurious_ppm)) {
    return set_wake(node);
  }
  feed(node, Tick{});
}

// ------------------------------------------------------------------------------------------------------ its disks

void World::begin_sync(VirtualNode& node) {
  node.log.begin_sync();
  node.sync_finds_no_room = node.no_room_until > now_;
  const std::uint64_t bits = noise(Concern::Sync, node.index, static_cast<std::uint64_t>(now_));
  std::uint64_t us = log_uniform(bits, std::max<std::uint64_t>(1, plan_.knobs.sync_us), 4 * plan_.knobs.sync_us + 1);
  if (node.slow_until > now_) us *= node.slow_factor;
  push(now_ + static_cast<Time>(us) * microsecond, EventKind::LogSynced, node.index, node.incarnation);
}

void World::log_synced(VirtualNode& node) {
  if (node.log.idle()) return;
  if (node.stuck_until > now_) return push(node.stuck_until, EventKind::LogSynced, node.index, node.incarnation);
  if (sync_stops(node)) return;
  const AppendId id = node.log.end_sync();
  if (plan_.plan_class == PlanClass::Beyond) node.guard.synced(now_, node.log.tails());
  while (options_.on_cause && !node.append_causes.empty() && node.append_causes.begin()->first <= id) {
    options_.on_cause(node.append_causes.begin()->second);
    node.append_causes.erase(node.append_causes.begin());
  }
  if (node.log.waiting()) begin_sync(node);
  if (options_.lie != Lie::EarlyAck) feed(node, LogAppended{id});
}

void World::flush_due(VirtualNode& node) {
  node.flush_version = node.store.version();
  node.flush_applied = node.applied(plan_.shards);
  const std::uint64_t bits = noise(Concern::Flush, node.index, static_cast<std::uint64_t>(now_));
  const Time takes = static_cast<Time>(log_uniform(bits, 1, 500)) * millisecond;
  push(now_ + takes, EventKind::FlushDone, node.index, node.incarnation);
  push(now_ + takes + static_cast<Time>(plan_.knobs.flush_ms) * millisecond, EventKind::FlushDue, node.index,
       node.incarnation);
}

// ---------------------------------------------------------------------------------------------------- its outputs

void World::carry_out(VirtualNode& node, Time at, Outputs& outputs) {
  std::vector<Fact> facts;
  SessionId gathered;  // frames of one step for one session leave as one message, if they come one after the other
  std::string message;
  const auto flush = [&] {
    if (message.empty()) return;
    if (Connection* connection = connection_of(node, gathered); connection != nullptr && connection->node_open) {
      send_down(*connection, at, std::move(message));
    }
    message.clear();
  };
  for (Output& output : outputs) {
    if (tracing()) trace(absl::StrCat("node ", node.index, " -> ", describe(output)));
    if (auto* send = std::get_if<SessionSend>(&output)) {
      if (Auditor* auditor = auditor_of(node, send->session)) {
        audit_hears(node, *auditor, send->bytes);
        continue;
      }
      taps_[node.index].send_out(*send, facts);
      see_all(facts);
      if (send->session != gathered || message.size() + send->bytes.size() > message_bytes_most) flush();
      if (plan_.knobs.codec != 0 && chance_ppm(noise(Concern::Codec, node.index, report_.steps), 500'000)) flush();
      gathered = send->session;
      message += send->bytes;
      continue;
    }
    flush();
    if (auto* close = std::get_if<SessionClose>(&output)) {
      if (Auditor* auditor = auditor_of(node, close->session)) audit_ends(node, *auditor);
      if (Connection* connection = connection_of(node, close->session); connection != nullptr) {
        connection->close_code = close->code;
        connection->close_reason = close->reason;
        close_by_node(*connection, at);
      }
    } else if (auto* reading = std::get_if<SessionRead>(&output)) {
      Connection* connection = connection_of(node, reading->session);
      if (connection == nullptr) continue;
      connection->node_reads = reading->on;
      for (; reading->on && connection->held > 0 && connection->node_open; --connection->held) {
        push(at, EventKind::FrameUp, 0, connection->id);
      }
    } else if (auto* append = std::get_if<LogAppend>(&output)) {
      carry_out(node, at, *append);
    } else if (auto* read = std::get_if<Read>(&output)) {
      carry_out(node, at, *read);
    } else if (carry_out_stream(node, at, output)) {
      continue;
    } else if (auto* work = std::get_if<PasswordWork>(&output)) {
      carry_out(node, at, *work);
    } else if (auto* answer = std::get_if<HttpAnswer>(&output)) {
      if (!audit_answered(node, *answer)) answered(node, at, *answer);
    } else if (auto* peer_send = std::get_if<PeerSend>(&output)) {
      if (plan_.is_cluster()) tap_peer(node, *peer_send);
      carry_out(node, at, *peer_send);
    } else if (const auto* note = std::get_if<Note>(&output)) {
      tap_note(node, *note);
    }
  }
  flush();
  taps_[node.index].step_over();
}

void World::carry_out(VirtualNode& node, Time, LogAppend& append) {
  std::vector<Fact> facts;
  taps_[node.index].append_out(append, wall_at_start_ms + now_ / millisecond, facts);
  see_all(facts);
  tap_append(node, append);
  const AppendId id = append.id;
  if (options_.on_cause) node.append_causes[id] = event_;
  if (const std::string wrong = node.log.append(std::move(append)); !wrong.empty()) {
    see(ContractBroken{node.index, wrong});
    return;
  }
  if (node.log.idle()) begin_sync(node);
  if (options_.lie == Lie::EarlyAck) feed(node, LogAppended{id});
}

void World::carry_out(VirtualNode& node, Time at, Read& read) {
  const std::uint64_t token = ++last_token_;
  const std::uint64_t bits = noise(Concern::ReadDelay, node.index, token);
  const Time takes = static_cast<Time>(log_uniform(bits, 20, 5'000)) * microsecond;
  VirtualNode::PendingRead& pending = node.reads[token];
  pending.asked = std::move(read);
  // Any snapshot from now on will do: the first possible one, or the one when it is served.
  if (!chance_ppm(noise(Concern::ReadDelay, ~std::uint64_t{node.index}, token), plan_.knobs.late_reads_ppm)) {
    pending.done = node.serve(pending.asked);
  }
  push(at + takes, EventKind::ReadServed, node.index, token);
}

void World::carry_out(VirtualNode& node, Time at, PasswordWork& work) {
  const auto caller = node.caller_of.find(work.call.value());
  const std::uint64_t token = ++last_token_;
  PasswordHashed& hashed = node.passwords[token];
  hashed.call = work.call;
  const auto auditor = audit_calls_.find({node.index, work.call.value()});
  const std::string right = auditor != audit_calls_.end() ? absl::StrCat("password of person ", auditor->second)
                            : caller == node.caller_of.end()
                                ? std::string("?")
                                : absl::StrCat("password of person ", device_at(caller->second).person);
  const std::uint64_t bits = noise(Concern::Password, node.index, token);
  if (plan_.plan_class == PlanClass::Swarm && chance_ppm(bits, 20'000)) {
    hashed.result = PasswordHashed::Result::Overloaded;
  } else if (work.kind == PasswordWork::Kind::Hash) {
    hashed.credential = right;
  } else if (work.credential != right) {
    hashed.result = PasswordHashed::Result::Wrong;
  }
  push(at + static_cast<Time>(between(bits, 20, 80)) * millisecond, EventKind::PasswordDone, node.index, token);
}

}  // namespace chasqui::sim
