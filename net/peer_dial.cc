#include "net/peer_dial.h"

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

}  // namespace chasqui
