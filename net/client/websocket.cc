#include "net/client/websocket.h"

#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/client/connect.h"
#include "net/client/frame_count.h"

namespace chasqui::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
constexpr auto open_timeout = std::chrono::seconds(10);
constexpr auto idle_timeout = std::chrono::seconds(90);  // above the server's ping interval: it pings, we answer
constexpr std::size_t answer_bytes_max = 1024 * 1024;
// Joined messages stay well below the server's limits of bytes and frames.
constexpr std::size_t joined_bytes_max = 128 * 1024;
constexpr std::uint64_t joined_frames_max = 512;

class Connection final : public WebSocket, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Endpoint endpoint, WebSocketListener& listener) : endpoint_(std::move(endpoint)), listener_(&listener) {}

  void start(asio::io_context& io) {
    opening_ = open_stream(io, endpoint_, seconds(open_timeout.count()),
                           [self = shared_from_this()](absl::StatusOr<std::unique_ptr<Stream>> stream) {
                             if (!stream.ok()) return self->end(stream.status());
                             self->shake_hands(**stream);
                           });
  }

  void send(std::string bytes) override {
    waiting_.push_back(std::move(bytes));
    if (open_ && !writing_) write();
  }

  void close() override {
    listener_ = nullptr;
    closing_ = true;
    if (opening_) opening_->cancel();
    if (open_ && !writing_) say_goodbye();
  }

 private:
  void shake_hands(Stream& stream) {
    opening_.reset();
    socket_.emplace(std::move(stream));
    socket_->set_option(websocket::stream_base::timeout{open_timeout, idle_timeout, false});
    socket_->set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
      request.set(beast::http::field::sec_websocket_protocol, "chasqui.v1");
      request.set(beast::http::field::user_agent, "chasqui");
    }));
    socket_->read_message_max(answer_bytes_max);
    socket_->auto_fragment(false);
    socket_->binary(true);
    socket_->async_handshake(upgrade_answer_, endpoint_.host_header(), "/v1/connect",
                             [self = shared_from_this()](ErrorCode error) { self->on_handshake(error); });
  }

  void on_handshake(ErrorCode error) {
    if (error == websocket::error::upgrade_declined) {
      return end(absl::UnavailableError(absl::StrCat("cannot reach ", endpoint_.url(), ": it answered HTTP ",
                                                     upgrade_answer_.result_int(), " to /v1/connect")));
    }
    if (error) return fail("WebSocket handshake", error);
    open_ = true;
    read();
    if (closing_) return say_goodbye();
    if (listener_ != nullptr) listener_->opened();
    if (open_ && !waiting_.empty() && !writing_) write();
  }

  void read() {
    socket_->async_read(buffer_, [self = shared_from_this()](ErrorCode error, std::size_t) {
      if (error) return self->on_read_error(error);
      if (self->listener_ != nullptr) {
        const auto bytes = self->buffer_.cdata();
        self->listener_->message({static_cast<const char*>(bytes.data()), bytes.size()});
      }
      self->buffer_.clear();
      self->read();
    });
  }

  void on_read_error(ErrorCode error) {
    open_ = false;
    if (error != websocket::error::closed) return fail("connection", error);
    const auto& reason = socket_->reason();
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
    socket_->async_write(asio::buffer(leaving_), [self = shared_from_this()](ErrorCode error, std::size_t) {
      self->writing_ = false;
      if (error) return;  // the read hears of it, too
      if (!self->waiting_.empty()) return self->write();
      if (self->closing_) self->say_goodbye();
    });
  }

  // The read that is under way takes the other side's answer.
  void say_goodbye() {
    if (std::exchange(said_goodbye_, true)) return;
    socket_->async_close(websocket::close_code::normal, [self = shared_from_this()](ErrorCode) {});
  }

  void fail(const char* step, ErrorCode error) { end(unreachable(endpoint_, step, error)); }

  void end(const absl::Status& why) {
    open_ = false;
    if (WebSocketListener* listener = std::exchange(listener_, nullptr)) listener->closed(why);
  }

  Endpoint endpoint_;
  WebSocketListener* listener_;  // nullptr: nobody listens any more
  std::shared_ptr<Opening> opening_;
  std::optional<websocket::stream<Stream>> socket_;
  websocket::response_type upgrade_answer_;
  beast::flat_buffer buffer_;
  std::deque<std::string> waiting_;
  std::string leaving_;  // the bytes of the write under way
  bool open_ = false;
  bool writing_ = false;
  bool closing_ = false;
  bool said_goodbye_ = false;
};

}  // namespace

std::shared_ptr<WebSocket> open_websocket(asio::io_context& io, const Endpoint& endpoint, WebSocketListener& listener) {
  auto connection = std::make_shared<Connection>(endpoint, listener);
  connection->start(io);
  return connection;
}

}  // namespace chasqui::net
