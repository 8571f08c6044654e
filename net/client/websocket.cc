#include "net/client/websocket.h"

#include <boost/asio/post.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <chrono>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bounds.h"
#include "net/client/frame_count.h"
#include "net/client/stream.h"

namespace chasqui::net {
namespace {

namespace websocket = beast::websocket;
constexpr auto open_timeout = std::chrono::seconds(10);
constexpr auto idle_timeout = std::chrono::seconds(90);  // above the server's ping interval: it pings, we answer
constexpr std::size_t answer_bytes_max = 1024 * 1024;
// Joined messages stay well below the server's limits of bytes and frames.
constexpr std::size_t joined_bytes_max = 128 * 1024;
constexpr std::uint64_t joined_frames_max = 512;

template <class Stream>
class Connection final : public WebSocket, public std::enable_shared_from_this<Connection<Stream>> {
 public:
  template <class... Args>
  Connection(asio::io_context& io, Endpoint endpoint, WebSocketListener& listener,
             std::shared_ptr<asio::ssl::context> tls, Args&&... args)
      : endpoint_(std::move(endpoint)),
        listener_(&listener),
        tls_(std::move(tls)),
        resolver_(io),
        socket_(io, std::forward<Args>(args)...) {}

  void start() {
    beast::get_lowest_layer(socket_).expires_after(open_timeout);
    open_stream(socket_.next_layer(), resolver_, endpoint_, this->shared_from_this(),
                [this](const char* step, boost::system::error_code error) {
                  if (error) return fail(step, error);
                  shake_hands();
                });
  }

  void send(std::string bytes) override {
    waiting_.push_back(std::move(bytes));
    if (open_ && !writing_) write();
  }

  void close() override {
    listener_ = nullptr;
    closing_ = true;
    if (!open_) {
      beast::get_lowest_layer(socket_).cancel();
    } else if (!writing_) {
      say_goodbye();
    }
  }

 private:
  void shake_hands() {
    beast::get_lowest_layer(socket_).expires_never();  // from here on the WebSocket has its own
    socket_.set_option(websocket::stream_base::timeout{open_timeout, idle_timeout, false});
    socket_.set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
      request.set(beast::http::field::sec_websocket_protocol, "chasqui.v1");
      request.set(beast::http::field::user_agent, "chasqui");
    }));
    socket_.read_message_max(answer_bytes_max);
    socket_.auto_fragment(false);
    socket_.binary(true);
    socket_.async_handshake(
        upgrade_answer_, endpoint_.host_header(), "/v1/connect",
        [self = this->shared_from_this()](boost::system::error_code error) { self->on_handshake(error); });
  }

  void on_handshake(boost::system::error_code error) {
    if (error == websocket::error::upgrade_declined) {
      return end(absl::UnavailableError(absl::StrCat("cannot reach ", endpoint_.url(), ": it answered HTTP ",
                                                     upgrade_answer_.result_int(), " to /v1/connect")));
    }
    if (error) return fail("WebSocket handshake", error);
    if (closing_) return say_goodbye();
    open_ = true;
    read();
    if (listener_ != nullptr) listener_->opened();
    if (!waiting_.empty() && !writing_) write();
  }

  void read() {
    socket_.async_read(buffer_, [self = this->shared_from_this()](boost::system::error_code error, std::size_t) {
      if (error) return self->on_read_error(error);
      if (self->listener_ != nullptr) {
        const auto bytes = self->buffer_.cdata();
        self->listener_->message({static_cast<const char*>(bytes.data()), bytes.size()});
      }
      self->buffer_.clear();
      self->read();
    });
  }

  void on_read_error(boost::system::error_code error) {
    open_ = false;
    if (error != websocket::error::closed) return fail("connection", error);
    const auto& reason = socket_.reason();
    end(absl::UnavailableError(absl::StrCat(endpoint_.url(),
                                            " closed the connection: ", static_cast<unsigned>(reason.code), " ",
                                            absl::string_view(reason.reason.data(), reason.reason.size()))));
  }

  void write() {
    writing_ = true;
    leaving_.clear();
    std::uint64_t frames = 0;
    while (!waiting_.empty()) {
      const std::string& next = waiting_.front();
      frames += count_frames(next);
      const bool fits = leaving_.size() + next.size() <= joined_bytes_max && frames <= joined_frames_max;
      if (!leaving_.empty() && !fits) break;
      if (leaving_.empty()) {
        leaving_ = std::move(waiting_.front());
      } else {
        leaving_ += next;
      }
      waiting_.pop_front();
    }
    socket_.async_write(asio::buffer(leaving_),
                        [self = this->shared_from_this()](boost::system::error_code error, std::size_t) {
                          self->writing_ = false;
                          if (error) return;  // the read hears of it, too
                          if (!self->waiting_.empty()) return self->write();
                          if (self->closing_) self->say_goodbye();
                        });
  }

  void say_goodbye() {
    if (std::exchange(said_goodbye_, true)) return;
    socket_.async_close(websocket::close_code::normal, [self = this->shared_from_this()](boost::system::error_code) {});
  }

  void fail(const char* step, boost::system::error_code error) { end(unreachable(endpoint_, step, error)); }

  void end(const absl::Status& why) {
    open_ = false;
    if (WebSocketListener* listener = std::exchange(listener_, nullptr)) listener->closed(why);
  }

  Endpoint endpoint_;
  WebSocketListener* listener_;  // nullptr: nobody listens any more
  std::shared_ptr<asio::ssl::context> tls_;
  Tcp::resolver resolver_;
  websocket::stream<Stream> socket_;
  websocket::response_type upgrade_answer_;
  beast::flat_buffer buffer_;
  std::deque<std::string> waiting_;
  std::string leaving_;  // the bytes of the write under way
  bool open_ = false;
  bool writing_ = false;
  bool closing_ = false;
  bool said_goodbye_ = false;
};

// Stands for a connection whose TLS could not even be set up.
class Stillborn final : public WebSocket, public std::enable_shared_from_this<Stillborn> {
 public:
  explicit Stillborn(WebSocketListener& listener) : listener_(&listener) {}
  void start(asio::io_context& io, const absl::Status& why) {
    asio::post(io, [self = shared_from_this(), why] {
      if (auto* listener = std::exchange(self->listener_, nullptr)) listener->closed(why);
    });
  }
  void send(std::string) override {}
  void close() override { listener_ = nullptr; }

 private:
  WebSocketListener* listener_;
};

}  // namespace

std::shared_ptr<WebSocket> open_websocket(asio::io_context& io, const Endpoint& endpoint, WebSocketListener& listener) {
  if (!endpoint.secure) {
    auto connection = std::make_shared<Connection<PlainStream>>(io, endpoint, listener, nullptr);
    connection->start();
    return connection;
  }
  boost::system::error_code error;
  auto tls = make_tls_context(endpoint, error);
  if (error) {
    auto stillborn = std::make_shared<Stillborn>(listener);
    stillborn->start(io, unreachable(endpoint, "read the certificate authorities", error));
    return stillborn;
  }
  auto connection = std::make_shared<Connection<TlsStream>>(io, endpoint, listener, tls, *tls);
  connection->start();
  return connection;
}

}  // namespace chasqui::net
