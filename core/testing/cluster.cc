#include "core/testing/cluster.h"

#include <utility>

#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/keys.h"
#include "core/testing/log_image.h"
#include "proto/state.pb.h"

namespace chasqui::testing {

Cluster::Cluster(ShardCount shards, const Limits& limits) {
  config_.shards = shards;
  config_.limits = limits;
  node_ = std::make_unique<Node>(config_, store_, std::vector<ReplicaImage>{}, Seed{});
  run();
  CHASQUI_ASSERT(node_->ready(), "a lone node leads at once");
}

void Cluster::input(Input in) {
  Outputs outputs;
  node_->step(now_, std::move(in), outputs);
  carry_out(outputs);
}

void Cluster::run() {
  for (int steps = 0; steps < 1'000'000; ++steps) {
    if (!step_once()) return;
  }
  CHASQUI_ASSERT(false, "a node comes to rest");
}

bool Cluster::step_once() {
  if (!inputs_.empty()) {
    Input next = std::move(inputs_.front());
    inputs_.pop_front();
    input(std::move(next));
    return true;
  }
  if (node_->next_deadline() > now_.mono) return false;
  input(Tick{});
  return true;
}

void Cluster::run_for(Duration time) {
  const MonoTime end = now_.mono + time;
  run();
  while (node_->next_deadline() <= end) {
    const MonoTime next = std::max(now_.mono, node_->next_deadline());
    now_.wall.ms += (next - now_.mono).ns / 1'000'000;
    now_.mono = next;
    run();
  }
  now_.wall.ms += (end - now_.mono).ns / 1'000'000;
  now_.mono = end;
  run();
}

void Cluster::carry_out(Outputs& outputs) {
  for (Output& output : outputs) {
    if (auto* send = std::get_if<SessionSend>(&output)) {
      client::ServerMessage message;
      const bool parsed = message.ParseFromString(send->bytes);
      CHASQUI_ASSERT(parsed, "the node sends what a client can parse");
      for (client::ServerFrame& frame : *message.mutable_frames()) {
        received_[send->session].push_back(std::move(frame));
      }
      unwritten_[send->session] += send->bytes.size();
      if (!hold_writes) release_writes(send->session);
    } else if (auto* close = std::get_if<SessionClose>(&output)) {
      closed_[close->session] = true;
      inputs_.push_back(SessionClosed{close->session});
    } else if (auto* reading = std::get_if<SessionRead>(&output)) {
      paused_[reading->session] = !reading->on;
    } else if (auto* work = std::get_if<PasswordWork>(&output)) {
      const bool hash = work->kind == PasswordWork::Kind::Hash;
      inputs_.push_back(PasswordHashed{work->call, hash ? PasswordHashed::Result::Done : password_result_,
                                       hash ? "$argon2id$of-a-test" : ""});
    } else if (auto* answer = std::get_if<HttpAnswer>(&output)) {
      answers_[answer->call] = std::move(*answer);
    } else if (auto* append = std::get_if<LogAppend>(&output)) {
      unsynced_.push_back(std::move(*append));
      if (!hold_syncs) sync_log();
    } else if (auto* read = std::get_if<Read>(&output)) {
      ReadDone done;
      done.read = read->read;
      for (const RangeRead& range : read->ranges) done.results.push_back(store_.read(range));
      if (hold_reads) {
        held_reads_.push_back(std::move(done));
      } else {
        inputs_.push_back(std::move(done));
      }
    } else if (auto* note = std::get_if<Note>(&output)) {
      notes_.push_back(*note);
    }
  }
  outputs.clear();
}

void Cluster::sync_log() {
  AppendId last;
  for (const LogAppend& append : unsynced_) {
    apply_append(append, log_[append.shard]);
    last = append.id;
  }
  unsynced_.clear();
  if (last) inputs_.push_back(LogAppended{last});
}

void Cluster::release_syncs() {
  hold_syncs = false;
  sync_log();
  run();
}

std::size_t Cluster::release_reads() {
  const std::size_t count = held_reads_.size();
  for (ReadDone& done : held_reads_) inputs_.push_back(std::move(done));
  held_reads_.clear();
  run();
  return count;
}

std::vector<ReplicaImage> Cluster::log_image() const {
  std::vector<ReplicaImage> images;
  for (const auto& [shard, image] : log_) images.push_back(image);
  return images;
}

void Cluster::release_writes(SessionId session) {
  const std::uint64_t bytes = std::exchange(unwritten_[session], 0);
  if (bytes > 0) inputs_.push_back(SessionWritable{session, bytes});
}

void Cluster::flush() {
  flushed_ = store_.rows();
  StoreFlushed flushed;
  for (std::uint32_t i = 0; i < config_.shards.value; ++i) {
    state::Shard numbers;
    const auto row = store_.get(keys::numbers(ShardId(i)));
    if (row && numbers.ParseFromString(*row))
      flushed.shards.push_back({ShardId(i), RaftIndex(numbers.applied_index())});
  }
  inputs_.push_back(std::move(flushed));
  run();
}

void Cluster::crash_and_restart() {
  crash();
  run();
}

void Cluster::crash() {
  unsynced_.clear();
  inputs_.clear();
  held_reads_.clear();
  unwritten_.clear();
  paused_.clear();
  store_.set_rows(flushed_);
  Seed seed{};
  seed[0] = ++incarnation_;
  node_ = std::make_unique<Node>(config_, store_, log_image(), seed);
}

Login Cluster::provision(const std::string& handle) {
  const std::string secret(32, handle.empty() ? 'x' : handle[0]);
  const HttpAnswer answer = call(ProvisionCall{handle, "phone", std::string(view(blake2b_256(secret)))});
  CHASQUI_ASSERT(answer.code == 0, "a fresh handle is free");
  return {answer.user, answer.device, secret, answer.handle};
}

HttpAnswer Cluster::call(decltype(HttpCall::body) body, PasswordHashed::Result result) {
  password_result_ = result;
  const CallId id(++last_call_);
  input(HttpCall{id, Address{}, std::move(body)});
  run();
  const auto it = answers_.find(id);
  CHASQUI_ASSERT(it != answers_.end(), "a call is answered");
  return it->second;
}

SessionId Cluster::open() {
  const SessionId session(++last_session_);
  input(SessionOpened{session, Address{}});
  run();
  return session;
}

SessionId Cluster::connect(const Login& login, Version synced, std::uint64_t generation) {
  const SessionId session = open();
  send_frame(session, hello_of(login, synced, generation));
  run();
  return session;
}

void Cluster::send_frame(SessionId session, client::ClientFrame frame) {
  client::ClientMessage message;
  *message.add_frames() = std::move(frame);
  send_bytes(session, message.SerializeAsString());
}

void Cluster::send_bytes(SessionId session, std::string bytes) {
  input(SessionFrame{session, std::move(bytes)});
}

}  // namespace chasqui::testing
