#include "net/server.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "net/clock.h"
#include "net/http.h"
#include "net/websocket.h"

namespace chasqui {

namespace asio = boost::asio;

Server::Server(asio::io_context& io, ServerConfig config, ServerOwner& owner)
    : io_(io),
      config_(std::move(config)),
      owner_(owner),
      acceptor_(io.get_executor()),
      accept_timer_(io.get_executor()),
      timer_(io.get_executor()),
      handshakes_(config_.limits.tls_handshakes_per_s, config_.limits.tls_handshakes_per_s) {}

Server::~Server() = default;

namespace {

absl::Status cannot_listen(const Endpoint& endpoint, const ErrorCode& error) {
  return absl::UnavailableError(absl::StrCat("cannot listen on ", endpoint_text(endpoint), ": ", error.message(),
                                             ": choose another address with --listen, or stop what has it"));
}

}  // namespace

absl::Status check_free(asio::io_context& io, const Endpoint& endpoint) {
  ErrorCode error;
  asio::ip::tcp::acceptor probe(io);
  probe.open(endpoint.protocol(), error);
  if (!error) {
    probe.set_option(asio::socket_base::reuse_address(true), error);
  }
  if (!error) {
    probe.bind(endpoint, error);
  }
  return error ? cannot_listen(endpoint, error) : absl::OkStatus();
}

absl::Status Server::listen(const Endpoint& endpoint, bool is_shared) {
  ErrorCode error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) {
    acceptor_.set_option(asio::socket_base::reuse_address(true),
                         error);  // else a restart waits a minute for old sockets
  }
  if (!error && is_shared) {
    const int on = 1;
    if (setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
      error = ErrorCode(errno, asio::error::get_system_category());
    }
  }
  if (!error) {
    acceptor_.bind(endpoint, error);
  }
  if (!error) {
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) {
    return cannot_listen(endpoint, error);
  }
  accept();
  return absl::OkStatus();
}

Endpoint Server::endpoint() const {
  ErrorCode ignored;
  return acceptor_.local_endpoint(ignored);
}

void Server::accept() {
  acceptor_.async_accept(io_.get_executor(), [this](ErrorCode error, Socket socket) {
    if (error == asio::error::operation_aborted || is_stopping_) {
      return;
    }
    if (!error) {
      on_accepted(std::move(socket));
      return accept();
    }
    // Out of descriptors, most likely: the sockets that wait are not lost, but trying at once would burn the CPU.
    owner_.on_net_event(absl::StrCat("cannot accept a socket: ", error.message()));
    accept_timer_.expires_after(std::chrono::milliseconds(100));
    accept_timer_.async_wait([this](ErrorCode cancelled) {
      if (!cancelled) {
        accept();
      }
    });
  });
}

void Server::on_accepted(Socket socket) {
  ErrorCode error;
  const Endpoint peer = socket.remote_endpoint(error);
  const Address address = error ? Address{} : to_address(peer.address());
  if (error || !admits(address)) {
    return;  // the socket closes here
  }
  make_room();
  const std::uint64_t number = ++next_connection_;
  SslPointer ssl = config_.tls ? config_.tls->accepting(socket.native_handle()) : nullptr;
  const MonoTime now = mono_now();
  Duration wait{};
  if (ssl) {
    handshakes_.take(1, now);
    wait = handshakes_.wait(now);
  }
  auto connection = std::make_shared<HttpConnection>(*this, number, address,
                                                     Stream(std::move(socket), std::move(ssl), config_.limits));
  https_.emplace(number, connection);
  connection->start(wait);
}

