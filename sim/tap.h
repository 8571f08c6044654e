// Reads what passes a node and says it as T facts: requests and their answers, sends and what became of them, appends.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "core/io.h"
#include "proto/log.pb.h"
#include "sim/history.h"

namespace chasqui::sim {

class Tap {
 public:
  // Device ids that are out for good: of one cluster, shared by its nodes.
  using OfUser = std::pair<UserId, DeviceId>;
  using Gone = std::shared_ptr<std::set<OfUser>>;
  // `alone`: what is on its disk is committed, and the node is a cluster of its own.
  explicit Tap(std::uint32_t node, bool alone = true, Gone gone = std::make_shared<std::set<OfUser>>())
      : node_(node), alone_(alone), gone_(std::move(gone)) {}

  void frame_in(const SessionFrame& in, std::vector<Fact>& facts);
  void send_out(const SessionSend& out, std::vector<Fact>& facts);
  // `wall_ms`: the true time.
  void append_out(const LogAppend& out, std::int64_t wall_ms, std::vector<Fact>& facts);
  // All appends up to `id` are on its disk. A node without peers: so they are committed.
  void durable(AppendId id, std::vector<Fact>& facts);
  void session_over(SessionId session, std::vector<Fact>& facts);
  void node_crashed(AppendId survived, std::vector<Fact>& facts);
  void step_over();
  // From now on each frame of an honest session is a fact.
  void idle() { idle_ = true; }
  [[nodiscard]] std::uint64_t frames_up() const { return frames_up_; }
  [[nodiscard]] std::uint64_t frames_down() const { return frames_down_; }
  // Requests before this step's answers.
  [[nodiscard]] std::uint64_t unanswered(SessionId session) const;
  // Of what this session asks and hears nothing is said: its user means harm, and nobody judges how it fares.
  void hostile(SessionId session) { hostile_.insert(session); }

 private:
  void watch_device(SessionId session, const client::ClientFrame& frame);
  void watch_device(SessionId session, std::vector<Fact>& facts);
  void watch_groups(SessionId session, const client::ServerFrame& frame, std::vector<Fact>& facts) const;

  std::uint32_t node_;
  bool alone_;
  Gone gone_;
  client::ClientMessage client_;  // kept, so that their memory is used again
  client::ServerMessage server_;
  log::Entry entry_;
  std::deque<std::pair<AppendId, EntryCommitted>> appended_;  // not on its disk yet
  std::set<SessionId> hostile_;
  // Of all sessions, hostile ones too: whose they claim to be, whose the node took them for, who asked to be logged out
  // or renewed and has no answer yet.
  std::map<SessionId, OfUser> claims_;
  std::map<SessionId, OfUser> greeted_;
  std::set<std::pair<SessionId, std::uint64_t>> leaving_;
  bool idle_ = false;
  std::uint64_t frames_up_ = 0;  // of honest sessions
  std::uint64_t frames_down_ = 0;
  std::map<SessionId, std::uint64_t> unanswered_;  // requests
  std::vector<SessionId> answered_;                // in this step
  struct Sending {
    SendKey key;
    bool asks_in = false;
  };
  std::map<std::pair<SessionId, std::uint64_t>, Sending> sends_;  // not answered yet
};

}  // namespace chasqui::sim
