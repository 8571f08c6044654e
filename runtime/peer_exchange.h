// Carries frames between the nodes of a process, and between them and the links to other processes (net/peer_links.h).
//
// A node's reactor hands over all that one turn of its loop said, and takes what has come for it at the beginning of
// its next turn. Each inbox is bounded like a link's queue. The links live on the first reactor's thread, where nothing
// is handed from thread to thread if the process has one node.
//
//   reactor i --send()--> inbox j (another node of this process) --take()--> reactor j
//                   \--> outbox --> links --> other processes --> links --> inbox j
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/io.h"
#include "net/peer_links.h"
#include "runtime/cluster_plan.h"
#include "runtime/peer_memory.h"

namespace chasqui {

class PeerExchange final : private PeerLinksOwner {
 public:
  // `wake(i)`: has reactor i take a turn; from any thread. `memory` outlives it. `io`: of the first reactor.
  PeerExchange(const ClusterPlan& plan, PeerIdentity self, std::shared_ptr<PeerTls> tls, PeerMemory& memory,
               boost::asio::io_context& io, std::function<void(std::size_t)> wake, const PeerTimes& times = {});
  ~PeerExchange();

  // First reactor's thread.
  [[nodiscard]] absl::Status listen();
  [[nodiscard]] Endpoint endpoint() const { return links_.endpoint(); }
  [[nodiscard]] PeerLinks& links() { return links_; }
  void stop();

  // Thread of reactor `from`.
  void send(std::size_t from, std::vector<PeerSend> sends);
  void take(std::size_t node, std::vector<Input>& inputs);

  [[nodiscard]] std::uint64_t dropped_frames() const { return dropped_; }  // by inboxes and the outbox

 private:
  struct Box {
    std::mutex mutex;
    PeerQueue queue;
  };

  // True: it was empty, so that somebody must be woken.
  bool put(Box& box, PeerMail mail);
  void drain_outbox();
  void tell(ProcessId process, PeerMail::Word word);

  void on_peer_frame(NodeId from, NodeId to, std::string frame) override;
  void on_peer_reachable(ProcessId process) override { tell(process, PeerMail::Word::Reachable); }
  void on_peer_unreachable(ProcessId process, bool is_dead) override {
    tell(process, is_dead ? PeerMail::Word::Dead : PeerMail::Word::Unreachable);
  }
  [[nodiscard]] absl::Status check_stores(const PeerIdentity& peer) override { return memory_.check(peer); }
  [[nodiscard]] absl::Status remember_stores(const PeerIdentity& peer) override { return memory_.remember(peer); }
  void on_peer_event(bool is_warning, std::string sentence, const std::string& address) override;

  const ClusterPlan plan_;
  PeerMemory& memory_;
  boost::asio::io_context& io_;
  std::function<void(std::size_t)> wake_;
  std::vector<std::unique_ptr<Box>> inboxes_;  // by the node's place in the process
  Box outbox_;                                 // of reactors that are not the first
  std::atomic<std::uint64_t> dropped_{0};
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // what is posted holds it weakly
  PeerLinks links_;
};

}  // namespace chasqui
