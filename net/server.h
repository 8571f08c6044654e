// The client port: accepts sockets, speaks TLS, HTTP and WebSocket on them, and tells its owner what came.
//
// Everything runs on the one thread of the io_context; the owner's functions are called from its handlers and only
// take notes. What the owner says to sessions is gathered and leaves at flush(), one WebSocket message each; a session
// gives one message at a time and is read again at flush(), so that whoever must slow down can say so in between.
// Bounded: sockets before Hello, sockets per address, header, body, message, and time for each (bounds.h).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "core/base/bounds.h"
#include "core/base/ids.h"
#include "net/account_api.h"
#include "net/address.h"
#include "net/stream.h"
#include "net/tls.h"
#include "net/token_bucket.h"

namespace chasqui {

class ServerOwner {
 public:
  virtual void on_session_opened(SessionId session, const Address& address) = 0;
  virtual void on_session_frame(SessionId session, std::string bytes) = 0;
  virtual void on_session_writable(SessionId session, std::uint64_t bytes) = 0;
  virtual void on_session_closed(SessionId session) = 0;
  // Answered by Server::answer(), unless abandoned before.
  virtual void on_account_call(CallId call, const Address& address, AccountRequest request) = 0;
  virtual void on_call_abandoned(CallId call) = 0;
  // Why this server does not serve; empty: it does.
  [[nodiscard]] virtual std::vector<std::string> why_not_ready() = 0;
  // Whoever connects should try another server, for the reason given; empty: this one serves, or is about to.
  [[nodiscard]] virtual std::string why_elsewhere() { return {}; }
  // For the log. `what` holds no content and no address in full.
  virtual void on_net_event(std::string what) = 0;

 protected:
  ~ServerOwner() = default;
};

struct ServerConfig {
  Limits limits;
  std::vector<std::string> origins;  // that a browser's page may come from
  std::string version = "chasqui";   // the Server field of an upgrade
  std::shared_ptr<TlsContext> tls;   // none: plain text
};

class Connection;
class HttpConnection;
class WebSocketSession;

// Unavailable: somebody listens there. For servers that share a port: the system would deal sockets out to strangers
// too.
[[nodiscard]] absl::Status check_free(boost::asio::io_context& io, const Endpoint& endpoint);

class Server {
 public:
  Server(boost::asio::io_context& io, ServerConfig config, ServerOwner& owner);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds and begins to accept. `is_shared`: other servers of this process have the same port, and the system deals the
  // sockets out. Unavailable: the address is taken or not this machine's.
  [[nodiscard]] absl::Status listen(const Endpoint& endpoint, bool is_shared = false);
  [[nodiscard]] Endpoint endpoint() const;  // with the real port
  // No new sockets, and those that have no session go once their answer is given.
  void stop_accepting();
  // Cuts every socket.
  void abort_all();
  void set_tls(std::shared_ptr<TlsContext> tls) { config_.tls = std::move(tls); }  // of sockets from now on

  // From the owner; a session or call that is gone is ignored.
  void send(SessionId session, std::string bytes);
  void close(SessionId session, std::uint16_t code, std::string reason);
  void set_reading(SessionId session, bool on);
  void answer(CallId call, AccountAnswer answer);
  [[nodiscard]] CallId new_call() { return next_call_ = next_call_.next(); }  // also for the owner's own calls
  // Writes what waits, and reads on where one may. While `held`, nothing is read.
  void flush(bool held);

  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
  [[nodiscard]] std::size_t sockets_without_session() const { return https_.size(); }

 private:
  friend class HttpConnection;
  friend class WebSocketSession;

  void accept();
  void on_accepted(Socket socket);
  void make_room();  // closes the oldest socket without a session, if there are too many
  [[nodiscard]] bool admits(const Address& address);

  // For connections.
  void replace(HttpConnection& connection, std::shared_ptr<WebSocketSession> by);
  void abandon(CallId call);
  void forget(HttpConnection& connection);
  void forget(WebSocketSession& session);
  void wants_flush(SessionId session) { to_flush_.push_back(session); }
  void wants_read(SessionId session) { to_read_.push_back(session); }
  // Has the connection checked at that time, or before.
  void wake_at(Connection& connection, MonoTime time);
  void cancel_wake(Connection& connection);
  void arm_timer();
  void on_timer();

  boost::asio::io_context& io_;
  ServerConfig config_;
  ServerOwner& owner_;
  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type> acceptor_;
  Timer accept_timer_;  // after a failed accept
  Timer timer_;         // for the earliest of wakes_; not armed if there is none
  MonoTime timer_armed_ = MonoTime::never();
  std::set<std::pair<MonoTime, std::uint64_t>> wakes_;  // by connection number

  std::uint64_t next_connection_ = 0;
  CallId next_call_;
  std::map<std::uint64_t, std::shared_ptr<HttpConnection>> https_;                 // by number: oldest first
  std::unordered_map<std::uint64_t, std::shared_ptr<WebSocketSession>> sessions_;  // number == SessionId
  std::unordered_map<std::uint64_t, std::uint64_t> calls_;                         // call -> connection
  std::vector<SessionId> to_flush_;
  std::vector<SessionId> to_read_;
  absl::flat_hash_map<Address, TokenBucket> address_rates_;
  TokenBucket handshakes_;
  bool is_stopping_ = false;
};

// What both kinds of connection have: a number, a peer, and a time at which to look after it.
class Connection {
 public:
  Connection(Server& server, std::uint64_t number, const Address& address)
      : server_(server), number_(number), address_(address) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] const Address& address() const { return address_; }
  // Does what is due; returns when to look again.
  virtual MonoTime check(MonoTime now) = 0;

 protected:
  Server& server_;

 private:
  friend class Server;
  std::uint64_t number_;
  Address address_;
  MonoTime wake_ = MonoTime::never();
};

}  // namespace chasqui
