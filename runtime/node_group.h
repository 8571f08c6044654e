// The nodes of one process: each its own reactor, thread, store and log thread; together one client port, one port for
// peers, one admin socket, one life. Nothing else is shared between them.
//
//   NodeGroup group(config, tls, peer_tls, stop_the_process);
//   group.open() -> listen() -> run(), which returns when a signal has stopped all.
//
// The first node's reactor runs on the caller's thread: it hears signals, the admin socket and the peer links.
#pragma once

#include <atomic>
#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "runtime/cluster_plan.h"
#include "runtime/config.h"
#include "runtime/peer_exchange.h"
#include "runtime/peer_memory.h"
#include "runtime/reactor.h"
#include "storage/node_store.h"

namespace chasqui {

class NodeGroup final : private ReactorOwner {
 public:
  // `failed`: must end the process; from any thread.
  NodeGroup(const Config& config, std::shared_ptr<TlsContext> tls, std::shared_ptr<PeerTls> peer_tls,
            std::function<void(const absl::Status&)> failed);
  ~NodeGroup();
  NodeGroup(const NodeGroup&) = delete;
  NodeGroup& operator=(const NodeGroup&) = delete;

  // Opens the stores; the status is the process's exit code (storage/failure.h).
  [[nodiscard]] absl::Status open();
  [[nodiscard]] absl::Status listen();
  void run();
  // What may be skipped at the end: flushes and closes.
  void close();

 private:
  void on_node_ready(std::size_t place) override;
  [[nodiscard]] bool are_all_ready() const override { return ready_ == reactors_.size(); }
  void on_node_done(std::size_t place) override;
  [[nodiscard]] bool are_others_done() const override { return done_ + 1 >= reactors_.size(); }
  void on_signal_stop() override;
  void on_reload() override;
  void on_stats(std::function<void(std::string)> done) override;

  [[nodiscard]] absl::Status open_store(std::size_t place);
  void announce();
  void gather(std::shared_ptr<boost::json::object> total, std::size_t place, std::function<void(std::string)> done);

  const Config config_;
  std::shared_ptr<TlsContext> tls_;
  std::shared_ptr<PeerTls> peer_tls_;
  std::function<void(const absl::Status&)> failed_;
  ClusterPlan plan_;
  MonoTime started_;
  std::unique_ptr<PeerMemory> memory_;
  std::vector<std::unique_ptr<storage::NodeStore>> stores_;
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::unique_ptr<PeerExchange> exchange_;
  std::vector<std::thread> threads_;  // of all but the first
  std::atomic<std::size_t> ready_{0};
  std::atomic<std::size_t> done_{0};
};

// Adds one node's figures to those of the process: numbers are summed, but times and states, where the largest counts.
void add_stats(boost::json::object& total, const boost::json::object& node);

}  // namespace chasqui
