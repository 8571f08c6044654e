#include "core/testing/nodes.h"

#include <utility>

#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/keys.h"
#include "core/testing/log_image.h"
#include "proto/peer.pb.h"
#include "proto/state.pb.h"

namespace chasqui::testing {

Nodes::Nodes(std::size_t count, ShardCount shards, const Limits& limits) {
  config_.shards = shards;
  config_.limits = limits;
  for (std::size_t i = 1; i <= count; ++i) config_.members.push_back({NodeId(i), i});
  machines_.resize(count);
  for (std::size_t i = 1; i <= count; ++i) start(i);
  for (std::size_t a = 1; a <= count; ++a) {
    for (std::size_t b = 1; b <= count; ++b) {
      if (a != b) at(a).inputs.push_back(PeerReachable{NodeId(b)});
    }
  }
  const bool ready = run_until_ready();
  CHASQUI_ASSERT(ready, "a cluster without faults finds its leaders");
}

void Nodes::start(std::size_t node) {
  Machine& machine = at(node);
  NodeConfig config = config_;
  config.node = NodeId(node);
  Seed seed{};
  seed[0] = static_cast<std::uint8_t>(node);
  seed[1] = ++machine.incarnation;
  std::vector<ReplicaImage> images;
  for (const auto& [shard, image] : machine.log) images.push_back(image);
  machine.node = std::make_unique<Node>(config, machine.store, std::move(images), seed);
}

bool Nodes::linked(std::size_t a, std::size_t b) const {
  return runs(a) && runs(b) && !cuts_.contains({std::min(a, b), std::max(a, b)});
}

std::uint64_t Nodes::incarnations(std::size_t a, std::size_t b) const {
  return machines_[a - 1].link_incarnation * 1'000'003 + machines_[b - 1].link_incarnation;
}

MonoTime Nodes::next() const {
  MonoTime next = frames_.empty() ? MonoTime::never() : frames_.front().first;
  for (const Machine& machine : machines_) {
    if (machine.node != nullptr) next = earlier(next, machine.node->next_deadline());
  }
  return next;
}

bool Nodes::step_once() {
  for (std::size_t i = 1; i <= machines_.size(); ++i) {
    Machine& machine = at(i);
    if (machine.node == nullptr) continue;
    if (!machine.inputs.empty()) {
      Input first = std::move(machine.inputs.front());
      machine.inputs.pop_front();
      step(i, std::move(first));
      return true;
    }
    if (machine.node->next_deadline() <= now_.mono) {
      step(i, Tick{});
      return true;
    }
  }
  if (frames_.empty() || frames_.front().first > now_.mono) return false;
  Frame frame = std::move(frames_.front().second);
  frames_.pop_front();
  const std::size_t from = frame.from.value();
  const std::size_t to = frame.to.value();
  if (linked(from, to) && frame.incarnations == incarnations(from, to)) {
    at(to).inputs.push_back(PeerFrame{frame.from, std::move(frame.bytes)});
  }
  return true;
}

void Nodes::run_for(Duration time) {
  const MonoTime end = now_.mono + time;
  for (std::uint64_t steps = 0; steps < 50'000'000; ++steps) {
    if (step_once()) continue;
    const MonoTime then = std::min(std::max(next(), now_.mono), end);
    now_.wall.ms = 1'700'000'000'000 + then.ns / 1'000'000;
    if (then == now_.mono && then == end) return;
    now_.mono = then;
  }
  CHASQUI_ASSERT(false, "a cluster does a bounded amount of work");
}

bool Nodes::run_until_ready(Duration most) {
  const MonoTime end = now_.mono + most;
  while (now_.mono < end) {
    run_for(milliseconds(20));
    bool ready = true;
    for (const Machine& machine : machines_) ready = ready && (machine.node == nullptr || machine.node->ready());
    if (ready) return true;
  }
  return false;
}

void Nodes::step(std::size_t node, Input in) {
  Outputs outputs;
  at(node).node->step(now_, std::move(in), outputs);
  carry_out(node, outputs);
}

void Nodes::input(std::size_t node, Input in) {
  step(node, std::move(in));
}

void Nodes::carry_out(std::size_t node, Outputs& outputs) {
  Machine& machine = at(node);
  for (Output& output : outputs) {
    if (auto* send = std::get_if<SessionSend>(&output)) {
      client::ServerMessage message;
      const bool parsed = message.ParseFromString(send->bytes);
      CHASQUI_ASSERT(parsed, "the node sends what a client can parse");
      for (client::ServerFrame& frame : *message.mutable_frames()) {
        received_[{node, send->session}].push_back(std::move(frame));
      }
      machine.inputs.push_back(SessionWritable{send->session, send->bytes.size()});
    } else if (auto* close = std::get_if<SessionClose>(&output)) {
      closed_.insert({node, close->session});
      machine.inputs.push_back(SessionClosed{close->session});
    } else if (auto* work = std::get_if<PasswordWork>(&output)) {
      machine.inputs.push_back(PasswordHashed{work->call, PasswordHashed::Result::Done, "$argon2id$of-a-test"});
    } else if (auto* answer = std::get_if<HttpAnswer>(&output)) {
      answers_[answer->call] = std::move(*answer);
    } else if (auto* append = std::get_if<LogAppend>(&output)) {
      machine.unsynced.push_back(std::move(*append));
      if (!machine.holds_syncs) sync(machine);
    } else if (auto* read = std::get_if<Read>(&output)) {
      ReadDone done;
      done.read = read->read;
      for (const RangeRead& range : read->ranges) done.results.push_back(machine.store.read(range));
      machine.inputs.push_back(std::move(done));
    } else if (auto* peer = std::get_if<PeerSend>(&output)) {
      const std::size_t to = peer->to.value();
      CHASQUI_ASSERT(to >= 1 && to <= machines_.size() && to != node, "frames go to other members");
      if (!linked(node, to)) continue;
      frames_.push_back({now_.mono + link_time,
                         {NodeId(node), peer->to, without_mute(std::move(peer->bytes)), incarnations(node, to)}});
    } else if (auto* note = std::get_if<Note>(&output)) {
      ++notes_[{node, note->kind}];
      if (note->kind == NoteKind::ShardLeads) machine.leads.insert(note->shard);
      if (note->kind == NoteKind::ShardFollows) machine.leads.erase(note->shard);
    } else {
      carry_out_stream(machine, output);
    }
  }
  outputs.clear();
}

void Nodes::sync(Machine& machine) {
  for (LogAppend& append : machine.unsynced) {
    apply_append(append, machine.log[append.shard]);
    machine.inputs.push_back(LogAppended{append.id});
  }
  machine.unsynced.clear();
}

void Nodes::hold_syncs(std::size_t node, bool held) {
  Machine& machine = at(node);
  machine.holds_syncs = held;
  if (!held) sync(machine);
}

void Nodes::carry_out_stream(Machine& machine, Output& output) {
  if (const auto* open = std::get_if<StreamOpen>(&output)) {
    machine.frozen[open->stream] = machine.store.rows();
  } else if (const auto* read = std::get_if<StreamRead>(&output)) {
    MemStore rows;
    rows.set_rows(machine.frozen.at(read->stream));
    machine.inputs.push_back(StreamRowsRead{read->stream, rows.read(read->range)});
  } else if (auto* write = std::get_if<StreamWrite>(&output)) {
    std::vector<Row>& staged = machine.staged[write->stream];
    for (Row& row : write->rows) staged.push_back(std::move(row));
    machine.inputs.push_back(StreamRowsWritten{write->stream});
  } else if (auto* ingest = std::get_if<StreamIngest>(&output)) {
    const auto replace = [&](MemStore::Rows rows) {
      rows.erase(rows.lower_bound(ingest->begin), rows.lower_bound(ingest->end));
      for (const Row& row : machine.staged[ingest->stream]) rows[row.key] = row.value;
      for (const Row& row : ingest->local) rows[row.key] = row.value;
      return rows;
    };
    machine.flushed = replace(std::move(machine.flushed));
    machine.store.set_rows(replace(machine.store.rows()));
    machine.inputs.push_back(StreamIngested{ingest->stream});
  } else if (const auto* close = std::get_if<StreamClose>(&output)) {
    machine.frozen.erase(close->stream);
    machine.staged.erase(close->stream);
  }
}

void Nodes::flush(std::size_t node) {
  Machine& machine = at(node);
  machine.flushed = machine.store.rows();
  StoreFlushed flushed;
  for (std::uint32_t i = 0; i < config_.shards.value; ++i) {
    state::Shard numbers;
    const auto row = machine.store.get(keys::numbers(ShardId(i)));
    if (row && numbers.ParseFromString(*row))
      flushed.shards.push_back({ShardId(i), RaftIndex(numbers.applied_index())});
  }
  machine.inputs.push_back(std::move(flushed));
}

std::size_t Nodes::leader_of(ShardId shard) const {
  for (std::size_t i = 1; i <= machines_.size(); ++i) {
    if (runs(i) && machines_[i - 1].leads.contains(shard)) return i;
  }
  return 0;
}

void Nodes::kill(std::size_t node, bool noticed) {
  Machine& machine = at(node);
  machine.node = nullptr;
  machine.inputs.clear();
  machine.unsynced.clear();
  machine.frozen.clear();
  machine.staged.clear();
  machine.leads.clear();
  machine.link_incarnation = ++breaks_;
  machine.store.set_rows(machine.flushed);
  for (std::size_t i = 1; i <= machines_.size(); ++i) {
    if (noticed && i != node && runs(i)) at(i).inputs.push_back(PeerUnreachable{NodeId(node), true});
  }
}

void Nodes::restart(std::size_t node) {
  start(node);
  for (std::size_t i = 1; i <= machines_.size(); ++i) {
    if (i == node || !linked(i, node)) continue;
    at(i).inputs.push_back(PeerUnreachable{NodeId(node)});
    at(i).inputs.push_back(PeerReachable{NodeId(node)});
    at(node).inputs.push_back(PeerReachable{NodeId(i)});
  }
}

void Nodes::cut(std::size_t a, std::size_t b) {
  cuts_.insert({std::min(a, b), std::max(a, b)});
  if (runs(a)) at(a).inputs.push_back(PeerUnreachable{NodeId(b)});
  if (runs(b)) at(b).inputs.push_back(PeerUnreachable{NodeId(a)});
}

void Nodes::mend(std::size_t a, std::size_t b) {
  cuts_.erase({std::min(a, b), std::max(a, b)});
  if (!linked(a, b)) return;
  at(a).inputs.push_back(PeerReachable{NodeId(b)});
  at(b).inputs.push_back(PeerReachable{NodeId(a)});
}

void Nodes::mute(ShardId shard, bool is_mute) {
  if (is_mute) {
    mute_.insert(shard);
  } else {
    mute_.erase(shard);
  }
}

std::string Nodes::without_mute(std::string bytes) const {
  peer::PeerFrame frame;
  if (mute_.empty() || !frame.ParseFromString(bytes) || !frame.has_raft()) return bytes;
  peer::RaftFrame heard;
  for (const peer::RaftMessage& message : frame.raft().messages()) {
    if (!mute_.contains(ShardId(message.shard()))) *heard.add_messages() = message;
  }
  *frame.mutable_raft() = std::move(heard);
  return frame.SerializeAsString();
}

Login Nodes::provision(const std::string& handle, std::size_t where) {
  const std::string secret(32, handle.empty() ? 'x' : handle[0]);
  const CallId id(++last_call_);
  step(where, HttpCall{id, Address{}, ProvisionCall{handle, "phone", std::string(view(blake2b_256(secret)))}});
  run_for(milliseconds(200));
  const auto it = answers_.find(id);
  CHASQUI_ASSERT(it != answers_.end() && it->second.code == 0, "a fresh handle is free");
  return {it->second.user, it->second.device, secret, it->second.handle};
}

Client Nodes::open(std::size_t node) {
  const Client client{node, SessionId(++last_session_)};
  step(node, SessionOpened{client.session, Address{}});
  return client;
}

Client Nodes::connect(std::size_t node, const Login& login, Version synced, std::uint64_t generation) {
  const Client client = open(node);
  send_frame(client, hello_of(login, synced, generation));
  run_for(milliseconds(50));
  return client;
}

void Nodes::send_frame(const Client& client, client::ClientFrame frame) {
  client::ClientMessage message;
  *message.add_frames() = std::move(frame);
  step(client.node, SessionFrame{client.session, message.SerializeAsString()});
}

std::vector<client::ServerFrame> Nodes::received(const Client& client, client::ServerFrame::BodyCase kind) {
  std::vector<client::ServerFrame> found;
  for (const client::ServerFrame& frame : received_[client]) {
    if (frame.body_case() == kind) found.push_back(frame);
  }
  return found;
}

}  // namespace chasqui::testing
