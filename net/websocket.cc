#include "net/websocket.h"

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "absl/strings/str_cat.h"
#include "net/clock.h"

namespace chasqui {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;

namespace {

Duration ms(std::uint64_t n) {
  return milliseconds(static_cast<std::int64_t>(n));
}

}  // namespace

WebSocketSession::WebSocketSession(Server& server, std::uint64_t number, const Address& address, Stream stream)
    : Connection(server, number, address),
      socket_(std::move(stream)),
      control_frames_(server.config_.limits.control_frame_burst,
                      1'000 / std::max<std::uint64_t>(server.config_.limits.control_frame_refill_ms, 1)) {}

void WebSocketSession::start(std::shared_ptr<const HttpRequest> request, std::string subprotocol) {
  socket_.binary(true);
  socket_.auto_fragment(false);  // one frame each: no copy, no 4 KiB of buffer
  socket_.read_message_max(server_.config_.limits.websocket_message_bytes_max);
  socket_.set_option(websocket::stream_base::decorator(
      [server = server_.config_.version, protocol = std::move(subprotocol)](websocket::response_type& response) {
        response.set(boost::beast::http::field::server, server);
        response.set("X-Content-Type-Options", "nosniff");
        if (!protocol.empty()) {
          response.set(boost::beast::http::field::sec_websocket_protocol, protocol);
        }
      }));
  stream().on_shutdown([this] {  // Beast ends it by itself: the other side's close, or a broken frame
    report_closed();
    close_by_ = std::min(close_by_, mono_now() + ms(close_ms_max()));
    server_.wake_at(*this, close_by_);
  });
  socket_.control_callback([this](websocket::frame_type, boost::beast::string_view) { on_control_frame(); });
  const HttpRequest& asked = *request;
  socket_.async_accept(asked, [self = shared_from_this(), request = std::move(request)](ErrorCode error) {
    self->socket_.set_option(websocket::stream_base::decorator([](websocket::response_type&) {}));  // its strings go
    self->on_open(error);
  });
  close_by_ = mono_now() + ms(server_.config_.limits.http_header_ms);
  server_.wake_at(*this, close_by_);
}

void WebSocketSession::on_open(ErrorCode error) {
  if (error || is_ended_) {
    return end();
  }
  close_by_ = MonoTime::never();
  is_open_ = true;
  stream().message_ended();
  server_.owner_.on_session_opened(id(), address());
  server_.wake_at(*this, mono_now() + ms(server_.config_.limits.ping_interval_ms));
  server_.wants_read(id());
}

void WebSocketSession::read() {
  if (reading_ || !reading_wanted_ || is_ended_ || !is_open_) {
    return;
  }
  reading_ = true;
  socket_.async_read(in_, [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_read(error); });
}

void WebSocketSession::on_read(ErrorCode error) {
  reading_ = false;
  if (error) {
    if (error == websocket::error::message_too_big) {
      server_.owner_.on_net_event("a session sent a message over the limit: closed with 1009");
    }
    report_closed();
    return close_begun_ ? void() : end();  // else the close under way ends it
  }
  stream().message_ended();
  if (close_by_ != MonoTime::never()) {
    in_.consume(in_.size());
    return server_.wants_read(id());  // on its way out: read only so that the other side's close is seen
  }
  if (socket_.got_text()) {
    report_closed();
    return close(websocket::close_code::unknown_data, "text frames are not spoken here: send binary messages");
  }
  std::string bytes = boost::beast::buffers_to_string(in_.data());
  in_.consume(in_.size());
  constexpr std::size_t kept_bytes_max = 4096;
  if (in_.capacity() > kept_bytes_max) {
    in_.shrink_to_fit();
  }
  server_.owner_.on_session_frame(id(), std::move(bytes));
  server_.wants_read(id());
}

void WebSocketSession::on_control_frame() {
  if (socket_.is_message_done()) {
    stream().message_ended();  // what came was no part of a message
  }
  if (!control_frames_.try_take(1, mono_now())) {
    // Not from within Beast's own reading.
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
      self->report_closed();
      self->close(websocket::close_code::policy_error, "too many pings");
    });
  }
}

