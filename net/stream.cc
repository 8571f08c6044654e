#include "net/stream.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cerrno>

#include "net/clock.h"

namespace chasqui {

namespace asio = boost::asio;

Stream::Stream(Socket socket, SslPointer ssl, const Limits& limits)
    : socket_(std::move(socket)),
      ssl_(std::move(ssl)),
      rate_(limits.socket_read_burst_bytes, limits.socket_read_bytes_per_s),
      heard_(mono_now()) {
  ErrorCode ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

char* Stream::scratch_of_thread() {
  thread_local std::unique_ptr<char[]> scratch(new char[tls_record_bytes]);
  return scratch.get();
}

void Stream::came(std::size_t bytes) {
  if (bytes == 0) {
    return;
  }
  heard_ = mono_now();
  if (message_begun_ == MonoTime::never()) {
    message_begun_ = heard_;
  }
  rate_.take(bytes, heard_);
}

Duration Stream::read_wait() {
  return rate_.wait(mono_now());
}

Timer& Stream::rate_timer(Duration wait) {
  if (!rate_timer_) {
    rate_timer_ = std::make_unique<Timer>(get_executor());
  }
  rate_timer_->expires_after(std::chrono::nanoseconds(wait.ns));
  return *rate_timer_;
}

// The library would go on with the descriptor's number, which may be somebody else's by now.
Stream::Try Stream::closed() {
  return {Try::Result::Failed, 0, asio::error::bad_descriptor};
}

Stream::Try Stream::outcome(int result, bool reading) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return {Try::Result::WaitRead, 0, {}};
    case SSL_ERROR_WANT_WRITE: return {Try::Result::WaitWrite, 0, {}};
    case SSL_ERROR_ZERO_RETURN: return {Try::Result::Failed, 0, asio::error::eof};
    case SSL_ERROR_SYSCALL: {
      const int number = errno;
      ERR_clear_error();
      return {Try::Result::Failed, 0,
              number != 0 ? ErrorCode(number, asio::error::get_system_category())
              : reading   ? ErrorCode(asio::error::eof)
                          : ErrorCode(asio::error::connection_reset)};
    }
    default: {
      const auto code = static_cast<int>(ERR_get_error());
      ERR_clear_error();
      return {Try::Result::Failed, 0, ErrorCode(code, asio::error::get_ssl_category())};
    }
  }
}

Stream::Try Stream::try_handshake() {
  if (!socket_.is_open()) {
    return closed();
  }
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? Try{Try::Result::Done, 0, {}} : outcome(result, true);
}

Stream::Try Stream::try_read(asio::mutable_buffer buffer) {
  if (!socket_.is_open()) {
    return closed();
  }
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &bytes);
  return result == 1 ? Try{Try::Result::Done, bytes, {}} : outcome(result, true);
}

Stream::Try Stream::try_write(asio::const_buffer bytes) {
  if (!socket_.is_open()) {
    return closed();
  }
  ERR_clear_error();
  errno = 0;
  std::size_t written = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
  return result == 1 ? Try{Try::Result::Done, written, {}} : outcome(result, false);
}

void Stream::begin_shutdown() {
  if (on_shutdown_) {
    on_shutdown_();
  }
  if (ssl_ && socket_.is_open()) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());  // one try: a full send buffer loses the close_notify, not the close
    ERR_clear_error();
  }
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

Stream::Try Stream::try_drain() {
  const ssize_t bytes = recv(socket_.native_handle(), scratch_of_thread(), tls_record_bytes, 0);
  if (bytes > 0) {
    return {Try::Result::Done, static_cast<std::size_t>(bytes), {}};
  }
  const bool waits = bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  return {waits ? Try::Result::WaitRead : Try::Result::Failed, 0, {}};
}

void Stream::close() {
  ErrorCode ignored;
  if (rate_timer_) {
    rate_timer_->cancel();
  }
  socket_.close(ignored);
}

void teardown(boost::beast::role_type /*role*/, Stream& stream, ErrorCode& error) {
  stream.close();
  error = {};
}

void beast_close_socket(Stream& stream) {
  stream.close();
}

}  // namespace chasqui
