#include "net/client/connect.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "net/tls.h"

namespace chasqui::net {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Resolver = asio::ip::basic_resolver<Tcp, asio::io_context::executor_type>;

// A client trusts its server not to flood it: the rate that guards a server would only slow a long history.
Limits client_limits() {
  return Limits::bench();
}

class OpeningImpl final : public Opening, public std::enable_shared_from_this<OpeningImpl> {
 public:
  OpeningImpl(asio::io_context& io, Endpoint endpoint, Done done)
      : endpoint_(std::move(endpoint)),
        done_(std::move(done)),
        resolver_(io.get_executor()),
        socket_(io.get_executor()),
        timer_(io.get_executor()) {}

  void start(Duration timeout) {
    timer_.expires_after(std::chrono::nanoseconds(timeout.ns));
    timer_.async_wait([self = shared_from_this()](ErrorCode error) {
      if (!error) self->fail("connect", asio::error::timed_out);
    });
    ErrorCode error;
    const auto address = asio::ip::make_address(endpoint_.host, error);
    if (!error) return connect({Tcp::endpoint(address, static_cast<std::uint16_t>(std::stoul(endpoint_.port)))});
    resolver_.async_resolve(endpoint_.host, endpoint_.port,
                            [self = shared_from_this()](ErrorCode resolved, const Resolver::results_type& results) {
                              if (resolved) return self->fail("look up the host", resolved);
                              std::vector<Tcp::endpoint> endpoints;
                              for (const auto& result : results) endpoints.push_back(result.endpoint());
                              self->connect(std::move(endpoints));
                            });
  }

  void cancel() override {
    done_ = nullptr;
    close();
  }

 private:
  void connect(std::vector<Tcp::endpoint> endpoints) {
    endpoints_ = std::move(endpoints);
    asio::async_connect(socket_, endpoints_, [self = shared_from_this()](ErrorCode error, const Tcp::endpoint&) {
      if (error) return self->fail("connect", error);
      self->shake_hands();
    });
  }

  void shake_hands() {
    if (!done_) return;
    SslPointer ssl;
    if (endpoint_.secure) {
      auto tls = TlsContext::client(endpoint_.ca_file);
      if (!tls.ok()) return finish(tls.status());
      tls_ = *std::move(tls);
      ErrorCode ignored;
      socket_.non_blocking(true, ignored);
      ssl = tls_->connecting(socket_.native_handle(), endpoint_.host);
    }
    stream_ = std::make_unique<Stream>(std::move(socket_), std::move(ssl), client_limits());
    stream_->async_handshake([self = shared_from_this()](ErrorCode error) {
      if (error) return self->fail("TLS handshake", error);
      self->finish(std::move(self->stream_));
    });
  }

  void fail(const char* step, ErrorCode error) { finish(unreachable(endpoint_, step, error)); }

  void finish(absl::StatusOr<std::unique_ptr<Stream>> result) {
    if (const Done done = std::exchange(done_, nullptr)) done(std::move(result));
    close();
  }

  void close() {
    timer_.cancel();
    resolver_.cancel();
    ErrorCode ignored;
    socket_.close(ignored);
    if (stream_) stream_->close();
  }

  Endpoint endpoint_;
  Done done_;
  Resolver resolver_;
  Socket socket_;
  Timer timer_;
  std::vector<Tcp::endpoint> endpoints_;
  std::shared_ptr<TlsContext> tls_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace

std::shared_ptr<Opening> open_stream(asio::io_context& io, const Endpoint& endpoint, Duration timeout,
                                     Opening::Done done) {
  auto opening = std::make_shared<OpeningImpl>(io, endpoint, std::move(done));
  opening->start(timeout);
  return opening;
}

absl::Status unreachable(const Endpoint& endpoint, const char* step, const ErrorCode& error) {
  return absl::UnavailableError(absl::StrCat("cannot reach ", endpoint.url(), ": ", step, ": ", error.message()));
}

}  // namespace chasqui::net
