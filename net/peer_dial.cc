#include "net/peer_dial.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "net/address.h"

namespace chasqui {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

namespace {

class Dial final : public PeerDial, public std::enable_shared_from_this<Dial> {
 public:
  Dial(asio::io_context& io, std::function<void(absl::StatusOr<Socket>)> done)
      : resolver_(io.get_executor()), socket_(io.get_executor()), timer_(io.get_executor()), done_(std::move(done)) {}

  void start(const std::string& host, const std::string& port, Duration timeout) {
    timer_.expires_after(std::chrono::nanoseconds(timeout.ns));
    timer_.async_wait([self = shared_from_this()](ErrorCode cancelled) {
      if (!cancelled) {
        self->finish(absl::UnavailableError("no answer in time"));
      }
    });
    ErrorCode error;
    const asio::ip::address address = asio::ip::make_address(host, error);
    std::uint32_t number = 0;
    if (!error && absl::SimpleAtoi(port, &number)) {
      return connect({Endpoint(address, static_cast<std::uint16_t>(number))});
    }
    resolver_.async_resolve(host, port, [self = shared_from_this()](ErrorCode failed, const auto& found) {
      if (failed) {
        return self->finish(absl::UnavailableError(absl::StrCat("its name is not known: ", failed.message())));
      }
      self->connect(std::vector<Endpoint>(found.begin(), found.end()));
    });
  }

  void cancel() override {
    done_ = nullptr;
    close();
  }

 private:
  void connect(std::vector<Endpoint> endpoints) {
    if (!done_) {
      return;
    }
    endpoints_ = std::move(endpoints);
    asio::async_connect(socket_, endpoints_, [self = shared_from_this()](ErrorCode error, const Endpoint&) {
      if (!error) {
        return self->finish(std::move(self->socket_));
      }
      self->finish(error == asio::error::connection_refused ? absl::NotFoundError("nobody listens there")
                                                            : absl::UnavailableError(error.message()));
    });
  }

  void finish(absl::StatusOr<Socket> result) {
    const auto done = std::exchange(done_, nullptr);
    close();
    if (done) {
      done(std::move(result));
    }
  }

  void close() {
    ErrorCode ignored;
    timer_.cancel();
    resolver_.cancel();
    socket_.close(ignored);
  }

  asio::ip::basic_resolver<Tcp, asio::io_context::executor_type> resolver_;
  Socket socket_;
  Timer timer_;
  std::vector<Endpoint> endpoints_;
  std::function<void(absl::StatusOr<Socket>)> done_;
};

}  // namespace

std::shared_ptr<PeerDial> dial_peer(asio::io_context& io, const std::string& host, const std::string& port,
                                    Duration timeout, std::function<void(absl::StatusOr<Socket>)> done) {
  auto dial = std::make_shared<Dial>(io, std::move(done));
  dial->start(host, port, timeout);
  return dial;
}

bool PeerEndpoint::is_on_loopback() const {
  ErrorCode error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  return host == "localhost" || (!error && is_loopback(to_address(address)));
}

absl::StatusOr<PeerEndpoint> parse_peer_endpoint(const std::string& address) {
  const auto wrong = [&](const char* why) {
    return absl::InvalidArgumentError(absl::StrCat("\"", address, "\" is no address of a peer (", why,
                                                   "): write HOST:PORT, e.g. 10.0.0.2:7400 or [fd00::2]:7400"));
  };
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return wrong("it has no port");
  }
  PeerEndpoint endpoint{address.substr(0, colon), address.substr(colon + 1)};
  std::uint32_t port = 0;
  if (!absl::SimpleAtoi(endpoint.port, &port) || port == 0 || port > 65535) {
    return wrong("its port is not a number from 1 to 65535");
  }
  std::string& host = endpoint.host;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return wrong("an IPv6 address stands in brackets");
  }
  const bool is_plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == ':';
  });
  if (host.empty() || host.size() > 253 || !is_plain) {
    return wrong("its host is neither an address nor a name");
  }
  return endpoint;
}

}  // namespace chasqui