void WebSocketSession::send(std::string bytes) {
  if (close_by_ != MonoTime::never() || !is_open_) {
    return;
  }
  const bool joins = out_.size() > (writing_ ? 1U : 0U) &&
                     out_.back().size() + bytes.size() <= server_.config_.limits.websocket_message_bytes_max;
  if (joins) {
    out_.back() += bytes;
  } else {
    out_.push_back(std::move(bytes));
  }
  if (!writing_ && out_.size() == 1 && !joins) {
    server_.wants_flush(id());
  }
}

void WebSocketSession::flush() {
  if (writing_ || is_ended_) {
    return;
  }
  if (out_.empty()) {
    return close_by_ != MonoTime::never() && is_open_ ? begin_close() : void();
  }
  writing_ = true;
  socket_.async_write(asio::buffer(out_.front()),
                      [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_written(error); });
}

void WebSocketSession::on_written(ErrorCode error) {
  writing_ = false;
  if (error) {
    return close_begun_ || reading_ ? stream().close() : end();  // the read under way ends it
  }
  const std::size_t bytes = out_.front().size();
  out_.pop_front();
  if (out_.empty()) {
    out_.shrink_to_fit();
  }
  if (!is_reported_) {
    server_.owner_.on_session_writable(id(), bytes);
  }
  flush();
}

void WebSocketSession::set_reading(bool on) {
  reading_wanted_ = on;
  if (on) {
    server_.wants_read(id());
  }
}

void WebSocketSession::close(std::uint16_t code, std::string reason) {
  if (close_by_ != MonoTime::never() || is_ended_) {
    return;
  }
  close_code_ = code;
  close_reason_ = std::move(reason);
  close_by_ = mono_now() + ms(close_ms_max());
  reading_wanted_ = true;  // or its close frame would never be seen
  server_.wake_at(*this, close_by_);
  server_.wants_flush(id());
  server_.wants_read(id());
}

void WebSocketSession::begin_close() {
  if (close_begun_) {
    return;
  }
  close_begun_ = true;
  constexpr std::size_t reason_bytes_max = 120;  // a control frame holds 125, two of them the code
  websocket::close_reason reason(close_code_);
  reason.reason.assign(close_reason_.data(), std::min(close_reason_.size(), reason_bytes_max));
  socket_.async_close(reason, [self = shared_from_this()](ErrorCode) { self->end(); });
}

std::uint64_t WebSocketSession::close_ms_max() const {
  constexpr std::uint64_t stopping_ms_max = 500;  // who does not answer a close frame must not hold up the end
  const std::uint64_t usual = server_.config_.limits.close_ms_max;
  return server_.is_stopping_ ? std::min(usual, stopping_ms_max) : usual;
}

MonoTime WebSocketSession::check(MonoTime now) {
  const Limits& limits = server_.config_.limits;
  if (close_by_ != MonoTime::never()) {
    if (now < close_by_) {
      return close_by_;
    }
    abort();
    return MonoTime::never();
  }
  const MonoTime dead = stream().heard() + ms(limits.idle_timeout_ms);
  if (now >= dead) {
    abort();  // nobody is there to read a close frame
    return MonoTime::never();
  }
  const MonoTime late = reading_wanted_ ? stream().message_begun() + ms(limits.message_complete_ms) : MonoTime::never();
  if (now >= late) {
    report_closed();
    close(websocket::close_code::policy_error,
          absl::StrCat("a message was not complete ", limits.message_complete_ms, " ms after its first byte"));
    return close_by_;
  }
  MonoTime next = earlier(dead, late);
  const MonoTime ping_due = std::max(stream().heard(), pinged_) + ms(limits.ping_interval_ms);
  if (now >= ping_due) {
    ping(now);
    return earlier(next, now + ms(limits.ping_interval_ms));
  }
  return earlier(next, ping_due);
}

void WebSocketSession::ping(MonoTime now) {
  pinged_ = now;
  if (pinging_) {
    return;
  }
  pinging_ = true;
  socket_.async_ping({}, [self = shared_from_this()](ErrorCode) { self->pinging_ = false; });
}

void WebSocketSession::report_closed() {
  if (is_open_ && !is_reported_) {
    is_reported_ = true;
    server_.owner_.on_session_closed(id());
  }
}

void WebSocketSession::end() {
  if (is_ended_) {
    return;
  }
  is_ended_ = true;
  report_closed();
  stream().close();
  server_.forget(*this);
}

void WebSocketSession::abort() {
  stream().close();
  report_closed();
  if (!reading_ && !writing_ && !close_begun_) {
    end();
  }
}

}  // namespace chasqui
