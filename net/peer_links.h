// All links of a process to the other processes of its cluster: one for each pair, opened by whoever first has
// something to say, shared by the nodes of both.
//
// Invariants: (1) frames to a process leave in the order in which they were given, and of an old link nothing arrives
// after the first frame of the new one (RAFT.md rule 22). (2) When a link ends, what waited for it is dropped, and the
// owner is told; so it is, once, when it cannot be reached, and when it is known to be gone. (3) Bounded: 64 MiB wait
// for each process (peer_queue.h), strangers_max sockets have not yet said who they are. (4) Whoever is refused leaves
// one line in the log a minute.
//
// A link that ends unasked is dialled again at once, whether there is something to say or not: whoever is refused then
// knows that the process is gone, and need not wait for a timeout.
//
// If both dial at once, the link that the process with the lower number dialled stays. A new one from a process that
// has a link takes its place once it is confirmed: only who has lost the old one dials.
//
// One thread, that of the io_context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "net/address.h"
#include "net/peer_dial.h"
#include "net/peer_hello.h"
#include "net/peer_link.h"
#include "net/peer_queue.h"
#include "net/peer_tls.h"

namespace chasqui {

struct PeerProcess {
  ProcessId process;
  PeerEndpoint endpoint;
  std::vector<NodeId> nodes;
};

struct PeerLinksConfig {
  PeerIdentity self;
  std::vector<PeerProcess> others;
  std::shared_ptr<PeerTls> tls;  // none: plain, for loopback
  PeerTimes times;
  PeerQueue::Bounds queue;
};

// Called from handlers: takes notes.
class PeerLinksOwner {
 public:
  virtual void on_peer_frame(NodeId from, NodeId to, std::string frame) = 0;
  virtual void on_peer_reachable(ProcessId process) = 0;
  // `is_dead`: its machine says that nobody listens at its address any more. May follow one that was not known to be.
  virtual void on_peer_unreachable(ProcessId process, bool is_dead) = 0;
  // Is this the disk that the process had before (R3 e)? Then remember it, durably.
  [[nodiscard]] virtual absl::Status check_stores(const PeerIdentity& peer) = 0;
  [[nodiscard]] virtual absl::Status remember_stores(const PeerIdentity& peer) = 0;
  // For the log. `address`: of the other side, empty if it is the configured one.
  virtual void on_peer_event(bool is_warning, std::string sentence, const std::string& address) = 0;

 protected:
  ~PeerLinksOwner() = default;
};

class PeerLinks final : private PeerLinkOwner {
 public:
  PeerLinks(boost::asio::io_context& io, PeerLinksConfig config, PeerLinksOwner& owner);
  ~PeerLinks();
  PeerLinks(const PeerLinks&) = delete;
  PeerLinks& operator=(const PeerLinks&) = delete;

  // Unavailable: the address is taken or not this machine's.
  [[nodiscard]] absl::Status listen(const Endpoint& endpoint);
  [[nodiscard]] Endpoint endpoint() const;  // with the real port
  void set_endpoint(ProcessId process, PeerEndpoint endpoint);
  void set_tls(std::shared_ptr<PeerTls> tls) { config_.tls = std::move(tls); }  // of links from now on

  // Takes a frame for a node of another process; it leaves at flush(), or later. To a process that is none: dropped.
  void send(PeerMail mail);
  void flush();
  // Cuts every link and takes no new one.
  void stop();

  struct Stats {
    std::size_t links = 0;
    std::uint64_t queued_bytes = 0;
    std::uint64_t dropped_frames = 0;
    std::uint64_t refused = 0;
    std::uint64_t dials = 0;
  };
  [[nodiscard]] Stats stats() const;

  static constexpr std::size_t strangers_max = 64;

 private:
  struct Peer {
    explicit Peer(PeerQueue::Bounds bounds) : queue(bounds) {}
    PeerProcess process;
    PeerQueue queue;
    std::shared_ptr<PeerLink> link;       // that stands
    std::shared_ptr<PeerDial> dial;       // until it is connected
    std::shared_ptr<PeerLink> outgoing;   // connected, and not yet greeted
    std::shared_ptr<PeerLink> candidate;  // accepted and greeted, and not yet confirmed
    std::unique_ptr<Timer> timer;         // until the next try
    bool waits = false;                   // for the timer
    bool is_to_flush = false;
    unsigned failures = 0;  // in a row
    MonoTime stood_since;
    bool probes = false;  // dials though there is nothing to say: is it gone, or was it the line?
    enum class Told : std::uint8_t { Nothing, Reachable, Unreachable, Dead } told = Told::Nothing;
  };

  void accept();
  void on_accepted(Socket socket);
  void dial(Peer& peer);
  void on_dialled(Peer& peer, absl::StatusOr<Socket> socket);
  [[nodiscard]] std::shared_ptr<PeerLink> make_link(Socket socket, bool dialled);
  void stand(Peer& peer, std::shared_ptr<PeerLink> link);
  void failed(Peer& peer, const absl::Status& why);
  [[nodiscard]] static bool is_free(const Peer& peer) {
    return !peer.link && !peer.dial && !peer.outgoing && !peer.candidate && !peer.waits;
  }
  void stop_dialling(Peer& peer);
  void tell(Peer& peer, Peer::Told what);
  void write(Peer& peer);
  void close_idle();
  [[nodiscard]] PeerRefusal check_certificate(PeerLink& link, ProcessId process) const;

  // PeerLinkOwner
  void on_link_open(PeerLink& link) override;
  void on_link_hello(PeerLink& link, const peer::PeerHello& hello) override;
  void on_link_confirmed(PeerLink& link) override;
  void on_link_frame(PeerLink& link, const wire::PeerAddress& address, std::string frame) override;
  void on_link_writable(PeerLink& link) override;
  void on_link_end(PeerLink& link, const absl::Status& why, const peer::PeerClosing& closing) override;

  void on_hello_refused(PeerLink& link, const PeerRefusal& refusal);
  // One line a minute for each cause and address.
  void log_refusal(std::string_view cause, const std::string& address, std::string sentence);
  [[nodiscard]] std::string address_of(const PeerLink& link) const;
  [[nodiscard]] Peer* find(ProcessId process);
  [[nodiscard]] Duration retry_delay(unsigned failures);
  // Removes it from those that have not said who they are. The link, or nothing if it is none of them.
  std::shared_ptr<PeerLink> take_stranger(PeerLink& link);

  boost::asio::io_context& io_;
  PeerLinksConfig config_;
  PeerLinksOwner& owner_;
  std::map<ProcessId, std::vector<NodeId>> others_;
  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type> acceptor_;
  Timer accept_timer_;
  Timer idle_timer_;
  std::map<ProcessId, std::unique_ptr<Peer>> peers_;
  std::vector<std::shared_ptr<PeerLink>> strangers_;  // accepted, oldest first
  std::vector<Peer*> to_flush_;
  std::map<std::pair<std::string, std::string>, MonoTime> refusals_told_;
  std::uint64_t refused_ = 0;
  std::uint64_t dials_ = 0;
  bool is_stopped_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // handlers that may be queued already hold it weakly
  std::mt19937_64 random_{std::random_device{}()};         // for jitter alone
};

}  // namespace chasqui
