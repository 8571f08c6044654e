// One process's end of its peer links on loopback, with everything its owner hears; and the loop that drives several.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "net/peer_links.h"

namespace chasqui::testing {

// Waits of a test, not of production.
inline PeerTimes quick_times() {
  PeerTimes times;
  times.hello = milliseconds(400);
  times.dead = milliseconds(300);
  times.quiet = milliseconds(200);
  times.look = milliseconds(20);
  times.retry_base = milliseconds(5);
  times.retry_cap = milliseconds(50);
  return times;
}

class PeerEnd final : public PeerLinksOwner {
 public:
  // Process `self` of 1..processes, each with `nodes` nodes.
  PeerEnd(boost::asio::io_context& io, std::uint64_t self, std::uint64_t processes = 2, std::uint64_t nodes = 1,
          std::shared_ptr<PeerTls> tls = nullptr, std::function<void(PeerLinksConfig&)> change = nullptr) {
    std::signal(SIGPIPE, SIG_IGN);
    PeerLinksConfig config;
    config.times = quick_times();
    config.tls = std::move(tls);
    config.self = identity(self, nodes);
    for (std::uint64_t process = 1; process <= processes; process++) {
      if (process != self) {
        PeerProcess other{ProcessId(process), {"127.0.0.1", "1"}, {}};  // nobody listens on port 1
        for (const auto& [node, store] : identity(process, nodes).stores) {
          other.nodes.push_back(node);
        }
        config.others.push_back(std::move(other));
      }
    }
    if (change) {
      change(config);
    }
    links = std::make_unique<PeerLinks>(io, std::move(config), *this);
    const absl::Status listening = links->listen(*chasqui::parse_endpoint("127.0.0.1:0"));
    CHASQUI_ASSERT(listening.ok(), "a free port of loopback can be had");
  }

  static PeerIdentity identity(std::uint64_t process, std::uint64_t nodes = 1) {
    PeerIdentity identity{ProcessId(process), std::string(16, 'c'), ShardCount{64}, {}};
    for (std::uint64_t i = 0; i < nodes; i++) {
      const NodeId node = node_of(ProcessId(process), i);
      identity.stores[node] = std::string(15, 's') + static_cast<char>(node.value() % 251);
    }
    return identity;
  }

  [[nodiscard]] std::uint16_t port() const { return links->endpoint().port(); }
  // From now on it finds the other one there.
  void knows(std::uint64_t process, std::uint16_t at) {
    links->set_endpoint(ProcessId(process), {"127.0.0.1", std::to_string(at)});
  }
  void say(std::uint64_t to, std::string frame, std::uint64_t from) {
    links->send({NodeId(from), NodeId(to), std::move(frame)});
    links->flush();
  }
  [[nodiscard]] bool has_event(const std::string& part) const { return events_with(part) != 0; }
  [[nodiscard]] std::size_t events_with(const std::string& part) const {
    std::size_t count = 0;
    for (const std::string& event : events) {
      count += static_cast<std::size_t>(event.find(part) != std::string::npos);
    }
    return count;
  }

  void on_peer_frame(NodeId from, NodeId to, std::string frame) override {
    heard.push_back(absl::StrCat(from.value(), ">", to.value(), " ", frame.substr(0, 40)));
    bytes += frame.size();
  }
  void on_peer_reachable(ProcessId process) override { told.push_back(absl::StrCat("+", process.value())); }
  void on_peer_unreachable(ProcessId process, bool is_dead) override {
    told.push_back(absl::StrCat(is_dead ? "x" : "-", process.value()));
  }
  absl::Status check_stores(const PeerIdentity& peer) override {
    const auto known = stores.find(peer.process);
    return known == stores.end() || known->second == peer.stores
               ? absl::OkStatus()
               : absl::FailedPreconditionError("it came back with another store");
  }
  absl::Status remember_stores(const PeerIdentity& peer) override {
    stores[peer.process] = peer.stores;
    return absl::OkStatus();
  }
  void on_peer_event(bool is_warning, std::string sentence, const std::string& address) override {
    events.push_back(absl::StrCat(is_warning ? "WARN " : "", sentence, address.empty() ? "" : " from ", address));
  }

  std::vector<std::string> heard;   // "FROM>TO BYTES"
  std::vector<std::string> told;    // "+2", "-2", "x2": known to be gone
  std::vector<std::string> events;  // log lines
  std::uint64_t bytes = 0;
  std::map<ProcessId, std::map<NodeId, std::string>> stores;
  std::unique_ptr<PeerLinks> links;
};

// Runs the loop until `condition` or the time is over; what the condition says then.
inline bool run_until(boost::asio::io_context& io, const std::function<bool()>& condition, int ms = 5'000) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (!condition() && std::chrono::steady_clock::now() < until) {
    io.restart();
    io.run_for(std::chrono::milliseconds(1));
  }
  return condition();
}
inline void run_for(boost::asio::io_context& io, int ms) {
  (void)run_until(io, [] { return false; }, ms);
}

}  // namespace chasqui::testing