bool Server::admits(const Address& address) {
  if (is_loopback(address)) {
    return true;  // a proxy on this machine speaks for many
  }
  const std::uint64_t per_second =
      std::max<std::uint64_t>(1'000 / std::max<std::uint64_t>(config_.limits.connection_address_refill_ms, 1), 1);
  if (address_rates_.size() >= config_.limits.rate_entries_max && !address_rates_.contains(address)) {
    address_rates_.clear();  // everybody gets a new burst: rare, bounded, and cheaper than to order them
  }
  auto [entry, is_new] = address_rates_.try_emplace(address, config_.limits.connection_address_burst, per_second);
  return entry->second.try_take(1, mono_now());
}

void Server::make_room() {
  if (https_.size() < config_.limits.sockets_before_hello_max) {
    return;
  }
  auto oldest = std::find_if(https_.begin(), https_.end(), [](const auto& c) { return !c.second->is_answering(); });
  if (oldest == https_.end()) {
    oldest = https_.begin();
  }
  const auto connection = oldest->second;
  connection->abort();
}

void Server::replace(HttpConnection& connection, std::shared_ptr<WebSocketSession> by) {
  forget(connection);
  sessions_.emplace(by->number(), std::move(by));
}

void Server::forget(HttpConnection& connection) {
  cancel_wake(connection);
  https_.erase(connection.number());
}

void Server::forget(WebSocketSession& session) {
  cancel_wake(session);
  sessions_.erase(session.number());
}

void Server::abandon(CallId call) {
  if (calls_.erase(call.value()) != 0) {
    owner_.on_call_abandoned(call);
  }
}

void Server::stop_accepting() {
  is_stopping_ = true;
  ErrorCode ignored;
  acceptor_.close(ignored);
  accept_timer_.cancel();
  const auto open = https_;  // a copy: they leave the map as they end
  for (const auto& [number, connection] : open) {
    connection->finish();
  }
}

void Server::abort_all() {
  const auto https = https_;
  for (const auto& [number, connection] : https) {
    connection->abort();
  }
  const auto sessions = sessions_;
  for (const auto& [number, session] : sessions) {
    session->abort();
  }
}

void Server::send(SessionId session, std::string bytes) {
  if (const auto found = sessions_.find(session.value()); found != sessions_.end()) {
    found->second->send(std::move(bytes));
  }
}

void Server::close(SessionId session, std::uint16_t code, std::string reason) {
  if (const auto found = sessions_.find(session.value()); found != sessions_.end()) {
    found->second->close(code, std::move(reason));
  }
}

void Server::set_reading(SessionId session, bool on) {
  if (const auto found = sessions_.find(session.value()); found != sessions_.end()) {
    found->second->set_reading(on);
  }
}

void Server::answer(CallId call, AccountAnswer answer) {
  const auto found = calls_.find(call.value());
  if (found == calls_.end()) {
    return;
  }
  const auto connection = https_.find(found->second);
  calls_.erase(found);
  if (connection != https_.end()) {
    const auto kept = connection->second;
    kept->answer(call, std::move(answer));
  }
}

void Server::flush(bool held) {
  // By index: a flush may end a session, which may ask for more.
  for (std::size_t i = 0; i < to_flush_.size(); i++) {
    if (const auto found = sessions_.find(to_flush_[i].value()); found != sessions_.end()) {
      const auto kept = found->second;
      kept->flush();
    }
  }
  to_flush_.clear();
  if (held) {
    return;
  }
  for (std::size_t i = 0; i < to_read_.size(); i++) {
    if (const auto found = sessions_.find(to_read_[i].value()); found != sessions_.end()) {
      const auto kept = found->second;
      kept->read();
    }
  }
  to_read_.clear();
}

void Server::wake_at(Connection& connection, MonoTime time) {
  if (time >= connection.wake_) {
    return;
  }
  cancel_wake(connection);
  connection.wake_ = time;
  wakes_.emplace(time, connection.number());
  arm_timer();
}

void Server::cancel_wake(Connection& connection) {
  if (connection.wake_ != MonoTime::never()) {
    wakes_.erase({connection.wake_, connection.number()});
    connection.wake_ = MonoTime::never();
  }
}

void Server::arm_timer() {
  const MonoTime first = wakes_.empty() ? MonoTime::never() : wakes_.begin()->first;
  if (first >= timer_armed_) {
    return;  // it rings early enough, and looks again then
  }
  timer_armed_ = first;
  timer_.expires_after(std::chrono::nanoseconds(std::max<std::int64_t>((first - mono_now()).ns, 0)));
  timer_.async_wait([this](ErrorCode cancelled) {
    if (!cancelled) {
      on_timer();
    }
  });
}

void Server::on_timer() {
  timer_armed_ = MonoTime::never();
  const MonoTime now = mono_now();
  while (!wakes_.empty() && wakes_.begin()->first <= now) {
    const std::uint64_t number = wakes_.begin()->second;
    std::shared_ptr<Connection> connection;
    if (const auto http = https_.find(number); http != https_.end()) {
      connection = http->second;
    } else if (const auto session = sessions_.find(number); session != sessions_.end()) {
      connection = session->second;
    } else {
      wakes_.erase(wakes_.begin());
      continue;
    }
    cancel_wake(*connection);
    // Never the same instant again: a check that moves nothing must not keep us here.
    wake_at(*connection, std::max(connection->check(now), now + milliseconds(1)));
  }
  arm_timer();
}

}  // namespace chasqui
